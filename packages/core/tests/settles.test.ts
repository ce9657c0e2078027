// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. Handlers that misbehave, every form of call, every way to end it, in seeded combinations.
// Mutant: core/src/client/call/stream-call.ts # if (this.messages instanceof RequestQueue) this.messages.answered();
import { Code, ConnectError, createClient, type Interceptor, type TripleContext } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { loopback } from "@tristream/testing";
import { Random, seeds } from "../../http2/tests/random.js";
import { forEver, turns, until } from "./events.js";
import { quiet } from "./every-link.js";
import { Wire } from "./wire.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;
type Options = NonNullable<Parameters<Client["greet"]>[1]>;

/** A call that has not settled after so many milliseconds never will. */
const patience = 30_000;

const fail = (): never => {
  throw new Error("odd");
};
const large = { greeting: "x".repeat(70_000) };

/** A handler's ways to answer. `neverEnds`: only its client ends the call. */
interface Misbehaviour {
  readonly neverEnds?: true;
  readonly single: (context: TripleContext, read: () => Promise<void>) => unknown;
  readonly stream: (context: TripleContext, read: () => Promise<void>) => unknown;
}

const always = (make: (context: TripleContext) => unknown): Misbehaviour => ({ single: make, stream: make });
const yielding = (...values: unknown[]) =>
  async function* (): AsyncGenerator<never> {
    yield* values as never[];
  };

const misbehaviours: Record<string, Misbehaviour> = {
  "answers well": {
    async single(_context, read) {
      await read();
      return { greeting: "a" };
    },
    async *stream(_context, read) {
      yield { greeting: "a" };
      await read();
      yield { greeting: "b" };
    },
  },
  "answers at once": { single: () => ({}), stream: () => [] },
  "answers with much": { single: () => large, stream: () => Array(20).fill(large) },
  "answers without an end": {
    neverEnds: true,
    single: forEver,
    async *stream() {
      for (;;) yield large;
    },
  },
  "throws at once": always(fail),
  "throws undefined": always(() => {
    throw undefined;
  }),
  "throws what has no text": always(() => {
    throw Object.create(null);
  }),
  "throws a status": always(() => {
    throw new ConnectError("no", Code.NotFound);
  }),
  "throws a status that is none": always(() => {
    throw Object.assign(new ConnectError("no"), { code: 0 });
  }),
  rejects: always(() => Promise.reject(new Error("odd"))),
  "throws after a message": {
    single: fail,
    async *stream() {
      yield {};
      fail();
    },
  },
  "throws after reading": {
    async single(_context, read) {
      await read();
      fail();
    },
    async *stream(_context, read) {
      await read();
      fail();
      yield {};
    },
  },
  "gives nothing": always(() => undefined),
  "gives a number": always(() => 5),
  "gives a promise of nothing": always(async () => {}),
  // biome-ignore lint/suspicious/noThenProperty: an application may do so
  "gives what can't be looked at": always(() => Object.defineProperty({}, "then", { get: fail })),
  // biome-ignore lint/suspicious/noThenProperty: an application may do so
  "gives a thenable that never settles": { ...always(() => ({ then() {} })), neverEnds: true },
  "yields nothing": { single: () => null, stream: yielding(undefined) },
  "yields a message and a number": { single: () => "a", stream: yielding({}, 5) },
  "gives an iterator of junk": {
    single: () => [],
    stream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => 5 }) }),
  },
  "gives an iterator whose return() hangs": {
    single: () => ({}),
    stream: () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: { greeting: Symbol() } }),
        return: forEver,
      }),
    }),
  },
  "sets a bad header": always(({ responseHeader }) => {
    responseHeader.set("x-odd", "ä");
    return {};
  }),
  "sets a bad trailer": always(({ responseTrailer }) => {
    responseTrailer.set("grpc-status", "0");
    return {};
  }),
  "sends headers and gives nothing": always((context) => {
    context.sendHeaders();
    return undefined;
  }),
  "never answers": { neverEnds: true, single: forEver, stream: forEver },
  "never answers after headers": {
    ...always((context) => {
      context.sendHeaders();
      return forEver();
    }),
    neverEnds: true,
  },
  "never answers after a message": {
    neverEnds: true,
    single: forEver,
    async *stream() {
      yield {};
      await forEver();
    },
  },
};

