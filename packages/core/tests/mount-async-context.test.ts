// SPDX-License-Identifier: Apache-2.0
// Promise 13: each call's code runs in its own context, under Connect's adapters too.
// Mutant: core/src/mount/connect-impl.ts # return new ContextIterator(openIterator(source)); => return openIterator(source) as never;
// Mutant: core/src/server/call/relayed-signal.ts # context.runInAsyncScope(controller.abort, controller, source.reason) => controller.abort(source.reason)
// Mutant: core/src/server/call/relayed-signal.ts # Object.defineProperties(signal, { => Object.defineProperties({}, {
// Mutant: core/src/mount/guard-handler.ts # this.context.runInAsyncScope(this.ending.abort, this.ending, reason); => this.ending.abort(reason);
import { create, toBinary } from "@bufbuild/protobuf";
import { createConnectRouter } from "@connectrpc/connect";
import { createClient, type Interceptor, mount, type TripleServiceImpl } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, happening, until } from "./events.js";
import { type MountedRoutes, stockTransport, ways } from "./mounts.js";
import { envelope } from "./raw-client.js";
import { callers, long, Stores } from "./stores.js";

type Greeter = Partial<TripleServiceImpl<typeof GreetService>>;

const answers = 8;

/** The state of a signal in words. */
function stateOf(signal: AbortSignal): string {
  if (!signal.aborted) return "not fired";
  try {
    signal.throwIfAborted();
    return "fired, does not throw";
  } catch (error) {
    return `fired, throws ${error === signal.reason ? "its reason" : "another error"}, of ${(error as Error).name}`;
  }
}

/** A store per call, named by its caller. */
const runsIn =
  ({ storage }: Stores): Interceptor =>
  (next) =>
  (req) =>
    storage.run(req.header.get("x-call")!, () => next(req));

function looking(stores: Stores, begin: (own: string) => void = () => {}): Greeter {
  return {
    async greet({ name }) {
      begin(name);
      stores.visit("unary", name);
      await null;
      stores.visit("unary", name);
      return {};
    },
    async *greetServerStream({ name }) {
      begin(name);
      for (let i = 0; i < answers; i++) {
        stores.visit("server stream", name);
        yield { greeting: long };
        stores.visit("server stream", name);
      }
    },
    async greetClientStream(requests, context) {
      const own = context.requestHeader.get("x-call")!;
      begin(own);
      for await (const _ of requests) stores.visit("client stream", own);
      return {};
    },
  };
}

const places = ["unary", "server stream", "client stream"];

async function callAll(client: ReturnType<typeof createClient<typeof GreetService>>): Promise<void> {
  await Promise.all(
    callers.flatMap((name) => {
      const options = { headers: { "x-call": name } };
      return [
        client.greet({ name }, options),
        all(client.greetServerStream({ name }, options)),
        client.greetClientStream([{ name: long }, { name: long }], options),
      ];
    }),
  );
}

describe.each(ways)("a mount's AsyncLocalStorage, $title", ({ mount, protocol }) => {
  async function start(handlers: Greeter, options: Partial<MountedRoutes> = {}) {
    const mounted = await mount.start({ ...options, routes: (r) => r.service(GreetService, handlers) });
    const stock = stockTransport(mounted.port, protocol, mount.http);
    return {
      client: createClient(GreetService, stock.transport),
      async [Symbol.asyncDispose]() {
        stock[Symbol.dispose]();
        await mounted[Symbol.asyncDispose]();
      },
    };
  }

  test("an interceptor's run() holds at each step of handlers", async () => {
    const stores = new Stores();
    await using end = await start(looking(stores), { interceptors: [runsIn(stores)] });
    await callAll(end.client);
    stores.expectOwn(...places);
  });

  test("a handler's enterWith() before its first await holds, and reaches no other call", async () => {
    const stores = new Stores();
    const enters = (own: string): void => {
      stores.visit("begin", undefined);
      stores.storage.enterWith(own);
    };
    await using end = await start(looking(stores, enters));
    await callAll(end.client);
    stores.expectOwn(...places, "begin");
  });

  test("listeners of the signal and the finally of a generator see the call's store at a cancel", async () => {
    const stores = new Stores();
    const states = new Set<string>();
    await using end = await start({
      async *greetServerStream({ name }, context) {
        stores.storage.enterWith(name);
        context.signal.addEventListener("abort", () => stores.visit("signal", name));
        try {
          yield { greeting: long };
          yield { greeting: long.repeat(20) };
          for (;;) yield { greeting: long };
        } finally {
          states.add(stateOf(context.signal));
          stores.visit("finally", name);
        }
      },
    });
    const streams = callers.map((name) => end.client.greetServerStream({ name }));
    await Promise.all(streams.map((stream) => stream.receive()));
    stores.storage.run("whoever cancels", () => {
      for (const stream of streams) stream.cancel();
    });
    await until(() => stores.visits.finally === callers.length && stores.visits.signal === callers.length);
    stores.expectOwn("finally", "signal");
    expect([...states]).toEqual(["fired, throws its reason, of ConnectError"]);
  });
});

