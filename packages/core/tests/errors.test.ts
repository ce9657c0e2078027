// SPDX-License-Identifier: Apache-2.0
// Promise 10: errors are seen.
// Mutant: core/src/dialects/grpc/status.ts # fields.push(grpcStatus, String(sendableCode(error.code)));
// Mutant: core/src/dialects/grpc/status.ts # if (details !== undefined) fields.push(grpcStatusDetails, details);
// Mutant: core/src/dialects/grpc/status.ts # if (error.rawMessage !== "") fields.push(grpcMessage, encodeText(error.rawMessage));
import { Code, CodeBizError, ConnectError, createClient, type Logger } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind, type StartOptions } from "./every-link.js";

/** A server whose handlers of all kinds throw what `make` makes. */
function throwing(link: LinkKind, make: () => unknown, options: Partial<StartOptions> = {}) {
  return link.start({
    ...options,
    routes: (r) =>
      r.service(GreetService, {
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
      }),
  });
}

function fourCalls(client: ReturnType<typeof createClient<typeof GreetService>>): Promise<ConnectError>[] {
  return [
    errorOf(client.greet({})),
    errorOf(client.greetClientStream([{}])),
    errorOf(all(client.greetServerStream({}))),
    errorOf(all(client.greetStream([{}]))),
  ];
}

/** A logger that keeps its lines. */
function keeping(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, error: keep("error"), warn: keep("warn"), info() {}, debug() {} };
}

describe.each(everyLink)("a ConnectError of a handler over $name", (link) => {
  test("arrives with code, message, metadata and details, from all four kinds", async () => {
    await using end = await throwing(link, () => {
      const error = new ConnectError("no such name", Code.NotFound, {
        "x-hint": "look elsewhere",
        "x-bytes-bin": "AAEC",
      });
      error.details.push({ desc: GreetRequestSchema, value: { name: "detail" } });
      return error;
    });
    for (const call of fourCalls(createClient(GreetService, end.transport))) {
      const error = await call;
      expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "no such name" });
      expect(error.metadata.get("x-hint")).toBe("look elsewhere");
      expect(error.metadata.get("x-bytes-bin")).toBe("AAEC");
      expect(error.findDetails(GreetRequestSchema)).toMatchObject([{ name: "detail" }]);
    }
  });

  test.each([
    "",
    "100 % + 1",
    "über ∑ 🎉",
    "line\nbreak\ttab\u0000nul",
    "%41",
    "trailing space ",
    "x".repeat(2000),
  ])("keeps its text %j", async (text) => {
    await using end = await throwing(link, () => new ConnectError(text, Code.Aborted));
    expect(await errorOf(createClient(GreetService, end.transport).greet({}))).toMatchObject({
      code: Code.Aborted,
      rawMessage: text,
    });
  });

  test("a lone surrogate becomes U+FFFD, with details too", async () => {
    await using end = await throwing(link, () => {
      const error = new ConnectError("a\ud800b", Code.Aborted);
      error.details.push({ desc: GreetRequestSchema, value: { name: "detail" } });
      return error;
    });
    const error = await errorOf(createClient(GreetService, end.transport).greet({}));
    expect(error.rawMessage).toBe("a\ufffdb");
    expect(error.findDetails(GreetRequestSchema)).toHaveLength(1);
  });

  test("metadata that no header may carry is left out, and the error arrives", async () => {
    await using end = await throwing(
      link,
      () => new ConnectError("no", Code.Aborted, { "x-good": "1", "x-bad": "ä" }),
    );
    const error = await errorOf(createClient(GreetService, end.transport).greet({}));
    expect(error).toMatchObject({ code: Code.Aborted, rawMessage: "no" });
    expect(error.metadata.get("x-good")).toBe("1");
    expect(error.metadata.has("x-bad")).toBe(false);
  });

  test.each(Array.from({ length: 16 }, (_, i) => i + 1))("keeps code %d", async (code) => {
    await using end = await throwing(link, () => new ConnectError("as it is", code));
    expect((await errorOf(createClient(GreetService, end.transport).greet({}))).code).toBe(code);
  });

  test("dubbo-go's code 17 is kept, and codes that nobody defines become Unknown", async () => {
    await using end = await throwing(link, () => new ConnectError("business", CodeBizError as Code));
    const error = await errorOf(createClient(GreetService, end.transport).greet({}));
    expect(error).toMatchObject({ code: CodeBizError, rawMessage: "business" });
    await using other = await throwing(link, () => new ConnectError("odd", 99 as Code));
    expect((await errorOf(createClient(GreetService, other.transport).greet({}))).code).toBe(Code.Unknown);
  });
});