/** The interceptors between the client and the wire. `neverEnds`: one never lets the call through. */
const obstacles: Record<
  string,
  { neverEnds?: true; interceptor?: Interceptor; headers?: () => Promise<HeadersInit> }
> = {
  none: {},
  "nothing, as before": {},
  "an interceptor that passes on": { interceptor: (next) => (req) => next(req) },
  "an interceptor that is slow": {
    interceptor: (next) => async (req) => {
      await turns(2);
      const res = await next(req);
      await turns(2);
      return res;
    },
  },
  "an interceptor that wraps requests": {
    interceptor: (next) => (req) =>
      next(
        (req.stream
          ? {
              ...req,
              message: (async function* () {
                yield* req.message;
              })(),
            }
          : { ...req }) as never,
      ),
  },
  "an interceptor that wraps answers": {
    interceptor: (next) => async (req) => {
      const res = await next(req);
      if (!res.stream) return { ...res };
      const message = (async function* () {
        yield* res.message;
      })();
      return { ...res, message } as never;
    },
  },
  "an interceptor that throws": { interceptor: () => fail },
  "an interceptor that throws behind": {
    interceptor: (next) => async (req) => {
      await next(req);
      return fail();
    },
  },
  "an interceptor that returns nothing": { interceptor: (() => async () => {}) as never },
  "an interceptor that answers itself": {
    interceptor: () => async (req) =>
      ({
        ...req,
        header: new Headers(),
        trailer: new Headers(),
        message: req.stream ? yielding({}, {})() : {},
      }) as never,
  },
  "an interceptor that never goes on": { neverEnds: true, interceptor: () => forEver },
  "headers that come late": {
    headers: async () => {
      await turns(3);
      return {};
    },
  },
  "headers that fail": { headers: async () => fail() },
  "headers that can't be sent": { headers: async () => ({ te: "gzip" }) },
  "headers that never come": { neverEnds: true, headers: forEver },
};

/** The requests of a client. `neverEnds`: they never end. */
const requests: Record<string, { neverEnds?: true; make: () => AsyncIterable<object> | Iterable<object> }> = {
  two: { make: () => [{ name: "a" }, { name: "b" }] },
  none: { make: () => [] },
  "two large ones": { make: yielding({ name: large.greeting }, { name: large.greeting }) },
  "ones that throw": {
    async *make() {
      yield {};
      fail();
    },
  },
  "ones that are none": { make: yielding(5) },
  "ones that never come": {
    neverEnds: true,
    async *make() {
      yield await forEver();
    },
  },
  "ones without an end": {
    neverEnds: true,
    async *make() {
      for (;;) yield { name: large.greeting };
    },
  },
};

/** A call that runs: all that has to settle, and how its user leaves it. */
interface Running {
  readonly promises: readonly PromiseLike<unknown>[];
  leave(): unknown;
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}

/** Every form of call. */
const forms: Record<string, (client: Client, options: Options, given: () => Iterable<object>) => Running> = {
  unary: (client, options) => ({ promises: [client.greet({}, options)], leave() {} }),
  "a loop over answers": (client, options) => {
    const stream = client.greetServerStream({}, options);
    return {
      promises: [drain(stream), stream.responseHeader, stream.responseTrailer],
      leave: () => stream.return(),
    };
  },
  "answers received one by one": (client, options) => {
    const stream = client.greetServerStream({}, options);
    return {
      promises: [stream.receive(), stream.receive(), drain(stream), stream.receive()],
      leave: () => stream.closeResponse(),
    };
  },
  "an upload": (client, options, given) => ({
    promises: [client.greetClientStream(given(), options)],
    leave() {},
  }),
  "a driven upload": (client, options) => {
    const upload = client.greetClientStream(options);
    const sent = [upload.send({ name: "a" }), upload.send({ name: large.greeting })];
    return {
      promises: [...sent, upload.closeAndReceive(), upload.responseHeader, upload.responseTrailer],
      leave: () => upload[Symbol.asyncDispose](),
    };
  },
  "a chat": (client, options, given) => {
    const stream = client.greetStream(given(), options);
    return {
      promises: [drain(stream), stream.responseTrailer],
      leave: () => stream.throw(new Error("enough")).catch(() => {}),
    };
  },
  "a driven chat": (client, options) => {
    const chat = client.greetStream(options);
    const sent = [chat.send({ name: "a" }), chat.send({ name: large.greeting }), chat.closeRequest()];
    return {
      promises: [
        ...sent,
        chat.send({ name: "late" }),
        drain(chat),
        chat.responseHeader,
        chat.responseTrailer,
      ],
      leave: () => chat.cancel("enough"),
    };
  },
};

