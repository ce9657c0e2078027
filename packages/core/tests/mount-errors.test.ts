// SPDX-License-Identifier: Apache-2.0
// Errors of handlers under a mount: what a client sees of them, and what the log says.
import { createClient as createConnectClient, createRouterTransport } from "@connectrpc/connect";
import { jest } from "@jest/globals";
import {
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Logger,
  mount,
  type Transport,
  type TripleContext,
} from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, happening } from "./events.js";
import { type Mounted, type MountedRoutes, stockTransport, type Way, ways } from "./mounts.js";

/** Routes of which each handler throws what `make` makes; the stream after one message. */
function throwing(make: () => unknown): MountedRoutes["routes"] {
  return (router) =>
    router.service(GreetService, {
      greet() {
        throw make();
      },
      async greetClientStream() {
        throw make();
      },
      async *greetServerStream() {
        yield { greeting: "one" };
        throw make();
      },
      greetStream() {
        throw make();
      },
    });
}

/** The four kinds, as far as the mount has them, by name. */
function callsOf(transport: Transport, { mount }: Way): [method: string, error: Promise<ConnectError>][] {
  const client = createClient(GreetService, transport);
  const calls: [string, Promise<ConnectError>][] = [
    ["Greet", errorOf(client.greet({}))],
    ["GreetClientStream", errorOf(client.greetClientStream([{}]))],
    ["GreetServerStream", errorOf(all(client.greetServerStream({})))],
  ];
  if (mount.http === "2") calls.push(["GreetStream", errorOf(all(client.greetStream([{}])))]);
  return calls;
}

/** A logger that keeps its lines. */
function keeping(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, error: keep("error"), warn: keep("warn"), info() {}, debug() {} };
}

const idOf = (error: ConnectError): string | undefined =>
  /^internal error \(id ([a-z0-9]{8})\)$/.exec(error.rawMessage)?.[1];