test("an interceptor's listener finds the handler's signal fired, with the reason of its own", async () => {
  const begun = happening();
  const seen = happening<unknown[]>();
  const listens: Interceptor = (next) => (req) => {
    req.signal.addEventListener("abort", () => {
      seen.tell([own?.aborted, own?.reason === req.signal.reason]);
    });
    return next(req);
  };
  let own: AbortSignal | undefined;
  const router = createConnectRouter();
  const routes = (r: Parameters<Parameters<typeof mount>[0]>[0]) =>
    r.service(GreetService, {
      greet(_request, { signal }) {
        own = signal;
        begun.tell();
        return new Promise(() => {});
      },
    });
  mount(routes, { interceptors: [listens] })(router);
  const handler = router.handlers.find((each) => each.method.name === "Greet")!;
  const controller = new AbortController();
  const answer = handler({
    httpVersion: "2.0",
    url: `http://localhost${handler.requestPath}`,
    method: "POST",
    header: new Headers({ "content-type": "application/grpc+proto" }),
    body: (async function* () {
      yield envelope(new Uint8Array(0));
    })(),
    signal: controller.signal,
  });
  await begun;
  controller.abort();
  expect(await seen).toEqual([true, true]);
  await answer;
});

test("whoever ends a call of a mount, its code sees the store of the call", async () => {
  const stores = new Stores();
  const wraps: Interceptor = (next) => async (req) => {
    const res = await next(req);
    if (!res.stream) return res;
    const { message } = res;
    const wrapped = async function* () {
      try {
        yield* message;
      } finally {
        stores.visit("wrapper", undefined);
      }
    };
    return { ...res, message: wrapped() };
  };
  const greeter: Greeter = {
    async *greetServerStream({ name }, context) {
      context.signal.addEventListener("abort", () => stores.visit("signal", name));
      try {
        for (;;) yield { greeting: name };
      } finally {
        stores.visit("finally", name);
      }
    },
  };
  const router = createConnectRouter();
  mount((r) => r.service(GreetService, greeter), { interceptors: [wraps, runsIn(stores)] })(router);
  const handler = router.handlers.find((each) => each.method.name === "GreetServerStream")!;
  const controllers = callers.map(() => new AbortController());
  for (const [i, name] of callers.entries()) {
    const { body } = await handler({
      httpVersion: "2.0",
      url: `http://localhost${handler.requestPath}`,
      method: "POST",
      header: new Headers({ "content-type": "application/grpc+proto", "x-call": name }),
      body: (async function* () {
        yield envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name })));
      })(),
      signal: controllers[i]!.signal,
    });
    await body![Symbol.asyncIterator]().next();
  }
  stores.storage.run("whoever cancels", () => {
    for (const controller of controllers) controller.abort();
  });
  await until(() => stores.visits.finally === callers.length && stores.visits.wrapper === callers.length);
  stores.expectOwn("signal", "finally", "wrapper");
});
