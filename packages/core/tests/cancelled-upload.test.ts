// SPDX-License-Identifier: Apache-2.0
// Promise 2: a cancelled upload never looks complete.
// Mutant: core/src/engine/call/client-call.ts # sourceFailed(error: unknown): void { => sourceFailed(error: unknown): void { return undefined as never;
// Mutant: core/src/engine/call/server-call.ts # this.reader.fail(outcome ?? callEndedError, true);
// Mutant: core/src/engine/message/message-reader.ts # if (!this.wholeAtEnd()) return;
// Mutant: http2/src/streams/stream.ts # sink.reset(reset);
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type TripleServiceImpl } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { goAway } from "../../http2/tests/frames.js";
import { errorOf, forEver, happening } from "./events.js";
import { everyLink, quiet, type Running } from "./every-link.js";
import { envelope } from "./raw-client.js";
import { RawSocket } from "./raw-socket.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;

/** Handlers that read to the end of their requests, and tell after which message what came. */
function reading() {
  const outcome = happening<unknown>();
  const got = happening();
  const names: string[] = [];
  const read = async (requests: AsyncIterable<{ name: string }>): Promise<void> => {
    try {
      for await (const { name } of requests) {
        names.push(name);
        if (names.length === 2) got.tell();
      }
      outcome.tell("complete");
    } catch (error) {
      outcome.tell(error);
      throw error;
    }
  };
  const handlers: Partial<TripleServiceImpl<typeof GreetService>> = {
    async greetClientStream(requests) {
      await read(requests);
      return {};
    },
    async *greetStream(requests) {
      await read(requests);
      yield {};
    },
  };
  return { outcome, got, names, handlers };
}

interface Upload {
  /** The call's outcome. */
  readonly ended: PromiseLike<unknown>;
  cancel(): void;
  dispose(): PromiseLike<void>;
}

interface Settings {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Two messages, and then nothing, or an error. */
async function* two(after: PromiseLike<unknown>) {
  yield { name: "a" };
  yield { name: "b" };
  await after;
}

/** Both kinds with an open request, each as a handle and as an iterable. */
const kinds: Record<string, (client: Client, settings: Settings) => Promise<Upload>> = {
  async "a client stream"(client, settings) {
    const upload = client.greetClientStream(settings);
    for (const name of ["a", "b"]) await upload.send({ name });
    return {
      ended: upload.responseTrailer,
      cancel: () => upload.cancel(),
      dispose: () => upload[Symbol.asyncDispose](),
    };
  },
  async "a bidi stream"(client, settings) {
    const chat = client.greetStream(settings);
    for (const name of ["a", "b"]) await chat.send({ name });
    return {
      ended: chat.receive(),
      cancel: () => chat.cancel(),
      dispose: () => chat[Symbol.asyncDispose](),
    };
  },
  async "a bidi stream of an iterable"(client, settings) {
    const stream = client.greetStream(two(forEver()), settings);
    return {
      ended: stream.receive(),
      cancel: () => stream.cancel(),
      dispose: () => stream[Symbol.asyncDispose](),
    };
  },
};

const ways: Record<string, (upload: Upload, end: Running, abort: AbortController) => unknown> = {
  "cancel()": (upload) => upload.cancel(),
  dispose: (upload) => upload.dispose(),
  "a signal": (_upload, _end, abort) => abort.abort(),
  "the transport's close()": (_upload, end) => end.transport.close(),
  "a cut": (_upload, end) => end.cut(),
  "a shutdown": (_upload, end) => void end.server.shutdown({ graceMs: 0 }),
};

const codes: Record<string, Code> = {
  "the transport's close()": Code.Unavailable,
  "a cut": Code.Unavailable,
  "a shutdown": Code.Unavailable,
};

const cases = Object.entries(kinds).flatMap(([kind, begin]) =>
  Object.entries(ways).map(([way, leave]) => ({
    kind,
    way,
    begin,
    leave,
    code: codes[way] ?? Code.Canceled,
  })),
);

describe.each(everyLink)("an upload that does not end over $name", (link) => {
  test.each(cases)("$kind, by $way: the handler's loop throws", async ({ begin, leave, code }) => {
    const { outcome, got, names, handlers } = reading();
    await using end = await link.start({ cuttable: true, routes: (r) => r.service(GreetService, handlers) });
    const client = createClient(GreetService, end.transport);
    const abort = new AbortController();
    const upload = await begin(client, { signal: abort.signal });
    const ended = errorOf(upload.ended);
    await got;
    await leave(upload, end, abort);
    expect(await outcome).toBeInstanceOf(ConnectError);
    expect(await outcome).toMatchObject({ code });
    expect((await ended).code).toBe(code);
    expect(names).toEqual(["a", "b"]);
  });

  test.each(Object.entries(kinds))("%s, by its deadline: the handler's loop throws", async (_kind, begin) => {
    const { outcome, got, handlers } = reading();
    const clock = createClock();
    await using end = await link.start({ clock, routes: (r) => r.service(GreetService, handlers) });
    const client = createClient(GreetService, end.transport);
    const upload = await begin(client, { timeoutMs: 150 });
    const ended = errorOf(upload.ended);
    await got;
    await clock.advance(154);
    expect((await ended).code).toBe(Code.DeadlineExceeded);
    // Both ends count: the server hears of its own deadline, or of the client's cancel.
    expect([Code.DeadlineExceeded, Code.Canceled]).toContain(((await outcome) as ConnectError).code);
  });

  test("of a generator that throws: the handler's loop throws, the call rejects with the generator's error", async () => {
    const { outcome, got, names, handlers } = reading();
    await using end = await link.start({ routes: (r) => r.service(GreetService, handlers) });
    const client = createClient(GreetService, end.transport);
    const mine = new ConnectError("the file can't be read", Code.DataLoss);
    const broken = two(got.then(() => Promise.reject(mine)));
    expect(await errorOf(client.greetClientStream(broken))).toBe(mine);
    expect(await outcome).toMatchObject({ code: Code.Canceled });
    expect(names).toEqual(["a", "b"]);
  });

  test("of a generator that gives what can't be sent: the handler's loop throws", async () => {
    const { outcome, handlers } = reading();
    await using end = await link.start({ routes: (r) => r.service(GreetService, handlers) });
    const client = createClient(GreetService, end.transport);
    const broken = (async function* () {
      yield { name: "a" };
      yield { name: Symbol() as unknown as string };
    })();
    expect((await errorOf(client.greetClientStream(broken))).rawMessage).toContain("can't be serialised");
    expect(await outcome).toMatchObject({ code: Code.Canceled });
  });
});

const message = (name: string): Uint8Array =>
  envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name })));