describe.each(ways)("$title", (way) => {
  const start = async (options: MountedRoutes): Promise<{ transport: Transport } & AsyncDisposable> => {
    const server: Mounted = await way.mount.start(options);
    const end = stockTransport(server.port, way.protocol, way.mount.http);
    return {
      transport: end.transport,
      async [Symbol.asyncDispose]() {
        end[Symbol.dispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  };

  test("an unexpected error is logged once with method, stack and an id; the client sees the id and no secret", async () => {
    const logger = keeping();
    const routes = throwing(() => new TypeError("password is hunter2"));
    await using end = await start({ logger, routes });
    const calls = callsOf(end.transport, way);
    for (const [method, call] of calls) {
      const error = await call;
      expect(error.code).toBe(Code.Internal);
      const id = idOf(error);
      expect(id).toBeDefined();
      const lines = logger.lines.filter((line) => line.includes(id!));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`error: internal error (id ${id}) in greet.GreetService/${method}`);
      expect(lines[0]).toContain("TypeError: password is hunter2");
      expect(lines[0]).toContain("mount-errors.test.ts");
    }
    expect(logger.lines).toHaveLength(calls.length);
  });

  test("so is one of an interceptor", async () => {
    const logger = keeping();
    const interceptor: Interceptor = (next) => async (req) => {
      const res = await next(req);
      if (!res.stream) throw new RangeError("of the interceptor");
      const message = async function* () {
        for await (const message of res.message) {
          yield message;
          throw new RangeError("of the interceptor");
        }
      };
      return { ...res, message: message() };
    };
    const answers = async function* () {
      yield {};
    };
    await using end = await start({
      logger,
      interceptors: [interceptor],
      routes: (router) =>
        router.service(GreetService, {
          greet: () => ({}),
          greetClientStream: async () => ({}),
          greetServerStream: answers,
          greetStream: answers,
        }),
    });
    const calls = callsOf(end.transport, way);
    for (const [, call] of calls) expect(idOf(await call)).toBeDefined();
    expect(logger.lines).toHaveLength(calls.length);
    for (const line of logger.lines) expect(line).toContain("RangeError: of the interceptor");
  });

  test("what is thrown may be anything", async () => {
    const logger = keeping();
    let thrown: unknown;
    await using end = await start({ logger, routes: throwing(() => thrown) });
    const closed = new Proxy(
      {},
      {
        get() {
          throw new Error("closed");
        },
        getPrototypeOf() {
          throw new Error("closed");
        },
      },
    );
    for (thrown of [undefined, null, "text", Symbol("s"), { toString: null }, closed]) {
      const before = logger.lines.length;
      const calls = callsOf(end.transport, way);
      for (const [, call] of calls) expect(idOf(await call)).toBeDefined();
      expect(logger.lines).toHaveLength(before + calls.length);
    }
  });

  test.each([
    ["undefined", undefined],
    ["null", null],
  ])("a handler that returns %s: the log says what to return", async (_what, result) => {
    const logger = keeping();
    await using end = await start({
      logger,
      routes: (router) =>
        router.service(GreetService, {
          greet: () => result as never,
          greetClientStream: async () => result as never,
          greetServerStream: () => result as never,
          greetStream: () => result as never,
        }),
    });
    const calls = callsOf(end.transport, way);
    for (const [, call] of calls) expect(idOf(await call)).toBeDefined();
    expect(logger.lines).toHaveLength(calls.length);
    const said = logger.lines.join("\n");
    expect(said).toContain("the handler of greet.GreetService/Greet returned");
    expect(said).toContain("the handler of greet.GreetService/GreetClientStream returned");
    expect(said).toContain("is not iterable");
  });

  test("a logger that fails costs no answer", async () => {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const logger = { error: fail, warn: fail, info: fail, debug: fail };
    await using end = await start({ logger, routes: throwing(() => new TypeError("secret")) });
    for (const [, call] of callsOf(end.transport, way)) expect(idOf(await call)).toBeDefined();
  });

  test("a ConnectError arrives with code, message, metadata and details, and is not logged", async () => {
    const logger = keeping();
    const routes = throwing(() => {
      const error = new ConnectError("no such name: ü ∑ 🎉 100 %", Code.NotFound, { "x-hint": "elsewhere" });
      error.details.push({ desc: GreetRequestSchema, value: { name: "detail" } });
      return error;
    });
    await using end = await start({ logger, routes });
    for (const [, call] of callsOf(end.transport, way)) {
      const error = await call;
      expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "no such name: ü ∑ 🎉 100 %" });
      expect(error.metadata.get("x-hint")).toBe("elsewhere");
      expect(error.findDetails(GreetRequestSchema)).toMatchObject([{ name: "detail" }]);
    }
    expect(logger.lines).toEqual([]);
  });

  test.each<[what: string, make: () => ConnectError]>([
    ["a lone surrogate", () => new ConnectError("a\ud800b", Code.Aborted)],
    [
      "metadata that no header may carry",
      () => new ConnectError("a\ufffdb", Code.Aborted, { "x-b": "\x01" }),
    ],
    [
      "a detail that can't be serialised",
      () => {
        const error = new ConnectError("a\ufffdb", Code.Aborted);
        error.details.push({ desc: GreetRequestSchema, value: { name: Symbol("s") as never } });
        return error;
      },
    ],
  ])("a ConnectError with %s arrives without it", async (_what, make) => {
    await using end = await start({ routes: throwing(make) });
    for (const [, call] of callsOf(end.transport, way))
      expect(await call).toMatchObject({ code: Code.Aborted, rawMessage: "a\ufffdb" });
  });

  test.each<[what: string, set: (context: TripleContext) => void]>([
    ["a header with a control character", (context) => context.responseHeader.set("x-odd", "a\x01b")],
    ["a trailer with a control character", (context) => context.responseTrailer.set("x-odd", "a\x01b")],
    ["a header of the connection", (context) => context.responseHeader.set("transfer-encoding", "gzip")],
  ])("%s is left out, and the answer arrives", async (_what, set) => {
    await using end = await start({
      routes: (router) =>
        router.service(GreetService, {
          greet(_request, context) {
            set(context);
            context.responseHeader.set("x-good", "1");
            return { greeting: "a" };
          },
          async *greetServerStream(_request, context) {
            set(context);
            context.responseHeader.set("x-good", "1");
            yield { greeting: "a" };
          },
        }),
    });
    const seen: Headers[] = [];
    const options = { onHeader: (header: Headers) => void seen.push(header) };
    const client = createConnectClient(GreetService, end.transport);
    expect((await client.greet({}, options)).greeting).toBe("a");
    expect(await all(client.greetServerStream({}, options))).toHaveLength(1);
    expect(seen.map((header) => [header.get("x-good"), header.has("x-odd")])).toEqual([
      ["1", false],
      ["1", false],
    ]);
  });

  test("an error after the client has left is not logged", async () => {
    const logger = keeping();
    const begun = happening();
    const thrown = happening();
    await using end = await start({
      logger,
      routes: (router) =>
        router.service(GreetService, {
          async *greetServerStream(_request, { signal }) {
            begun.tell();
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            thrown.tell();
            throw new TypeError("too late");
          },
        }),
    });
    const abort = new AbortController();
    const client = createConnectClient(GreetService, end.transport);
    const call = errorOf(all(client.greetServerStream({}, { signal: abort.signal })));
    await begun;
    abort.abort();
    expect((await call).code).toBe(Code.Canceled);
    await thrown;
    expect(logger.lines).toEqual([]);
  });
});

test("without a logger, unexpected errors go to the console", async () => {
  const lines: unknown[] = [];
  const error = jest.spyOn(console, "error").mockImplementation((line: unknown) => void lines.push(line));
  try {
    const transport = createRouterTransport(mount(throwing(() => new TypeError("secret"))));
    const id = idOf(await errorOf(createConnectClient(GreetService, transport).greet({})));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`internal error (id ${id}) in greet.GreetService/Greet`);
  } finally {
    error.mockRestore();
  }
});
