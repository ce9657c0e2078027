// SPDX-License-Identifier: Apache-2.0
// Interceptors that return what is no response, or pass on what is no request: an error of their call that says what to do.
// Mutant: core/src/client/call/unary-call.ts # checkResponse(res, this.name);
// Mutant: core/src/client/call/stream-call.ts # checkResponse(res, this.name);
// Mutant: core/src/client/call/call-request.ts # else if (!isSignal(given.signal)) => else if (false)
// Mutant: core/src/client/call/method-caller.ts # if (!res.stream) this.finish(null);
// Mutant: core/src/server/call/invoke.ts # if (typeof res !== "object" || res === null) { => if (false) {
import { getEventListeners } from "node:events";
import { createRouterTransport, type UnaryRequest } from "@connectrpc/connect";
import { Code, ConnectError, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, errorOf, until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { startWatched } from "./watched-link.js";

const returning = (make: () => unknown): Interceptor => (() => make) as unknown as Interceptor;
const changing = (change: object): Interceptor =>
  ((next: (req: unknown) => Promise<object>) => async (req: unknown) => ({
    ...(await next(req)),
    ...change,
  })) as unknown as Interceptor;
const fail = (): never => {
  throw new Error("looked at");
};

const noResponses: readonly [what: string, interceptor: Interceptor, got: string][] = [
  ["undefined", returning(() => undefined), "undefined"],
  ["a promise of nothing", returning(async () => {}), "undefined"],
  ["null", returning(() => null), "null"],
  ["a text", returning(async () => "hello"), "a string"],
];

const brokenParts: readonly [what: string, interceptor: Interceptor][] = [
  ["no message", changing({ message: undefined })],
  ["a message that is a number", changing({ message: 5 })],
  ["a message that can't be looked at", changing({ message: { [Symbol.asyncIterator]: fail } })],
  [
    "a message whose iterator throws",
    changing({ message: { [Symbol.asyncIterator]: () => ({ next: fail }) } }),
  ],
];

const brokenHeaders: readonly [what: string, interceptor: Interceptor][] = [
  ["no header", changing({ header: undefined })],
  ["no trailer", changing({ trailer: null })],
  ["a header that is a number", changing({ header: 5 })],
];

type Client = ReturnType<typeof createClient<typeof GreetService>>;
const singles = (client: Client): Promise<unknown>[] => [client.greet({}), client.greetClientStream([{}])];
const chat = async (client: Client): Promise<unknown> => {
  const stream = client.greetStream();
  await stream.closeRequest();
  return stream.receive();
};
const streams = (client: Client): Promise<unknown>[] => [
  all(client.greetServerStream({})),
  all(client.greetStream([{}])),
  chat(client),
];
const calls = (client: Client): Promise<unknown>[] => [
  ...singles(client),
  ...streams(client),
  client.greetClientStream().closeAndReceive(),
];

describe.each(everyLink)("an interceptor of a client over $name that returns", (link) => {
  test.each(noResponses)(
    "%s: the error names the call and says what to return",
    async (_what, interceptor, got) => {
      await using end = await startWatched(link, { routes: (r) => r.service(GreetService, greeter()) });
      const client = createClient(GreetService, end.transport, { interceptors: [interceptor] });
      for (const error of await Promise.all(calls(client).map((call) => errorOf(call)))) {
        expect(error.rawMessage).toMatch(
          new RegExp(
            `^an interceptor of greet\\.GreetService/\\w+ returned ${got}: return the response that next\\(\\) resolves to, or one like it$`,
          ),
        );
      }
      await end.leftClean();
      expect((await createClient(GreetService, end.transport).greet({ name: "on" })).greeting).toBe("on");
    },
  );

  test.each(brokenParts)("a response with %s: each call settles", async (_what, interceptor) => {
    await using end = await startWatched(link, { routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport, { interceptors: [interceptor] });
    for (const error of await Promise.all(streams(client).map((call) => errorOf(call))))
      expect(error.code).toBe(Code.Unknown);
    await Promise.allSettled(calls(client));
    await end.leftClean();
    expect((await createClient(GreetService, end.transport).greet({ name: "on" })).greeting).toBe("on");
  });
});

const passingOn = (change: (req: object) => unknown): Interceptor =>
  ((next: (req: unknown) => unknown) => (req: object) => next(change(req))) as unknown as Interceptor;
const whole = "pass on the request that it got, or a copy with all of its members";

const noRequests: readonly [what: string, change: (req: object) => unknown, got: string][] = [
  ["nothing", () => undefined, "undefined"],
  ["null", () => null, "null"],
  ["a text", () => "hello", "a string"],
  [
    "a request without a signal",
    (req) => ({ ...req, signal: undefined }),
    "a request whose signal is undefined, not an AbortSignal",
  ],
  [
    "a request whose signal is null",
    (req) => ({ ...req, signal: null }),
    "a request whose signal is null, not an AbortSignal",
  ],
  [
    "a request whose signal is a controller",
    (req) => ({ ...req, signal: new AbortController() }),
    "a request whose signal is an object of class AbortController, not an AbortSignal",
  ],
  [
    "a request without a header",
    (req) => ({ ...req, header: undefined }),
    "a request whose header is undefined, not Headers",
  ],
  [
    "a request whose header is an object",
    (req) => ({ ...req, header: { "x-a": "1" } }),
    "a request whose header is an object of class Object, not Headers",
  ],
];

describe.each(everyLink)("an interceptor of a client over $name that passes on", (link) => {
  test.each(noRequests)("%s: the error names the call, and what is wrong", async (_what, change, got) => {
    let runs = 0;
    const seen: Interceptor = (next) => (req) => {
      runs++;
      return next(req);
    };
    await using end = await startWatched(link, {
      routes: (r) => r.service(GreetService, greeter(), { interceptors: [seen] }),
    });
    const passes = passingOn(change);
    const later: Interceptor = (next) => async (req) => passes(next)(req as never) as never;
    const foreign = createRouterTransport((r) => void r.service(GreetService, greeter() as never));
    for (const transport of [end.transport, foreign]) {
      for (const interceptor of [passes, later]) {
        const client = createClient(GreetService, transport, { interceptors: [interceptor] });
        for (const error of await Promise.all(calls(client).map((call) => errorOf(call)))) {
          expect(error.code).toBe(Code.Internal);
          expect(error.rawMessage).toMatch(
            new RegExp(`^an interceptor of greet\\.GreetService/\\w+ passed on ${got}: ${whole}$`),
          );
        }
      }
    }
    expect(runs).toBe(0);
    await end.leftClean();
    expect((await createClient(GreetService, end.transport).greet({ name: "on" })).greeting).toBe("on");
  });

  test("a request of its own making, with a signal that lives on: nothing stays on that", async () => {
    await using end = await startWatched(link, {
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greet({ name }) {
            if (name === "fail") throw new ConnectError("no", Code.Aborted);
            return { greeting: name };
          },
        }),
    });
    const { signal } = new AbortController();
    const own = passingOn((req) => {
      const { stream, method, service, message, requestMethod, url, contextValues } = req as UnaryRequest;
      const header = new Headers();
      return { stream, method, service, message, requestMethod, url, contextValues, header, signal };
    });
    const before = deadlines.size;
    const client = createClient(GreetService, end.transport, { interceptors: [own], timeoutMs: 600_000 });
    await Promise.all(calls(client));
    expect(deadlines.size).toBe(before);
    expect((await errorOf(client.greet({ name: "fail" }))).code).toBe(Code.Aborted);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await end.leftClean();
  });
});

