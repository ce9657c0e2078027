// SPDX-License-Identifier: Apache-2.0
// What a handler hears of its call's end under a mount, and when.
import { createClient as createConnectClient } from "@connectrpc/connect";
import {
  Code,
  type ConnectError,
  createClient,
  type Interceptor,
  type Transport,
  type TripleContext,
  type TripleServiceImpl,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { errorOf, fired, forEver, type Happening, happening, turns } from "./events.js";
import { mounts, over, type Protocol, stockTransport, ways } from "./mounts.js";
import { startRelay } from "./relay.js";

/** The observations of a handler. */
interface Seen {
  readonly begun: Happening<void>;
  readonly signal: Happening<unknown>;
  /** How the reading of requests ended: by an error, or "complete". */
  readonly read: Happening<unknown>;
  /** A `finally` has run, after so many messages. */
  readonly cleanup: Happening<number>;
  produced: number;
}

const large = "x".repeat(50_000);

/** Handlers that wait for the call's end: uploads at a read, streams at a `yield`, the others at an await of their own. */
function waiting(): { seen: Seen; impl: TripleServiceImpl<typeof GreetService> } {
  const seen: Seen = {
    begun: happening(),
    signal: happening(),
    read: happening(),
    cleanup: happening(),
    produced: 0,
  };
  const watch = ({ signal }: TripleContext): void => void fired(signal).then(seen.signal.tell);
  const read = async (requests: AsyncIterable<unknown>): Promise<void> => {
    try {
      for await (const _ of requests) seen.begun.tell();
      seen.read.tell("complete");
    } catch (error) {
      seen.read.tell(error);
      throw error;
    } finally {
      seen.cleanup.tell(0);
    }
  };
  const impl: TripleServiceImpl<typeof GreetService> = {
    greet(_request, context) {
      watch(context);
      seen.begun.tell();
      return forEver();
    },
    async *greetServerStream(_request, context) {
      watch(context);
      try {
        for (;;) {
          seen.produced++;
          seen.begun.tell();
          yield { greeting: large };
        }
      } finally {
        seen.cleanup.tell(seen.produced);
      }
    },
    async greetClientStream(requests, context) {
      watch(context);
      await read(requests);
      return {};
    },
    async *greetStream(requests, context) {
      watch(context);
      await read(requests);
      yield {};
    },
  };
  return { seen, impl };
}

/** Settles when nothing was produced for a while: the generator is blocked at a `yield`. */
async function blocked(seen: Seen): Promise<number> {
  await seen.begun;
  for (let last = -1; last !== seen.produced; await turns(50)) last = seen.produced;
  return seen.produced;
}

/** Requests that stay open: one message, and no end. */
async function* one(): AsyncGenerator<{ name: string }> {
  yield { name: "a" };
  await forEver();
}

type Call = (transport: Transport, signal: AbortSignal) => Promise<unknown>;

/** A call of a kind that stays open until something ends it. */
const calls = {
  unary: (transport, signal) => createConnectClient(GreetService, transport).greet({}, { signal }),
  upload: (transport, signal) =>
    createConnectClient(GreetService, transport).greetClientStream(one(), { signal }),
  async bidi(transport, signal) {
    for await (const _ of createConnectClient(GreetService, transport).greetStream(one(), { signal }));
  },
  // Reads one message, and then no more: the signal goes to a read that comes only when it has fired.
  async download(transport, signal) {
    const client = createConnectClient(GreetService, transport);
    for await (const _ of client.greetServerStream({}, { signal })) await fired(signal);
  },
} satisfies Record<string, Call>;

const canceled = { code: Code.Canceled };

const uploads = ways.flatMap((way) =>
  (way.mount.http === "2" ? (["upload", "bidi"] as const) : (["upload"] as const)).map((kind) => ({
    ...way,
    kind,
  })),
);

describe("when the client leaves", () => {
  test.each(ways)("the signal of a stuck handler fires: $title", async ({ mount, protocol }) => {
    const { seen, impl } = waiting();
    await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
    using end = stockTransport(server.port, protocol, mount.http);
    const abort = new AbortController();
    const outcome = errorOf(calls.unary(end.transport, abort.signal));
    await seen.begun;
    abort.abort();
    expect(await outcome).toMatchObject(canceled);
    expect(await seen.signal).toMatchObject(canceled);
  });

  test.each(ways)("a generator blocked at a yield runs its finally: $title", async ({ mount, protocol }) => {
    const { seen, impl } = waiting();
    const intercepted = happening();
    const interceptor: Interceptor = (next) => async (req) => {
      const res = await next(req);
      if (!res.stream) return res;
      return {
        ...res,
        message: (async function* () {
          try {
            yield* res.message;
          } finally {
            intercepted.tell();
          }
        })(),
      };
    };
    await using server = await mount.start({
      routes: (r) => r.service(GreetService, impl),
      interceptors: [interceptor],
    });
    using end = stockTransport(server.port, protocol, mount.http);
    const abort = new AbortController();
    const outcome = errorOf(calls.download(end.transport, abort.signal));
    const produced = await blocked(seen);
    abort.abort();
    expect(await outcome).toMatchObject(canceled);
    expect(await seen.cleanup).toBeGreaterThanOrEqual(produced);
    await intercepted;
    expect(await seen.signal).toMatchObject(canceled);
  });

  test.each(over("2"))("a pending read rejects: a client that resets, to $title", async (mount) => {
    for (const kind of ["upload", "bidi"] as const) {
      const { seen, impl } = waiting();
      await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
      await using transport = createTransport(`tri://127.0.0.1:${server.port}`);
      const client = createClient(GreetService, transport);
      const handle = kind === "upload" ? client.greetClientStream() : client.greetStream();
      await handle.send({ name: "a" });
      await seen.begun;
      handle.cancel();
      expect(await seen.read).toMatchObject(canceled);
      expect(await seen.signal).toMatchObject(canceled);
      await seen.cleanup;
    }
  });

  test.each(ways.filter((way) => way.mount.http === "1.1"))(
    "a pending read rejects: $title",
    async ({ mount, protocol }) => {
      const { seen, impl } = waiting();
      await using server = await mount.start({ routes: (r) => r.service(GreetService, impl) });
      using end = stockTransport(server.port, protocol, mount.http);
      const abort = new AbortController();
      const outcome = errorOf(calls.upload(end.transport, abort.signal));
      await seen.begun;
      abort.abort();
      expect(await outcome).toMatchObject(canceled);
      expect(await seen.read).toMatchObject(canceled);
      await seen.cleanup;
    },
  );
});

describe("when the socket is cut", () => {
  /** Starts a call over a relay that is cut when `when` settles. */
  async function cutCall(
    { mount, protocol }: { mount: (typeof mounts)[number]; protocol: Protocol },
    impl: TripleServiceImpl<typeof GreetService>,
    call: Call,
    when: () => Promise<unknown>,
    cut?: Happening<void>,
  ): Promise<void> {
    const errors: string[] = [];
    const logger = { error: (line: string) => void errors.push(line), warn() {}, info() {}, debug() {} };
    await using server = await mount.start({ logger, routes: (r) => r.service(GreetService, impl) });
    const relay = await startRelay({ host: "127.0.0.1", port: server.port }, undefined);
    using end = stockTransport(Number(new URL(relay.url).port), protocol, mount.http);
    const outcome = errorOf(call(end.transport, new AbortController().signal));
    await when();
    relay.cut();
    cut?.tell();
    await outcome;
    await relay.close();
    expect(errors).toEqual([]);
  }

  test.each(uploads)("a pending read rejects: $kind, $title", async (way) => {
    const { seen, impl } = waiting();
    await cutCall(way, impl, calls[way.kind], () => seen.begun.promise);
    expect(await seen.read).toMatchObject(canceled);
    expect(await seen.signal).toMatchObject(canceled);
    await seen.cleanup;
  });

  test.each(ways)("a generator blocked at a yield runs its finally: $title", async (way) => {
    const { seen, impl } = waiting();
    let produced = -1;
    const cut = happening();
    const neverRead: Call = async (transport) => {
      const client = createConnectClient(GreetService, transport);
      const messages = client.greetServerStream({})[Symbol.asyncIterator]();
      await messages.next();
      await cut;
      for (;;) if ((await messages.next()).done === true) return;
    };
    const read = async (): Promise<void> => {
      produced = await blocked(seen);
    };
    await cutCall(way, impl, neverRead, read, cut);
    expect(await seen.cleanup).toBeGreaterThanOrEqual(produced);
    expect(await seen.signal).toMatchObject(canceled);
  });
});

describe.each(mounts)("$title", (mount) => {
  test("context.signal fires at a good end too, as it does with Connect", async () => {
    const signal = happening<AbortSignal>();
    await using server = await mount.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream(_request, context) {
            signal.tell(context.signal);
            yield {};
          },
        }),
    });
    using end = stockTransport(server.port, "Connect", mount.http);
    for await (const _ of createConnectClient(GreetService, end.transport).greetServerStream({}));
    await fired(await signal);
  });

  test("shutdownSignal reaches the handlers, and ends nothing by itself", async () => {
    const shutdown = new AbortController();
    const begun = happening<AbortSignal>();
    await using server = await mount.start({
      shutdownSignal: shutdown.signal,
      routes: (r) =>
        r.service(GreetService, {
          async greet(_request, context) {
            begun.tell(context.shutdownSignal);
            const reason = (await fired(context.shutdownSignal)) as ConnectError;
            return { greeting: `${reason}, ${context.signal.aborted}` };
          },
        }),
    });
    using end = stockTransport(server.port, "Connect", mount.http);
    const answer = createConnectClient(GreetService, end.transport).greet({});
    expect((await begun).aborted).toBe(false);
    shutdown.abort("maintenance");
    expect((await answer).greeting).toBe("maintenance, false");
  });
});
