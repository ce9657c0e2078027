// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. Clients that take no answers make a server hold so many bytes and no more, and learn why; slow ones stay.
// Mutant: core/src/engine/call/server-call.ts # const refusal = this.host.refuseCall(); => const refusal = null as ConnectError | null;
// Mutant: core/src/server/lifecycle/server-connection.ts # const refusal = head.refusal ?? this.refuseCall(); => const refusal = head.refusal;
// Mutant: core/src/engine/message/message-writer.ts # if (place < 0 && !admitted) => if (false)
// Mutant: core/src/engine/message/message-writer.ts # this.admit(bytes.length);
// Mutant: core/src/engine/message/message-writer.ts # stream.compressing?.(length);
// Mutant: core/src/engine/message/message-writer.ts # stream.compressing?.(-length);
// Mutant: core/src/engine/message/message-writer.ts # compressedFlag : 0, end, true) => compressedFlag : 0, end)
// Mutant: core/src/carrier/reset-reason.ts # ? Code.ResourceExhausted : Code.Internal => ? Code.Internal : Code.Internal
// Mutant: core/src/server/lifecycle/server-connection.ts # this.owner.limited(this, message);
import { type ClientHttp2Session, connect as connectHttp2, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, createClient, type Logger, type ServerOptions } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { errorOf, fired, forEver, happening, turns, until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { envelope } from "./raw-client.js";

const size = 100_000;
const most = 2_000_000;
const greeting = "x".repeat(size);
const requestBody = envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "a" })));

/** A foreign client that gives no stream any window, and its calls. */
class WindowlessClient {
  readonly session: ClientHttp2Session;
  /** `grpc-status` and `grpc-message` of the calls that have ended. */
  readonly ended: { status: string; message: string; bytes: number }[] = [];

  constructor(port: number) {
    this.session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    this.session.on("error", () => {});
  }

  /** Makes a call; `ends`: with its request, else with headers alone. */
  call(method: string, headers: Record<string, string> = {}, ends = true): void {
    const stream = this.session.request({
      ":method": "POST",
      ":path": `/greet.GreetService/${method}`,
      "content-type": "application/grpc+proto",
      te: "trailers",
      ...headers,
    });
    let bytes = 0;
    let status: unknown;
    let message: unknown;
    const read = (fields: Record<string, unknown>): void => {
      status ??= fields["grpc-status"];
      message ??= fields["grpc-message"];
    };
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on("error", () => {});
    stream.on("close", () => {
      this.ended.push({ status: String(status), message: decodeURIComponent(String(message)), bytes });
    });
    if (ends) stream.end(requestBody);
  }

  /** Gives all streams, also those to come, a window that is large enough. */
  read(): void {
    this.session.settings({ initialWindowSize: 2 ** 30 });
    this.session.setLocalWindowSize(2 ** 30);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.session.once("close", () => resolve());
      this.session.destroy();
    });
  }
}

async function start(options: Partial<ServerOptions> & Pick<ServerOptions, "routes">) {
  const lines: string[] = [];
  const logger: Logger = { ...quiet, warn: (line) => void lines.push(line) };
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger,
    http2: { maxQueuedBytes: most },
    ...options,
  });
  return { server, lines, client: new WindowlessClient(server.port) };
}

const named = /option http2.maxQueuedBytes/;

test("calls beyond half of maxQueuedBytes are refused before their handlers run, and served once the answers are read", async () => {
  let handled = 0;
  const { server, lines, client } = await start({
    routes: (r) =>
      r.service(GreetService, {
        greet() {
          handled++;
          return { greeting };
        },
      }),
  });
  await using _server = server;
  await using _client = client;
  for (let i = 0; i < 100; i++) client.call("Greet");
  await until(() => client.ended.length + handled >= 100);
  await until(() => client.ended.length === 100 - handled);
  // Half of 2 MB, and the answer that passes it.
  expect(handled).toBe(10);
  for (const { status, message } of client.ended) {
    expect(status).toBe("8");
    expect(message).toMatch(
      /^\d{7} bytes of answers wait to be sent on this connection: above 1000000 new calls/,
    );
    expect(message).toMatch(named);
  }
  expect(lines[0]).toMatch(/^connection with 127\.0\.0\.1:\d+ passed a limit: \d{7} bytes of answers wait/);
  // One whose request has not come yet is not waited for.
  client.call("Greet", {}, false);
  await until(() => client.ended.length === 91);
  expect(client.ended.pop()?.status).toBe("8");
  client.read();
  await until(() => client.ended.length === 100);
  expect(client.ended.filter(({ status }) => status === "0").map(({ bytes }) => bytes)).toEqual(
    Array.from({ length: 10 }, () => size + 9),
  );
  client.call("Greet");
  await until(() => client.ended.length === 101);
  expect(client.ended.at(-1)).toMatchObject({ status: "0", bytes: size + 9 });
});

