// SPDX-License-Identifier: Apache-2.0
// Promise 3: no handler is orphaned. Whatever it is doing when its call ends, for whatever reason.
// Mutant: core/src/engine/message/message-writer.ts # private leave(source: AsyncIterator<T> | Iterator<T>): void { => private leave(source: AsyncIterator<T> | Iterator<T>): void { return undefined as never;
// Mutant: core/src/engine/call/server-call.ts # this.writer.stop();
// Mutant: core/src/engine/call/server-call.ts # this.asyncContext.runInAsyncScope(this.controller.abort, this.controller, outcome ?? callEndedError); => {}
// Mutant: core/src/engine/call/server-call.ts # this.reader.fail(outcome ?? callEndedError, true);
// Mutant: core/src/engine/call/server-call.ts # this.host.owner.callEnded(this, this.running);

import { create, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createClient,
  type TripleContext,
  type TripleServiceImpl,
} from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { createClock, type TestClock } from "@tristream/testing";
import { errorOf, fired, type Happening, happening, turns, until } from "./events.js";
import { everyLink, quiet, type Running } from "./every-link.js";
import { envelope } from "./raw-client.js";
import { RawSocket } from "./raw-socket.js";

type Impl = Partial<TripleServiceImpl<typeof GreetService>>;
type Method = "greet" | "greetServerStream" | "greetClientStream" | "greetStream";
type Messages = AsyncIterable<{ greeting: string }>;

/** The observations of one handler. */
class Seen {
  /** The handler is in the state that the case is about. */
  readonly ready: Happening<void> = happening();
  readonly signal: Happening<unknown> = happening();
  /** Its `finally` has run. */
  readonly finalised: Happening<void> = happening();
  /** The result of its read of the requests. */
  readonly read: Happening<unknown> = happening();
  produced = 0;

  watch(context: TripleContext): void {
    void fired(context.signal).then(this.signal.tell);
  }
}

const large = { greeting: "x".repeat(50_000) };

interface State {
  readonly what: string;
  readonly method: Method;
  readonly reads?: true;
  /** The handler waits for room: the client must not read, and the state is reached when the handler produces no more. */
  readonly blocks?: true;
  handlers(seen: Seen): Impl;
}

/** A generator's `return()`, which is what the engine calls, as an iterator of its own. */
function iterating(seen: Seen): Messages {
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        seen.produced++;
        return { done: false, value: large };
      },
      async return() {
        seen.finalised.tell();
        return { done: true, value: undefined };
      },
    }),
  };
}

function* synchronous(seen: Seen) {
  try {
    for (;;) {
      seen.produced++;
      yield large;
    }
  } finally {
    seen.finalised.tell();
  }
}

