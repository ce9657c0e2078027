// SPDX-License-Identifier: Apache-2.0
// Promise 13: each call's code runs in its own context.
// Mutant: core/src/engine/message/message-writer.ts # this.owner.asyncContext.runInAsyncScope(this.step, this); => this.step();
// Mutant: core/src/engine/message/message-writer.ts # this.owner.asyncContext.runInAsyncScope(this.leave, this, source); => this.leave(source);
// Mutant: core/src/client/call/observe-in-context.ts # context.runInAsyncScope(callback, given, value) => callback.call(given, value)
// Mutant: core/src/client/call/call.ts # this.signalContext!.runInAsyncScope(this.controller.abort, this.controller, error ?? callEndedError); => this.controller.abort(error ?? callEndedError);
// Mutant: core/src/client/call/foreign-messages.ts # return new ContextIterator(openIterator(messages)); => return openIterator(messages) as AsyncIterator<O>;
// Mutant: core/src/client/call/stream-call.ts # runIsolated(this.method.begin, this.method, this, messages) => begin()
// Mutant: core/src/client/call/unary-call.ts # runIsolated(this.method.begin, this.method, this, given) => this.begin(scope, given)
// Mutant: node/src/socket-connector.ts # this.context.runInAsyncScope(this.beginDial, this) => this.beginDial()
// Mutant: core/src/runtime/clock.ts # rootContext().runInAsyncScope(setTimeout, undefined, callback, ms); => setTimeout(callback, ms);
import { createHook } from "node:async_hooks";
import { createClient, type Interceptor, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock } from "@tristream/testing";
import { all, errorOf, forEver, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { callers, long, Stores } from "./stores.js";

const messages = 12;

/** Reads slowly, so that its clients wait for room. */
const greeter: TripleServiceImpl<typeof GreetService> = {
  greet: ({ name }) => ({ greeting: name }),
  async *greetServerStream({ name }) {
    for (let i = 0; i < messages; i++) yield { greeting: name };
  },
  async greetClientStream(requests) {
    for await (const _ of requests) await new Promise((resolve) => setImmediate(resolve));
    return {};
  },
  async *greetStream(requests) {
    for await (const { name } of requests) {
      await new Promise((resolve) => setImmediate(resolve));
      yield { greeting: name };
    }
  },
};

const places = ["requests", "header", "trailer"];

describe.each(everyLink)("a client's AsyncLocalStorage over $name", (link: LinkKind) => {
  const start = (handlers: Partial<TripleServiceImpl<typeof GreetService>> = greeter) =>
    link.start({ routes: (r) => r.service(GreetService, handlers) });

  async function* requests(stores: Stores, own: string, begin: () => void = () => {}) {
    begin();
    for (let i = 0; i < messages; i++) {
      stores.visit("requests", own);
      yield { name: long };
      stores.visit("requests", own);
      if (i % 3 === 0) await null;
    }
  }

  /** The callbacks of a call, which look. */
  const observer = (stores: Stores, own: string) => ({
    onHeader: () => stores.visit("header", own),
    onTrailer: () => stores.visit("trailer", own),
  });

  /** Calls of each kind for each caller at the same time, each in its caller's store. */
  async function callAll(
    stores: Stores,
    client: ReturnType<typeof createClient<typeof GreetService>>,
    requestsOf: (own: string) => AsyncIterable<{ name: string }>,
    seen: (own: string) => string = (own) => own,
  ): Promise<void> {
    await Promise.all(
      callers.map((own) =>
        stores.storage.run(own, async () => {
          const options = { ...observer(stores, own), headers: { "x-call": own } };
          const calls = [
            client.greet({ name: own }, options),
            all(client.greetServerStream({ name: own }, options)),
            client.greetClientStream(requestsOf(seen(own)), options),
            all(client.greetStream(requestsOf(seen(own)), options)),
          ];
          stores.visit("after calling", own);
          await Promise.all(calls);
          stores.visit("after the calls", own);
        }),
      ),
    );
  }

  test("no timer or connection that outlives a call keeps its store", async () => {
    const stores = new Stores();
    const kept: unknown[] = [];
    const hook = createHook({
      init(_id, type) {
        if (/^(Timeout|(TCP|PIPE)(CONNECT)?WRAP)$/i.test(type)) kept.push(stores.storage.getStore());
      },
    }).enable();
    await using end = await start();
    const client = createClient(GreetService, end.transport, { timeoutMs: 100_000 });
    await stores.storage.run("a call's", () => client.greet({}));
    hook.disable();
    expect(kept.length).toBeGreaterThan(0);
    expect(kept).not.toContain("a call's");
  });

  test("request generators, onHeader and onTrailer of calls at the same time see their own store", async () => {
    const stores = new Stores();
    await using end = await start();
    const client = createClient(GreetService, end.transport);
    await callAll(stores, client, (own) => requests(stores, own));
    stores.expectOwn(...places, "after the calls");
  });

  test("a request generator's enterWith() before its first await holds, and reaches neither its caller nor other calls", async () => {
    const stores = new Stores();
    await using end = await start();
    const client = createClient(GreetService, end.transport);
    await client.greet({});
    await callAll(
      stores,
      client,
      (own) => requests(stores, own, () => stores.storage.enterWith(own)),
      (own) => `entered by ${own}`,
    );
    stores.expectOwn(...places, "after the calls");
  });

  test.each([
    ["run()", ({ storage }: Stores, own: string, next: () => unknown) => storage.run(own, next)],
    [
      "enterWith()",
      ({ storage }: Stores, own: string, next: () => unknown) => {
        storage.enterWith(own);
        return next();
      },
    ],
  ])("an interceptor's %s holds in a request generator, and not in its caller", async (_, enter) => {
    const stores = new Stores();
    await using end = await start();
    const interceptor: Interceptor = (next) => (req) => {
      const own = req.header.get("x-call")!;
      stores.visit("interceptor", own);
      return enter(stores, `inside of ${own}`, () => next(req)) as ReturnType<typeof next>;
    };
    const client = createClient(GreetService, end.transport, { interceptors: [interceptor] });
    await callAll(
      stores,
      client,
      (own) => requests(stores, own),
      (own) => `inside of ${own}`,
    );
    stores.expectOwn(...places, "interceptor", "after the calls");
  });

  test("a `headers` function is called in the context of its call", async () => {
    const stores = new Stores();
    await using end = await start();
    let own = "";
    const client = createClient(GreetService, end.transport, {
      headers: async () => {
        const mine = own;
        stores.visit("headers", mine);
        stores.storage.enterWith("what a function entered");
        return {};
      },
    });
    for (own of callers) {
      await stores.storage.run(own, async () => {
        const call = client.greet({});
        stores.visit("caller", own);
        await call;
        stores.visit("caller", own);
      });
    }
    stores.expectOwn("headers", "caller");
  });

  test.each(["cancel", "deadline", "cut", "early answer"] as const)(
    "the finally of a request generator and listeners of the request's signal see their own store at a %s",
    async (how) => {
      const stores = new Stores();
      const clock = createClock();
      let answer = (): void => {};
      await using end = await link.start({
        cuttable: how === "cut",
        clock,
        transport: { clock },
        routes: (r) =>
          r.service(GreetService, {
            async greetClientStream() {
              await new Promise<void>((resolve) => {
                const before = answer;
                answer = () => {
                  before();
                  resolve();
                };
              });
              return {};
            },
          }),
      });
      const listens: Interceptor = (next) => (req) => {
        const own = req.header.get("x-call")!;
        req.signal.addEventListener("abort", () => stores.visit("signal", own));
        return next(req);
      };
      const client = createClient(GreetService, end.transport, { interceptors: [listens] });
      const controller = new AbortController();
      const calls = callers.map((own) =>
        stores.storage.run(own, () =>
          client
            .greetClientStream(
              (async function* () {
                try {
                  for (;;) {
                    stores.visit("sent", own);
                    yield { name: long };
                  }
                } finally {
                  stores.visit("finally", own);
                  await null;
                  stores.visit("finally", own);
                }
              })(),
              {
                headers: { "x-call": own },
                ...(how === "deadline" ? { timeoutMs: 1000 } : {}),
                ...(how === "cancel" ? { signal: controller.signal } : {}),
              },
            )
            .then(
              () => {},
              () => {},
            ),
        ),
      );
      // Until all wait for room.
      let sent = -1;
      while (sent !== stores.visits.sent) {
        sent = stores.visits.sent ?? 0;
        for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
      }
      await stores.storage.run("whoever ends it", async () => {
        if (how === "cancel") controller.abort();
        if (how === "cut") end.cut();
        if (how === "early answer") answer();
        if (how === "deadline") await clock.advance(1000);
      });
      await Promise.all(calls);
      await until(() => stores.visits.finally === 2 * callers.length);
      stores.expectOwn("finally", "signal");
    },
  );

  test("an interceptor's generator around the answers runs in its call's context, whoever reads and whatever ends it", async () => {
    const stores = new Stores();
    await using end = await start({
      async *greetServerStream() {
        yield {};
        yield {};
        await forEver();
      },
    });
    const wraps: Interceptor = (next) => async (req) => {
      const own = req.header.get("x-call")!;
      const res = await next(req);
      if (!res.stream) return res;
      const { message } = res;
      const wrapped = async function* () {
        stores.storage.enterWith(`entered by ${own}`);
        try {
          for await (const each of message) {
            stores.visit("wrapper", `entered by ${own}`);
            yield each;
            stores.visit("wrapper", `entered by ${own}`);
          }
        } finally {
          stores.visit("finally", `entered by ${own}`);
        }
      };
      return { ...res, message: wrapped() };
    };
    const client = createClient(GreetService, end.transport, { interceptors: [wraps] });
    const streams = callers.map((own) =>
      stores.storage.run(own, () => client.greetServerStream({}, { headers: { "x-call": own } })),
    );
    await stores.storage.run("whoever reads", () =>
      Promise.all(streams.map(async (stream) => [await stream.receive(), await stream.receive()])),
    );
    for (const stream of streams) stores.storage.run("whoever cancels", () => stream.cancel());
    await until(() => stores.visits.finally === callers.length);
    stores.expectOwn("wrapper", "finally");
  });

  test("a call that failed tells its headers, trailers and error in its own context", async () => {
    const stores = new Stores();
    await using end = await start({
      async *greetServerStream(_, context) {
        context.responseTrailer.set("x-trailer", "t");
        yield {};
        throw new Error("unexpected");
      },
    });
    const client = createClient(GreetService, end.transport);
    await Promise.all(
      callers.map((own) =>
        stores.storage.run(own, async () => {
          await errorOf(all(client.greetServerStream({}, observer(stores, own))));
          stores.visit("error", own);
        }),
      ),
    );
    stores.expectOwn("header", "trailer", "error");
  });
});