describe.each(everyLink)("an interceptor of a server over $name that returns", (link) => {
  async function start(interceptor: Interceptor) {
    const lines: string[] = [];
    const end = await startWatched(link, {
      logger: { ...quiet, error: (line) => lines.push(line), warn: (line) => lines.push(line) },
      routes: (r) =>
        r
          .service(GreetService, greeter(), { interceptors: [interceptor] })
          .service(GreetService, greeter(), { group: "well" }),
    });
    const well = createClient(GreetService, end.transport, { group: "well" });
    return {
      client: createClient(GreetService, end.transport),
      lines,
      async goesOn() {
        await end.leftClean();
        expect((await well.greet({ name: "on" })).greeting).toBe("on");
      },
      [Symbol.asyncDispose]: () => end[Symbol.asyncDispose](),
    };
  }

  test.each(noResponses)(
    "%s: the log names the call and says what to return",
    async (_what, interceptor, got) => {
      await using started = await start(interceptor);
      const { client, lines, goesOn } = started;
      const errors = await Promise.all(calls(client).map((call) => errorOf(call)));
      for (const error of errors) expect(error.rawMessage).toMatch(/^internal error \(id/);
      expect(lines).toHaveLength(errors.length);
      for (const line of lines)
        expect(line).toMatch(
          new RegExp(
            `TypeError: an interceptor of greet\\.GreetService/\\w+ returned ${got}: return the response that next\\(\\) resolves to, or one like it\\n`,
          ),
        );
      await goesOn();
    },
  );

  test.each([...brokenParts, ...brokenHeaders])(
    "a response with %s: an internal error",
    async (_what, interceptor) => {
      await using started = await start(interceptor);
      const { client, lines, goesOn } = started;
      const errors = await Promise.all(streams(client).map((call) => errorOf(call)));
      for (const error of errors) expect(error.rawMessage).toMatch(/^internal error \(id/);
      expect(lines).toHaveLength(errors.length);
      await Promise.allSettled(calls(client));
      await goesOn();
    },
  );

  test("nothing to a call that is over gives its place back all the same", async () => {
    const begun: (() => void)[] = [];
    const slow: Interceptor = (next) => async (req) => {
      const res = await next(req);
      await new Promise<void>((resolve) => begun.push(resolve));
      return res;
    };
    await using end = await link.start({
      http2: { maxConcurrentStreams: 1 },
      routes: (r) =>
        r
          .service(GreetService, greeter(), { interceptors: [slow] })
          .service(GreetService, greeter(), { group: "well" }),
    });
    const client = createClient(GreetService, end.transport);
    const well = createClient(GreetService, end.transport, { group: "well" });
    for (let i = 0; i < 3; i++) {
      const abort = new AbortController();
      const call = errorOf(client.greet({}, { signal: abort.signal }));
      await until(() => begun.length > 0);
      abort.abort();
      expect((await call).code).toBe(Code.Canceled);
      // The handler has its one place until it settles.
      begun.pop()!();
      expect((await well.greet({ name: "on" })).greeting).toBe("on");
    }
  });
});