const states: readonly State[] = [
  {
    what: "yields now and then",
    method: "greetServerStream",
    handlers: (seen) => ({
      async *greetServerStream(_request, context) {
        seen.watch(context);
        try {
          for (;;) {
            yield { greeting: "tick" };
            seen.ready.tell();
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
        } finally {
          seen.finalised.tell();
        }
      },
    }),
  },
  {
    what: "waits for its signal",
    method: "greetServerStream",
    handlers: (seen) => ({
      async *greetServerStream(_request, context) {
        seen.watch(context);
        try {
          yield { greeting: "one" };
          seen.ready.tell();
          await fired(context.signal);
        } finally {
          seen.finalised.tell();
        }
      },
    }),
  },
  {
    what: "waits for its signal, a unary one",
    method: "greet",
    handlers: (seen) => ({
      async greet(_request, context) {
        seen.watch(context);
        seen.ready.tell();
        await fired(context.signal);
        seen.finalised.tell();
        return {};
      },
    }),
  },
  {
    what: "reads its requests, an upload's",
    method: "greetClientStream",
    reads: true,
    handlers: (seen) => ({
      async greetClientStream(requests, context) {
        seen.watch(context);
        seen.ready.tell();
        try {
          for await (const _ of requests);
          seen.read.tell("ended cleanly");
        } catch (error) {
          seen.read.tell(error);
        } finally {
          seen.finalised.tell();
        }
        return {};
      },
    }),
  },
  {
    what: "reads its requests, a chat's",
    method: "greetStream",
    reads: true,
    handlers: (seen) => ({
      async *greetStream(requests, context) {
        seen.watch(context);
        try {
          yield { greeting: "one" };
          seen.ready.tell();
          for await (const _ of requests);
          seen.read.tell("ended cleanly");
        } catch (error) {
          seen.read.tell(error);
        } finally {
          seen.finalised.tell();
        }
      },
    }),
  },
  {
    what: "is blocked on flow control at a yield",
    method: "greetServerStream",
    blocks: true,
    handlers: (seen) => ({
      async *greetServerStream(_request, context) {
        seen.watch(context);
        yield* synchronous(seen);
      },
    }),
  },
  {
    what: "is blocked on flow control at a yield, a chat's",
    method: "greetStream",
    blocks: true,
    handlers: (seen) => ({
      async *greetStream(_requests, context) {
        seen.watch(context);
        yield* synchronous(seen);
      },
    }),
  },
  {
    what: "is a synchronous generator that is blocked",
    method: "greetServerStream",
    blocks: true,
    handlers: (seen) => ({
      greetServerStream(_request, context) {
        seen.watch(context);
        return synchronous(seen) as unknown as Messages;
      },
    }),
  },
  {
    what: "is an iterator of its own that is blocked",
    method: "greetServerStream",
    blocks: true,
    handlers: (seen) => ({
      greetServerStream(_request, context) {
        seen.watch(context);
        return iterating(seen);
      },
    }),
  },
];

type Client = ReturnType<typeof createClient<typeof GreetService>>;

/** A call that runs, and what its user holds of it. */
interface Call {
  readonly outcome: Promise<unknown>;
  readonly abort: AbortController;
  leave(): PromiseLike<unknown>;
}

async function begin(client: Client, method: Method, timeoutMs: number): Promise<Call> {
  const abort = new AbortController();
  const options = { signal: abort.signal, timeoutMs };
  if (method === "greet") {
    const outcome = errorOf(client.greet({}, options));
    return { outcome, abort, leave: async () => abort.abort() };
  }
  if (method === "greetClientStream") {
    const upload = client.greetClientStream(options);
    return { outcome: errorOf(upload.responseTrailer), abort, leave: () => upload[Symbol.asyncDispose]() };
  }
  const stream =
    method === "greetStream" ? client.greetStream(options) : client.greetServerStream({}, options);
  await stream.receive();
  return { outcome: errorOf(stream.responseTrailer), abort, leave: () => stream.return() };
}

interface Ending {
  readonly how: string;
  readonly timeoutMs?: number;
  readonly codes: readonly Code[];
  end(call: Call, running: Running, clock: TestClock): unknown;
}

const endings: readonly Ending[] = [
  { how: "its client's signal", codes: [Code.Canceled], end: (call) => call.abort.abort() },
  { how: "its client leaving", codes: [Code.Canceled], end: (call) => call.leave() },
  // Either end's clock may be the first.
  {
    how: "its deadline",
    timeoutMs: 250,
    codes: [Code.DeadlineExceeded, Code.Canceled],
    end: (_call, _running, clock) => clock.advance(254),
  },
  { how: "a lost connection", codes: [Code.Unavailable], end: (_call, running) => running.cut() },
  {
    how: "its client's transport closing",
    codes: [Code.Unavailable],
    end: (_call, running) => running.transport.close(),
  },
  {
    how: "the server shutting down",
    codes: [Code.Unavailable],
    end: (_call, running) => running.server.shutdown({ graceMs: 0 }),
  },
];

const cases = states.flatMap((state) =>
  endings.map((ending) => ({ state, ending, title: `${state.what}, ended by ${ending.how}` })),
);

/** Waits until nothing is produced any more. */
async function stalled(seen: Seen): Promise<void> {
  for (let last = -1; last !== seen.produced; ) {
    last = seen.produced;
    await turns(50);
  }
}

describe.each(everyLink)("a handler over $name that", (link) => {
  test.each(cases)("$title: signal, reads and finally", async ({ state, ending }) => {
    const seen = new Seen();
    const clock = createClock();
    await using running = await link.start({
      clock,
      cuttable: true,
      routes: (r) => r.service(GreetService, state.handlers(seen)),
    });
    const client = createClient(GreetService, running.transport);
    const call = await begin(client, state.method, ending.timeoutMs ?? 60_000);
    if (state.blocks === true) await stalled(seen);
    else await seen.ready;
    await ending.end(call, running, clock);
    const reason = await seen.signal;
    expect(reason).toBeInstanceOf(ConnectError);
    expect(ending.codes).toContain((reason as ConnectError).code);
    const read = state.reads === true ? await seen.read : reason;
    expect(read).toBe(reason);
    await seen.finalised;
    await call.outcome;
    await until(() => running.server.activeCalls === 0);
  });
});

const request = envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "a" })));

const rawEndings: Record<string, (client: RawSocket) => void> = {
  "a reset": (client) => client.reset(1, 8),
  "a socket that closes in order": (client) => client.socket.end(),
  "a socket that is reset": (client) => client.socket.resetAndDestroy(),
};

const rawCases = states.flatMap((state) =>
  Object.entries(rawEndings).map(([how, end]) => ({ state, end, title: `${state.what}, ended by ${how}` })),
);

describe("a handler of a client that writes frames by hand and gives no room, that", () => {
  test.each(rawCases)("$title: signal, reads and finally", async ({ state, end }) => {
    const seen = new Seen();
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, state.handlers(seen)),
    });
    using client = await RawSocket.open(server.port);
    const name = state.method[0]!.toUpperCase() + state.method.slice(1);
    client.call(1, `/greet.GreetService/${name}`);
    client.data(1, request, state.reads !== true);
    if (state.blocks === true) {
      await client.line("DATA 1");
      await stalled(seen);
    } else await seen.ready;
    end(client);
    const reason = await seen.signal;
    expect(reason).toBeInstanceOf(ConnectError);
    const read = state.reads === true ? await seen.read : reason;
    expect(read).toBe(reason);
    await seen.finalised;
    await until(() => server.activeCalls === 0);
  });
});
