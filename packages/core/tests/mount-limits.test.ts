// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. The limits of request messages hold under Connect's adapters, in each protocol and format.
// Mutant: core/src/mount/limit-messages.ts # format === "json" ? null => true ? null
// Mutant: core/src/mount/limit-messages.ts # jsonElements(bytes, 0, bytes.length, maxElements, weights) => undefined
// Mutant: core/src/mount/limit-messages.ts # isEnveloped(req.header) => true
// Mutant: core/src/mount/limited-body.ts # if (counter !== null) => if (false)
// Mutant: core/src/mount/limited-body.ts # if (current !== null) => if (false)
// Mutant: core/src/mount/limited-body.ts # if (turn !== null) await turn;
// Mutant: core/src/mount/limited-body.ts # if (this.passing) whole = b.length;
// Mutant: core/src/mount/limited-body.ts # if (whole < b.length) this.held.push(b.subarray(whole)); => if (whole < b.length) this.ready.push(b.subarray(whole));
// Mutant: core/src/mount/held-pieces.ts # const smallBytes = 32; => const smallBytes = 0;
// Mutant: core/src/mount/held-pieces.ts # if (b.length >= smallBytes) { => if (b.length >= smallBytes) { this.pieces.push(b); return;
// Mutant: core/src/mount/connect-options.ts # count(decompressed);
// Mutant: core/src/mount/connect-options.ts # if (format === "proto") countBinary => countBinary
// Mutant: core/src/mount/guard-interceptor.ts # held.take(req.message);
// Mutant: core/src/mount/guard-interceptor.ts # run.then(held.end, held.end);
// Mutant: core/src/mount/guard-interceptor.ts # held.take(message);
// Mutant: core/src/mount/guard-interceptor.ts # const asked = uploads ? held.giveBack : undefined; => const asked = undefined;
// Mutant: core/src/mount/guard-interceptor.ts # const asked = uploads ? held.giveBack : undefined; => const asked = held.giveBack;
// Mutant: core/src/mount/guard-interceptor.ts # signal.addEventListener("abort", held.end, { once: true });
import { gzipSync } from "node:zlib";
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { createClient as createConnectClient } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, type ConnectError } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { heldBytes } from "../src/engine/message/held-bytes.js";
import { parseTurns } from "../src/engine/message/parse-turns.js";
import { EnvelopedMessages } from "../src/mount/limited-body.js";
import { all, errorOf, forEver, happening, turns, until } from "./events.js";
import { greeter } from "./greeter.js";
import { over, type StockOptions, stockTransport, ways } from "./mounts.js";
import { envelope } from "./raw-client.js";
import { callHttp1 } from "./raw-http1.js";
import { RawSocket } from "./raw-socket.js";

const tooMany = /^message of \d+ bytes has more elements .*than the limit of 1000: raise readMaxElements/;

/** A request with so many fields that its receiver doesn't know. */
function withUnknown<D extends DescMessage>(schema: D, count: number, name = ""): MessageShape<D> {
  const one = { no: 20, wireType: 0, data: Uint8Array.of(1) };
  const $unknown = Array.from({ length: count }, () => one);
  return Object.assign(create(schema), { name, $unknown });
}

const { greet, greetServerStream, greetClientStream } = GreetService.method;

async function* stream<T>(...messages: T[]): AsyncGenerator<T> {
  yield* messages;
}

const formats: readonly (StockOptions & { readonly how: string })[] = [
  { how: "plain", sendCompression: compressionGzip, compressMinBytes: 1e9 },
  { how: "compressed", sendCompression: compressionGzip, compressMinBytes: 0 },
];