describe.each(everyLink)("an unexpected error of a handler over $name", (link) => {
  test("is logged once with method, peer, stack and an id; the client sees the id and no secret", async () => {
    const logger = keeping();
    await using end = await throwing(link, () => new TypeError("password is hunter2"), { logger });
    const methods = ["Greet", "GreetClientStream", "GreetServerStream", "GreetStream"];
    for (const [i, call] of fourCalls(createClient(GreetService, end.transport)).entries()) {
      const error = await call;
      expect(error.code).toBe(Code.Internal);
      const id = /^internal error \(id ([a-z0-9]{8})\)$/.exec(error.rawMessage)?.[1];
      expect(id).toBeDefined();
      const lines = logger.lines.filter((line) => line.includes(id!));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain("error: internal error");
      expect(lines[0]).toContain(`in greet.GreetService/${methods[i]}, called by `);
      expect(lines[0]).toMatch(
        { tcp: /by 127\.0\.0\.1:\d+:/, unix: /by unix:\//, memory: /by memory:/ }[link.name],
      );
      expect(lines[0]).toContain("TypeError: password is hunter2");
      expect(lines[0]).toContain("errors.test.ts");
    }
    expect(logger.lines).toHaveLength(4);
  });

  test.each([undefined, null, "text", 42, Symbol("s"), { toString: null }])(
    "may be anything",
    async (thrown) => {
      const logger = keeping();
      await using end = await throwing(link, () => thrown, { logger });
      for (const call of fourCalls(createClient(GreetService, end.transport)))
        expect((await call).rawMessage).toMatch(/^internal error \(id/);
      expect(logger.lines).toHaveLength(4);
    },
  );

  test.each([
    ["undefined", undefined],
    ["null", null],
    ["a string", "hello"],
  ])("a handler that returns %s: the log says what to return", async (_what, result) => {
    const logger = keeping();
    await using end = await link.start({
      logger,
      routes: (r) =>
        r.service(GreetService, {
          greet: () => result as never,
          greetClientStream: async () => result as never,
          greetServerStream: () => result as never,
          greetStream: () => result as never,
        }),
    });
    const client = createClient(GreetService, end.transport);
    expect((await errorOf(client.greet({}))).rawMessage).toMatch(/^internal error/);
    expect((await errorOf(client.greetClientStream([]))).rawMessage).toMatch(/^internal error/);
    expect(logger.lines[0]).toContain("the handler of greet.GreetService/Greet returned");
    expect(logger.lines[0]).toContain("return a message or its init object");
    if (typeof result === "string") return;
    expect((await errorOf(all(client.greetServerStream({})))).rawMessage).toMatch(/^internal error/);
    expect((await errorOf(all(client.greetStream([])))).rawMessage).toMatch(/^internal error/);
    expect(logger.lines[2]).toContain("is not iterable");
    expect(logger.lines).toHaveLength(4);
  });

  test("an answer that can't be serialised is one too: logged, with an id for the client", async () => {
    const logger = keeping();
    await using end = await link.start({
      logger,
      routes: (r) =>
        r.service(GreetService, {
          greet: () => ({ greeting: Symbol("secret") as unknown as string }),
          async *greetServerStream() {
            yield undefined as never;
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    expect((await errorOf(client.greet({}))).rawMessage).toMatch(/^internal error \(id/);
    expect((await errorOf(all(client.greetServerStream({})))).rawMessage).toMatch(/^internal error \(id/);
    expect(logger.lines).toHaveLength(2);
    expect(logger.lines[0]).toContain("message can't be serialised");
  });

  test("a logger that fails costs neither the answer nor the connection", async () => {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const logger = { error: fail, warn: fail, info: fail, debug: fail };
    await using end = await throwing(link, () => new TypeError("secret"), { logger });
    for (const call of fourCalls(createClient(GreetService, end.transport)))
      expect((await call).rawMessage).toMatch(/^internal error \(id/);
  });

  test("a call that its client left is not an error to log", async () => {
    const logger = keeping();
    await using end = await link.start({
      logger,
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(requests) {
            yield {};
            for await (const _ of requests);
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    for await (const _ of client.greetStream()) break;
    await client.greet({}).catch(() => {});
    expect(logger.lines).toEqual([]);
  });
});

test("an error of a client's own call keeps its cause", async () => {
  const cause = new RangeError("mine");
  const wrapped = ConnectError.from(cause, Code.Internal);
  expect(wrapped.cause).toBe(cause);
});