test("answers of calls that run may wait up to maxQueuedBytes, and the others become ResourceExhausted", async () => {
  const go = happening();
  let handled = 0;
  const { server, client } = await start({
    routes: (r) =>
      r.service(GreetService, {
        async greet() {
          handled++;
          await go;
          return { greeting };
        },
      }),
  });
  await using _server = server;
  await using _client = client;
  for (let i = 0; i < 100; i++) client.call("Greet");
  await until(() => handled === 100);
  go.tell();
  await until(() => client.ended.length === 81);
  for (const { status, message } of client.ended) {
    expect(status).toBe("8");
    expect(message).toMatch(
      /^a message of \d+ bytes is not sent, since \d+ bytes wait .* at most 2000000 may/,
    );
    expect(message).toMatch(named);
  }
  client.read();
  await until(() => client.ended.length === 100);
  expect(client.ended.filter(({ status }) => status === "0")).toHaveLength(19);
});

test("streams ask for no more than fits, and go on once their messages are read", async () => {
  let given = 0;
  const { server, client } = await start({
    routes: (r) =>
      r.service(GreetService, {
        async *greetServerStream() {
          for (let i = 0; i < 50; i++) {
            await turns(2);
            given++;
            yield { greeting };
          }
        },
      }),
  });
  await using _server = server;
  await using _client = client;
  for (let i = 0; i < 100; i++) client.call("GreetServerStream");
  await until(() => client.ended.length === 81);
  await turns(20);
  expect(given).toBe(100);
  client.read();
  await until(() => client.ended.length === 100);
  const whole = client.ended.filter(({ status }) => status === "0");
  expect(whole.map(({ bytes }) => bytes)).toEqual(Array.from({ length: 19 }, () => 50 * (size + 9)));
});

test("messages that are being compressed wait, too", async () => {
  const go = happening();
  let handled = 0;
  const gated: typeof compressionGzip = {
    ...compressionGzip,
    async compress(bytes) {
      await go;
      return compressionGzip.compress(bytes);
    },
  };
  const { server, client } = await start({
    acceptCompression: [gated],
    compressResponses: true,
    routes: (r) =>
      r.service(GreetService, {
        greet() {
          handled++;
          return { greeting };
        },
      }),
  });
  await using _server = server;
  await using _client = client;
  const headers = { "grpc-accept-encoding": "gzip" };
  for (let i = 0; i < 100; i++) client.call("Greet", headers);
  await until(() => client.ended.length === 90);
  expect(handled).toBe(10);
  expect(client.ended.every(({ status }) => status === "8")).toBe(true);
  // Compressed, they are a few hundred bytes: new calls are served though nothing is read.
  go.tell();
  await turns(5);
  await until(() => {
    client.call("Greet", headers);
    return handled > 20;
  });
});

test("messages are admitted before they are compressed, and those that are will be sent", async () => {
  const go = happening();
  let handled = 0;
  let compressed = 0;
  const larger: typeof compressionGzip = {
    ...compressionGzip,
    async compress(bytes) {
      await go;
      // Bytes that do not shrink.
      const out = new Uint8Array(bytes.length + 20_000);
      out.set(await compressionGzip.compress(bytes));
      compressed++;
      return out;
    },
  };
  const waiting = happening();
  const { server, client } = await start({
    acceptCompression: [larger],
    compressResponses: true,
    routes: (r) =>
      r.service(GreetService, {
        async greet() {
          handled++;
          await waiting;
          return { greeting };
        },
      }),
  });
  await using _server = server;
  await using _client = client;
  for (let i = 0; i < 30; i++) client.call("Greet", { "grpc-accept-encoding": "gzip" });
  await until(() => handled === 30);
  waiting.tell();
  await until(() => client.ended.length === 11);
  expect(client.ended.every(({ status }) => status === "8")).toBe(true);
  go.tell();
  await until(() => compressed === 19);
  await turns(5);
  client.read();
  await until(() => client.ended.length === 30);
  expect(client.ended.filter(({ status }) => status === "0")).toHaveLength(19);
});