describe.each(ways)("$title", ({ mount, protocol }) => {
  afterEach(() => until(() => heldBytes.total === 0));

  test.each(formats)(
    "a binary message of more elements than readMaxElements ends its call, $how",
    async (options) => {
      await using server = await mount.start({
        acceptCompression: [compressionGzip],
        readMaxElements: 1000,
        routes: (r) => r.service(GreetService, greeter()),
      });
      using end = stockTransport(server.port, protocol, mount.http, options);
      const client = createConnectClient(GreetService, end.transport);
      for (const [count, refused] of [
        [1000, false],
        [1001, true],
        [30_000, true],
      ] as const) {
        const unary = client.greet(withUnknown(greet.input, count, "a"));
        const streamed = all(client.greetServerStream(withUnknown(greetServerStream.input, count, "a")));
        const refusal = [Code.ResourceExhausted, expect.stringMatching(tooMany)];
        const outcomes = [
          unary.then(({ greeting }) => greeting),
          streamed.then(({ length }) => length > 0),
        ].map((outcome) => outcome.catch(({ code, rawMessage }: ConnectError) => [code, rawMessage]));
        const answers = [expect.stringContaining("a"), true];
        expect(await Promise.all(outcomes)).toEqual(refused ? [refusal, refusal] : answers);
      }
      const upload = client.greetClientStream(
        stream(
          withUnknown(greetClientStream.input, 1000),
          withUnknown(greetClientStream.input, 5),
          withUnknown(greetClientStream.input, 1001),
        ),
      );
      expect((await errorOf(upload)).code).toBe(Code.ResourceExhausted);
      const small = await client.greetClientStream(
        stream(...Array.from({ length: 50 }, () => withUnknown(greetClientStream.input, 900, "b"))),
      );
      expect(small.greeting).toContain("b");
    },
  );

  test.each(formats)(
    "a JSON text that would be many elements of a binary message is read, $how",
    async (options) => {
      await using server = await mount.start({
        acceptCompression: [compressionGzip],
        readMaxElements: 1000,
        routes: (r) => r.service(GreetService, greeter()),
      });
      using end = stockTransport(server.port, protocol, mount.http, { ...options, useBinaryFormat: false });
      const client = createConnectClient(GreetService, end.transport);
      const name = "zz".repeat(50_000);
      expect((await client.greet({ name })).greeting).toContain(name);
      expect((await all(client.greetServerStream({ name: "a" }))).length).toBeGreaterThan(0);
    },
  );

  test("the message that a handler has counts in maxHeldBytes until the call is over", async () => {
    const go = happening();
    let taken = 0;
    await using server = await mount.start({
      maxHeldBytes: 35_000,
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greet() {
            taken++;
            await go;
            return {};
          },
          async *greetServerStream() {
            taken++;
            await go;
            yield {};
          },
        }),
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const client = createConnectClient(GreetService, end.transport);
    const name = "x".repeat(10_000);
    const running = [client.greet({ name }), client.greet({ name }), all(client.greetServerStream({ name }))];
    await until(() => taken === 3);
    for (const refused of [client.greet({ name }), all(client.greetServerStream({ name }))]) {
      const { code, rawMessage } = await errorOf(refused);
      expect([code, rawMessage]).toEqual([
        Code.ResourceExhausted,
        expect.stringMatching(/more than the limit of 35000 bytes: call later, or raise maxHeldBytes/),
      ]);
    }
    expect(taken).toBe(3);
    go.tell();
    await Promise.all(running);
    await until(() => heldBytes.total === 0);
    await client.greet({ name });
  });

  test("a message of an upload counts until the handler asks for the next one", async () => {
    let most = 0;
    await using server = await mount.start({
      maxHeldBytes: 15_000,
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greetClientStream(requests) {
            for await (const _ of requests) most = Math.max(most, heldBytes.total);
            return { greeting: String(heldBytes.total) };
          },
        }),
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const client = createConnectClient(GreetService, end.transport);
    const { greeting } = await client.greetClientStream(
      stream(...Array.from({ length: 5 }, () => ({ name: "x".repeat(10_000) }))),
    );
    expect([most > 10_000, most < 11_000, greeting]).toEqual([true, true, "0"]);
  });
});