/** The actions of a client after two messages, other than END_STREAM behind a whole message. */
const rawWays: Record<string, (client: RawSocket) => void> = {
  ...Object.fromEntries(
    [0, 1, 2, 5, 7, 8, 11, 0x1234].map((code) => [
      `RST_STREAM with code ${code}`,
      (client: RawSocket) => client.reset(1, code),
    ]),
  ),
  "closes its socket in order": (client) => client.socket.end(),
  "closes its socket by a reset": (client) => client.socket.resetAndDestroy(),
  "says GOAWAY and closes": (client) => {
    client.write(goAway(0, 0));
    client.socket.end();
  },
  "breaks the protocol": (client) => client.write(Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 0, 0, 0)),
  "ends inside a message": (client) => client.data(1, message("c").subarray(0, 6), true),
  "ends inside a prefix": (client) => client.data(1, Uint8Array.of(0, 0), true),
};

describe("a client that writes frames by hand", () => {
  test.each(Object.entries(rawWays))("%s: the handler's loop throws", async (_way, leave) => {
    const { outcome, got, names, handlers } = reading();
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, handlers),
    });
    using client = await RawSocket.open(server.port);
    client.call(1, "/greet.GreetService/GreetClientStream");
    client.data(1, message("a"));
    client.data(1, message("b"));
    await got;
    leave(client);
    expect(await outcome).toBeInstanceOf(ConnectError);
    expect(names).toEqual(["a", "b"]);
  });

  test("that does end is complete", async () => {
    const { outcome, got, handlers } = reading();
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, handlers),
    });
    using client = await RawSocket.open(server.port);
    client.call(1, "/greet.GreetService/GreetClientStream");
    client.data(1, message("a"));
    client.data(1, message("b"));
    await got;
    client.data(1, new Uint8Array(), true);
    expect(await outcome).toBe("complete");
  });
});