/** How a client ends what does not end by itself. */
const endings = ["by its signal", "by leaving", "by a deadline", "by its signal, before it begins"] as const;

/** One name of a table, and what stands there. */
function entry<T>(random: Random, table: Record<string, T>): [string, T] {
  return random.pick(Object.entries(table));
}

async function settled(promises: readonly PromiseLike<unknown>[]): Promise<boolean> {
  let done = false;
  void Promise.allSettled(promises).then(() => {
    done = true;
  });
  for (const start = performance.now(); !done && performance.now() - start < patience; ) await turns(1);
  return done;
}

describe("every call settles", () => {
  test.each(seeds(60))("seed %d", async (seed) => {
    const random = new Random(seed);
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const wire = new Wire();
    let misbehave = misbehaviours["answers well"]!;
    const read = async (messages: AsyncIterable<unknown>): Promise<void> => drain(messages);
    await using end = loopback({
      logger: quiet,
      stuckHandlerMs: 1_000_000,
      hook: (bytes, direction) => {
        wire.tap(bytes, direction);
        return bytes;
      },
      routes: (r) =>
        r
          .service(GreetService, {
            greet: (_message, context) => misbehave.single(context, async () => {}) as never,
            greetClientStream: (messages, context) =>
              misbehave.single(context, () => read(messages)) as never,
            greetServerStream: (_message, context) => misbehave.stream(context, async () => {}) as never,
            greetStream: (messages, context) => misbehave.stream(context, () => read(messages)) as never,
          })
          .service(GreetService, { greet: ({ name }) => ({ greeting: name }) }, { group: "well" }),
    });
    const well = createClient(GreetService, end.transport, { group: "well" });
    for (let i = 0; i < 20; i++) {
      const [does, misbehaviour] = entry(random, misbehaviours);
      const [between, obstacle] = entry(random, obstacles);
      const [asks, request] = entry(random, requests);
      const [form, call] = entry(random, forms);
      const neverEnds = misbehaviour.neverEnds ?? obstacle.neverEnds ?? request.neverEnds ?? false;
      const leaves = form !== "unary" && form !== "an upload";
      const how = neverEnds || random.oneIn(3) ? random.pick(endings) : "by itself";
      const way = how === "by leaving" && !leaves ? "by its signal" : how;
      const what = `call ${i}: ${form} with requests ${asks} behind ${between}, of a handler that ${does}, ended ${way}`;
      misbehave = misbehaviour;
      const client = createClient(GreetService, end.transport, {
        ...(obstacle.interceptor === undefined ? {} : { interceptors: [obstacle.interceptor] }),
        ...(obstacle.headers === undefined ? {} : { headers: obstacle.headers }),
      });
      const abort = new AbortController();
      if (way === "by its signal, before it begins") abort.abort();
      const options = { signal: abort.signal, ...(way === "by a deadline" ? { timeoutMs: 5 } : {}) };
      const running = call(client, options, request.make as () => Iterable<object>);
      for (const promise of running.promises) promise.then(undefined, () => {});
      if (neverEnds || random.oneIn(2)) await turns(random.int(0, 8));
      if (way === "by its signal") abort.abort();
      if (way === "by leaving") void running.leave();
      if (!(await settled(running.promises))) throw new Error(`never settles: ${what}`);
      for (const outcome of await Promise.allSettled(running.promises)) {
        if (outcome.status === "rejected" && !(outcome.reason instanceof ConnectError))
          throw new Error(`rejects with ${String(outcome.reason)}: ${what}`);
      }
      if (!leaves) continue;
      if (!(await settled([Promise.resolve(running.leave())]))) throw new Error(`can't be left: ${what}`);
    }
    expect((await well.greet({ name: "on" })).greeting).toBe("on");
    await until(() => end.server.activeCalls === 0 && wire.openStreams === 0);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});