describe.each(over("1.1"))("$title", (mount) => {
  test("JSON is not counted as a binary message, whose unknown fields its spaces would be", async () => {
    await using server = await mount.start({
      acceptCompression: [compressionGzip],
      readMaxElements: 1000,
      routes: (r) => r.service(GreetService, greeter()),
    });
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const spaces = gzipSync(`${" ".repeat(5000)}{"name":"a"}`);
    const { status } = await callHttp1(server.port, "/greet.GreetService/Greet", headers, spaces).answer;
    expect(status).toBe(200);
  });

  const json = Buffer.from(`{"other":[${'"",'.repeat(1000)}""]}`);

  test.each([
    ["Connect", { "content-type": "application/json" }, json],
    [
      "Connect, compressed,",
      { "content-type": "application/json", "content-encoding": "gzip" },
      gzipSync(json),
    ],
    ["gRPC-Web", { "content-type": "application/grpc-web+json" }, envelope(json)],
    [
      "gRPC-Web, compressed,",
      { "content-type": "application/grpc-web+json", "grpc-encoding": "gzip" },
      envelope(gzipSync(json), 1),
    ],
  ])(
    "a JSON message of %s with more elements than readMaxElements ends its call",
    async (_, headers, body) => {
      const answerTo = async (readMaxElements: number): Promise<string> => {
        await using server = await mount.start({
          acceptCompression: [compressionGzip],
          readMaxElements,
          routes: (r) => r.service(GreetService, greeter()),
        });
        const { answer } = callHttp1(server.port, "/greet.GreetService/Greet", headers, body);
        const { body: answered, header } = await answer;
        return decodeURIComponent(`${answered.toString()} ${JSON.stringify(header)}`);
      };
      // Two containers, 1001 texts, and a quarter of a name.
      expect(await answerTo(1003)).not.toContain("elements");
      expect(await answerTo(1002)).toContain("than the limit of 1002: raise readMaxElements");
    },
  );
});

test("messages of a body wait for a turn to be parsed", async () => {
  // The turn of this test is spent.
  expect(parseTurns.enter(1e9)).toBeNull();
  const message = envelope(new Uint8Array(5000));
  const cut = [message.subarray(0, 3), message.subarray(3, 100), message.subarray(100)];
  const body = new EnvelopedMessages(stream(...cut), null, 10_000);
  let read: Uint8Array | undefined;
  const reading = body.next().then(({ value }) => {
    read = value;
  });
  for (let i = 0; i < 100; i++) await Promise.resolve();
  expect(read).toBeUndefined();
  await reading;
  expect(read).toEqual(cut[0]);
});

test("a body passes on a message that is too large at once, and one that is cut at its end", async () => {
  const message = envelope(new Uint8Array(5000));
  const [first, second] = [message.subarray(0, 100), message.subarray(100, 200)];
  async function* stops() {
    yield first;
    await forEver();
  }
  expect((await new EnvelopedMessages(stops(), null, 4999).next()).value).toEqual(first);
  expect(await all(new EnvelopedMessages(stream(first, second), null, 5000))).toEqual([first, second]);
});

test("a body of 200 KB in pieces of one byte is passed on whole, in few pieces", async () => {
  const message = envelope(Uint8Array.from({ length: 200_000 }, (_, i) => i % 251));
  async function* bytes() {
    for (let i = 0; i < message.length; i++) yield message.subarray(i, i + 1);
  }
  const pieces = await all(new EnvelopedMessages(bytes(), null, 200_000));
  expect(Buffer.concat(pieces).equals(message)).toBe(true);
  expect(pieces.length).toBeLessThan(10);
});

test("pieces small and large keep their order", async () => {
  const message = envelope(Uint8Array.from({ length: 100_000 }, (_, i) => i % 251));
  const sizes = [3, 1, 1023, 1024, 5, 30_000, 700, 700];
  function* cut() {
    for (let at = 0, i = 0; at < message.length; i++) {
      const size = sizes[i % sizes.length]!;
      yield message.subarray(at, at + size);
      at += size;
    }
  }
  const pieces = await all(new EnvelopedMessages(stream(...cut()), null, 100_000));
  expect(Buffer.concat(pieces).equals(message)).toBe(true);
});

test.each(over("2"))("a length prefix allocates nothing: $title", async (mount) => {
  let called = 0;
  await using server = await mount.start({
    routes: (router) =>
      router.service(GreetService, {
        async greetClientStream(requests) {
          called++;
          for await (const _ of requests);
          return {};
        },
      }),
  });
  using client = await RawSocket.open(server.port);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 24; i++) {
    client.call(2 * i + 1, "/greet.GreetService/GreetClientStream");
    client.data(2 * i + 1, Uint8Array.of(0, 0, 0x40, 0, 0));
  }
  await until(() => called === 24);
  await turns(10);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 4 * 1024 * 1024);
});
