// SPDX-License-Identifier: Apache-2.0
// Promise 13: each call's code runs in its own context.
// Mutant: core/src/engine/message/message-writer.ts # this.owner.asyncContext.runInAsyncScope(this.step, this); => this.step();
// Mutant: core/src/engine/message/message-writer.ts # this.owner.asyncContext.runInAsyncScope(this.leave, this, source); => this.leave(source);
// Mutant: core/src/engine/message/message-writer.ts # result.constructor === Promise ? result : Promise.resolve(result) => result
// Mutant: core/src/engine/call/server-call.ts # this.asyncContext.runInAsyncScope(this.method.invoke, this.method, this, input); => this.method.invoke(this, input);
// Mutant: core/src/engine/call/server-call.ts # this.ownContext ??= contextFrom(this.host.owner.asyncContext); => this.ownContext ??= captureContext();
// Mutant: core/src/engine/call/server-call.ts # if (!this.answering) this.ownContext = captureContext();
// Mutant: core/src/engine/call/server-call.ts # this.asyncContext.runInAsyncScope(this.controller.abort, this.controller, outcome ?? callEndedError); => this.controller.abort(outcome ?? callEndedError);
// Mutant: core/src/server/call/invoke.ts # call.respondAll(res.message.source, res.message.context); => call.respondAll(res.message.source);
// Mutant: core/src/log/server-log.ts # asyncContext.runInAsyncScope(this.logLine, this, level, message); => this.logLine(level, message);
// Mutant: core/src/server/call/invoke.ts # new ContextIterable(oneMessage(checkedMessage(desc, result)), context) => oneMessage(checkedMessage(desc, result))
import { type Compression, createClient, type Interceptor, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock } from "@tristream/testing";
import { all, errorOf, forEver, happening, until } from "./events.js";
import { everyLink, type LinkKind, quiet, type StartOptions } from "./every-link.js";
import { callers, long, Stores } from "./stores.js";

type Greeter = Partial<TripleServiceImpl<typeof GreetService>>;

const answers = 12;

/** Handlers of each kind that look at every step, and end with as many long answers as make them wait for room. */
function looking(stores: Stores, begin: (own: string) => void = () => {}): Greeter {
  return {
    async greet({ name }) {
      begin(name);
      stores.visit("unary", name);
      await null;
      stores.visit("unary", name);
      return {
        get greeting() {
          stores.visit("getter", name);
          return name;
        },
      };
    },
    async *greetServerStream({ name }) {
      begin(name);
      for (let i = 0; i < answers; i++) {
        stores.visit("server stream", name);
        yield { greeting: long };
        stores.visit("server stream", name);
        if (i % 3 === 0) await null;
      }
    },
    async greetClientStream(requests, context) {
      const own = context.requestHeader.get("x-call")!;
      begin(own);
      for await (const _ of requests) stores.visit("client stream", own);
      return { greeting: own };
    },
    async *greetStream(requests, context) {
      const own = context.requestHeader.get("x-call")!;
      begin(own);
      for await (const _ of requests) {
        stores.visit("bidi", own);
        yield { greeting: long };
        stores.visit("bidi", own);
      }
    },
  };
}

const places = ["unary", "getter", "server stream", "client stream", "bidi"];

/** Calls each kind for each caller at the same time, on one connection, and reads slowly. */
async function callAll(client: ReturnType<typeof createClient<typeof GreetService>>): Promise<void> {
  const slowly = async (messages: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of messages) await new Promise((resolve) => setImmediate(resolve));
  };
  await Promise.all(
    callers.flatMap((name) => {
      const options = { headers: { "x-call": name } };
      const requests = Array(answers).fill({ name: long });
      return [
        client.greet({ name }, options),
        slowly(client.greetServerStream({ name }, options)),
        client.greetClientStream(requests, options),
        slowly(client.greetStream(requests, options)),
      ];
    }),
  );
}

/** The usual store of applications: one per call, here named by the caller. */
const runsIn =
  ({ storage }: Stores): Interceptor =>
  (next) =>
  (req) =>
    storage.run(req.header.get("x-call")!, () => next(req));