test("a client with maxQueuedBytes fails calls whose requests would wait beyond it", async () => {
  const mute = createServer({ settings: { initialWindowSize: 0 } });
  const sessions: { destroy(): void }[] = [];
  mute.on("session", (session) => sessions.push(session));
  mute.on("stream", (stream) => stream.on("error", () => {}));
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const transport = createTransport(`tri://127.0.0.1:${(mute.address() as AddressInfo).port}`, {
    http2: { maxQueuedBytes: most },
  });
  const client = createClient(GreetService, transport);
  let failed = 0;
  const cancel = new AbortController();
  const calls = Array.from({ length: 40 }, () =>
    errorOf(client.greet({ name: greeting }, { signal: cancel.signal })).then((error) => {
      failed++;
      return error;
    }),
  );
  await until(() => failed >= 20);
  await turns(20);
  // The first flight is sent before the peer's window is known.
  expect(failed).toBeLessThan(23);
  cancel.abort();
  const errors = await Promise.all(calls);
  const exhausted = errors.filter(({ code }) => code === Code.ResourceExhausted);
  expect(exhausted).toHaveLength(failed === 40 ? exhausted.length : 0);
  expect(exhausted.length).toBeGreaterThanOrEqual(20);
  for (const { rawMessage } of exhausted) expect(rawMessage).toMatch(named);
  await transport.close();
  for (const session of sessions) session.destroy();
  await new Promise((resolve) => mute.close(resolve));
});

describe.each(everyLink)("a stream that is not read over $name", (link) => {
  async function begin(stalledStreamTimeoutMs: number | undefined) {
    const clock = createClock();
    const reason = happening<unknown>();
    const end = await link.start({
      clock,
      http2: stalledStreamTimeoutMs === undefined ? {} : { stalledStreamTimeoutMs },
      routes: (r) =>
        r.service(GreetService, {
          greet: ({ name }) => ({ greeting: name }),
          async *greetServerStream(_request, { signal }) {
            void fired(signal).then((why) => reason.tell(why));
            for (;;) yield { greeting };
          },
          async *greetStream(requests) {
            for await (const { name } of requests) yield { greeting: name };
            await forEver();
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const other = client.greetStream();
    await other.send({ name: "a" });
    await other.receive();
    const unread = client.greetServerStream({});
    await unread.responseHeader;
    await turns(20);
    return { clock, reason, end, client, other, unread };
  }

  test("ends with ResourceExhausted at both ends after stalledStreamTimeoutMs, and others go on", async () => {
    const { clock, reason, end, client, other, unread } = await begin(30_000);
    await using _end = end;
    await clock.advance(33_000);
    expect(await reason).toMatchObject({ code: Code.ResourceExhausted });
    expect(String((await reason) as Error)).toMatch(
      /within 30000 ms \(option http2.stalledStreamTimeoutMs\)/,
    );
    const error = await errorOf(
      (async () => {
        for await (const _ of unread);
      })(),
    );
    expect(error.code).toBe(Code.ResourceExhausted);
    await other.send({ name: "b" });
    expect((await other.receive())?.greeting).toBe("b");
    expect((await client.greet({ name: "c" })).greeting).toBe("c");
    other.cancel();
  });

  test("stays for hours by default, and can be read then", async () => {
    const { clock, end, other, unread } = await begin(undefined);
    await using _end = end;
    await clock.advance(2 * 3_600_000);
    let n = 0;
    for await (const message of unread) {
      expect(message.greeting).toHaveLength(size);
      if (++n === 20) break;
    }
    other.cancel();
  });
});