describe.each(everyLink)("a server's AsyncLocalStorage over $name", (link: LinkKind) => {
  const start = (greeter: Greeter, options: Omit<StartOptions, "routes"> = {}) =>
    link.start({ ...options, routes: (r) => r.service(GreetService, greeter) });

  test("an interceptor's run() holds at each step of handlers of each kind", async () => {
    const stores = new Stores();
    await using end = await start(looking(stores), { interceptors: [runsIn(stores)] });
    await callAll(createClient(GreetService, end.transport));
    stores.expectOwn(...places);
  });

  test("an interceptor's run() holds behind an interceptor that wraps the answers", async () => {
    const stores = new Stores();
    const wraps: Interceptor = (next) => async (req) => {
      const res = await next(req);
      if (!res.stream) return res;
      const own = req.header.get("x-call")!;
      const { message } = res;
      const wrapped = async function* () {
        for await (const each of message) {
          stores.visit("wrapper", undefined);
          yield each;
          stores.visit("wrapper", undefined);
        }
        expect(own).not.toBe("");
      };
      return { ...res, message: wrapped() };
    };
    await using end = await start(looking(stores), { interceptors: [wraps, runsIn(stores)] });
    await callAll(createClient(GreetService, end.transport));
    stores.expectOwn(...places, "wrapper");
  });

  test("an interceptor's enterWith() holds at each step of handlers of each kind", async () => {
    const stores = new Stores();
    const enters: Interceptor = (next) => async (req) => {
      stores.visit("interceptor", undefined);
      stores.storage.enterWith(req.header.get("x-call")!);
      return next(req);
    };
    await using end = await start(looking(stores), { interceptors: [enters] });
    await callAll(createClient(GreetService, end.transport));
    stores.expectOwn(...places, "interceptor");
  });

  test("a handler's enterWith() before its first await holds, and reaches no other call", async () => {
    const stores = new Stores();
    const enters = (own: string): void => {
      stores.visit("begin", undefined);
      stores.storage.enterWith(own);
    };
    await using end = await start(looking(stores, enters));
    await callAll(createClient(GreetService, end.transport));
    stores.expectOwn(...places, "begin");
  });

  test("a generator's enterWith() holds behind an interceptor that wraps its answers", async () => {
    const stores = new Stores();
    const wraps: Interceptor = (next) => async (req) => {
      const res = await next(req);
      if (!res.stream) return res;
      const { message } = res;
      const wrapped = async function* () {
        for await (const each of message) yield each;
      };
      return { ...res, message: wrapped() };
    };
    const enters = (own: string): void => stores.storage.enterWith(own);
    await using end = await start(looking(stores, enters), { interceptors: [wraps] });
    await callAll(createClient(GreetService, end.transport));
    stores.expectOwn(...places);
  });

  test("a handler begins in the context in which the server was made, whoever calls and whoever opened the connection", async () => {
    const stores = new Stores();
    const greeter = looking(stores);
    const seen = new Set<string | undefined>();
    greeter.greet = ({ name }) => {
      seen.add(stores.storage.getStore());
      stores.storage.enterWith("a handler's");
      return { greeting: name };
    };
    await using end = await stores.storage.run("the server's", () => start(greeter));
    const client = createClient(GreetService, end.transport);
    for (const name of callers)
      await stores.storage.run("a client's", () =>
        Promise.all([client.greet({ name }), client.greet({ name })]),
      );
    expect([...seen]).toEqual(["the server's"]);
  });

  test("an iterator whose thenables call back from elsewhere is asked in its own context", async () => {
    const stores = new Stores();
    const waiting: (() => void)[] = [];
    const iterator = (own: string) => {
      let n = 0;
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        next() {
          stores.visit("next", own);
          return {
            // biome-ignore lint/suspicious/noThenProperty: other libraries' promises are only that.
            then: (resolve: (result: unknown) => void) =>
              void waiting.push(() => resolve({ done: n++ === 3, value: { greeting: own } })),
          };
        },
      };
    };
    await using end = await start(
      { greetServerStream: ({ name }) => iterator(name) as never },
      { interceptors: [runsIn(stores)] },
    );
    const client = createClient(GreetService, end.transport);
    const calls = Promise.all(
      callers.map((name) => all(client.greetServerStream({ name }, { headers: { "x-call": name } }))),
    );
    let over = false;
    void calls.then(() => {
      over = true;
    });
    await until(() => {
      stores.storage.run("another", () => {
        for (const resolve of waiting.splice(0)) resolve();
      });
      return over;
    });
    stores.expectOwn("next");
  });

  /** Handlers whose clients leave while they wait for room: the code that runs at the end sees its own store. */
  function suspendedAtYield(stores: Stores): Greeter {
    return {
      async *greetServerStream({ name }, context) {
        context.signal.addEventListener("abort", () => stores.visit("signal", name));
        stores.storage.enterWith(name);
        try {
          for (;;) yield { greeting: long };
        } finally {
          stores.visit("finally", name);
          await null;
          stores.visit("finally", name);
        }
      },
    };
  }

  test.each(["cancel", "deadline", "cut", "shutdown"] as const)(
    "listeners of the signal and the finally of a generator see their own store at a %s",
    async (how) => {
      const stores = new Stores();
      const clock = createClock();
      await using end = await start(suspendedAtYield(stores), {
        cuttable: how === "cut",
        clock,
        transport: { clock },
      });
      const client = createClient(GreetService, end.transport);
      const options = how === "deadline" ? { timeoutMs: 1000 } : {};
      const streams = callers.map((name) => client.greetServerStream({ name }, options));
      for (const stream of streams) await stream.receive();
      await stores.storage.run("whoever ends it", async () => {
        if (how === "cancel") for (const stream of streams) stream.cancel();
        if (how === "cut") end.cut();
        if (how === "deadline") await clock.advance(1000);
        if (how === "shutdown") await end.server.shutdown({ graceMs: 0 });
      });
      await until(() => stores.visits.finally === 2 * callers.length);
      expect(stores.visits.signal).toBe(callers.length);
      stores.expectOwn("signal", "finally");
    },
  );

  test("listeners of a signal that an interceptor asked for are called in the handler's context", async () => {
    const stores = new Stores();
    const copies: Interceptor = (next) => (req) => next({ ...req });
    await using end = await start(suspendedAtYield(stores), { interceptors: [copies, runsIn(stores)] });
    const client = createClient(GreetService, end.transport);
    const streams = callers.map((name) =>
      client.greetServerStream({ name }, { headers: { "x-call": name } }),
    );
    for (const stream of streams) await stream.receive();
    for (const stream of streams) stream.cancel();
    await until(() => stores.visits.finally === 2 * callers.length);
    stores.expectOwn("signal", "finally");
  });

  test("listeners of the signal of a single answer's call see its own store behind an interceptor's run()", async () => {
    const stores = new Stores();
    const listening: Greeter = {
      async greet({ name }, { signal }) {
        signal.addEventListener("abort", () => stores.visit("unary", name));
        await null;
        return {};
      },
      async greetClientStream(requests, { signal, requestHeader }) {
        const own = requestHeader.get("x-call")!;
        signal.addEventListener("abort", () => stores.visit("upload", own));
        for await (const _ of requests);
        return {};
      },
    };
    await using end = await start(listening, { interceptors: [runsIn(stores)] });
    const client = createClient(GreetService, end.transport);
    await Promise.all(
      callers.flatMap((name) => {
        const options = { headers: { "x-call": name } };
        return [client.greet({ name }, options), client.greetClientStream([{ name }], options)];
      }),
    );
    await until(() => stores.visits.unary === callers.length && stores.visits.upload === callers.length);
    stores.expectOwn("unary", "upload");
  });

  test("a handler that shuts the server down does so in no other call's context", async () => {
    const stores = new Stores();
    const waiting = happening();
    await using end = await start({
      async greetClientStream(_requests, { shutdownSignal }) {
        shutdownSignal.addEventListener("abort", () => stores.visit("shutdown signal", undefined));
        waiting.tell();
        await forEver();
        return {};
      },
      greet() {
        void stores.storage.run("the operator's", () => end.server.shutdown({ graceMs: 0 }));
        return {};
      },
    });
    const client = createClient(GreetService, end.transport);
    const upload = client.greetClientStream();
    await waiting;
    await client.greet({}).catch(() => {});
    await errorOf(upload.closeAndReceive());
    stores.expectOwn("shutdown signal");
  });

  test("the logger is called in the context of the call that a line tells of", async () => {
    const stores = new Stores();
    const told = (message: string): void => {
      if (message.includes("GreetService/Greet,")) stores.visit("of an error", "a");
      if (message.includes("still runs")) stores.visit("of a stuck handler", "b");
      if (message.includes("has ended, ")) stores.visit("of its end", "b");
    };
    const leave = happening();
    await using end = await start(
      {
        async greet() {
          stores.storage.enterWith("a");
          throw new Error("unexpected");
        },
        async greetClientStream() {
          stores.storage.enterWith("b");
          await leave;
          return {};
        },
      },
      { logger: { ...quiet, error: told, warn: told }, stuckHandlerMs: 1 },
    );
    const client = createClient(GreetService, end.transport);
    await errorOf(client.greet({}));
    const upload = client.greetClientStream();
    await upload.send({});
    await until(() => end.server.activeCalls === 1);
    stores.storage.run("whoever cancels", () => upload.cancel());
    await until(() => "of a stuck handler" in stores.visits);
    stores.storage.run("whoever lets it go", () => leave.tell());
    await until(() => "of its end" in stores.visits);
    stores.expectOwn("of an error");
  });

  test("a compression runs in the context of its call", async () => {
    const stores = new Stores();
    const named = (own: string): Compression => ({
      name: "named",
      compress: async (bytes) => new Uint8Array(bytes),
      async decompress(bytes) {
        stores.visit("decompress", own);
        await null;
        stores.storage.enterWith("what a compression entered");
        return new Uint8Array(bytes);
      },
    });
    await using end = await stores.storage.run("the server's", () =>
      start(looking(new Stores()), {
        acceptCompression: [named("the server's")],
        transport: { sendCompression: named("nobody's"), compressMinBytes: 0 },
      }),
    );
    await stores.storage.run("the client's", () => callAll(createClient(GreetService, end.transport)));
    stores.expectOwn("decompress");
  });
});
