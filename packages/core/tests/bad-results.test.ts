// SPDX-License-Identifier: Apache-2.0
// Handlers that answer with what is no answer: an internal error of their call, and a line in the log that says what to do.
// Mutant: core/src/engine/message/message-codec.ts # if (isMessageOrInit(schema, given)) return; => return;
// Mutant: core/src/server/call/invoke.ts # later = isThenable(result) ? Promise.resolve(result) : null; => later = isThenable(result) ? (result as Promise<unknown>) : null;
import { create } from "@bufbuild/protobuf";
import { Code, createClient, type Interceptor } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind, quiet } from "./every-link.js";
import { startWatched } from "./watched-link.js";

const fail = (): never => {
  throw new Error("looked at");
};
const iterating = (next: () => unknown): unknown => ({ [Symbol.asyncIterator]: () => ({ next }) });
const once = (value: unknown): unknown => {
  let given = 0;
  return iterating(async () => ({ done: given++ > 0, value }));
};
const through: Interceptor = (next) => (req) => next(req);

/** Values that are not messages of the response's type, where one is wanted. */
const noMessages: readonly [what: string, value: unknown, logged: RegExp][] = [
  ["undefined", undefined, /undefined/],
  ["null", null, /null/],
  ["a text", "hello", /string/],
  ["a number", 5, /number/],
  ["true", true, /boolean/],
  ["a symbol", Symbol("s"), /symbol/],
  ["a function", () => ({}), /function/],
  [
    "an array",
    [{ greeting: "a" }],
    /an array is not a greet\.Greet\w*Response: give a message of that type, or an object with its fields/,
  ],
  [
    "bytes",
    Uint8Array.of(1),
    /an object of class Uint8Array is not a greet\.Greet\w*Response: give a message of that type, or an object with its fields/,
  ],
  [
    "a message of another type",
    create(GreetRequestSchema, { name: "a" }),
    /a greet\.GreetRequest is not a greet\.Greet\w*Response: give a message of that type, or an object with its fields/,
  ],
  ["a field that is a symbol", { greeting: Symbol("s") }, /can't be serialised/],
];

/** Values that are not streams of messages, where one is wanted. */
const noStreams: readonly [what: string, value: () => unknown, logged: RegExp][] = [
  ["undefined", () => undefined, /undefined is not iterable: give an AsyncIterable or an Iterable/],
  ["null", () => null, /null is not iterable/],
  ["a number", () => 5, /a number is not iterable/],
  ["a message", () => ({ greeting: "a" }), /an object of class Object is not iterable/],
  ["a generator function that nobody called", () => async function* () {}, /a function is not iterable/],
  ["a promise of nothing, as of an async function", async () => {}, /undefined is not iterable/],
  ["a promise of a message", async () => ({ greeting: "a" }), /an object of class Object is not iterable/],
  ["an iterable without a function", () => ({ [Symbol.asyncIterator]: 1 }), /is not iterable/],
  ["an iterable that throws", () => ({ [Symbol.asyncIterator]: fail }), /Error: looked at/],
  ["an iterator of nothing", () => ({ [Symbol.asyncIterator]: () => undefined }), /TypeError/],
  ["an iterator without next()", () => ({ [Symbol.asyncIterator]: () => ({}) }), /TypeError/],
  ["an iterator that gives nothing", () => iterating(() => undefined), /TypeError/],
  ["an iterator that gives a number", () => iterating(() => 5), /TypeError/],
  ["an iterator that promises nothing", () => iterating(async () => undefined), /TypeError/],
  ["an iterator that throws", () => iterating(fail), /Error: looked at/],
  [
    "an iterator that rejects",
    () => iterating(() => Promise.reject(new Error("looked at"))),
    /Error: looked at/,
  ],
  [
    "a text, which is iterable",
    () => "hello",
    /a string is not a greet\.Greet\w*Response: give a message of that type, or an object with its fields/,
  ],
  [
    "an array of promises",
    () => [Promise.resolve({ greeting: "a" })],
    /an object of class Promise is not a greet\.Greet\w*Response: give a message of that type, or an object with its fields/,
  ],
];

interface Handlers {
  single(): unknown;
  stream(): unknown;
}

/** A server whose handlers answer so, with and without an interceptor. */
async function answering(link: LinkKind, { single, stream }: Handlers) {
  const lines: string[] = [];
  const impl = {
    greet: single as never,
    greetClientStream: single as never,
    greetServerStream: stream as never,
    greetStream: stream as never,
  };
  const end = await startWatched(link, {
    logger: { ...quiet, error: (line) => lines.push(line), warn: (line) => lines.push(line) },
    routes: (r) =>
      r
        .service(GreetService, impl)
        .service(GreetService, impl, { group: "intercepted", interceptors: [through] })
        .service(GreetService, { greet: ({ name }) => ({ greeting: name }) }, { group: "well" }),
  });
  const clients = ["", "intercepted"].map((group) => createClient(GreetService, end.transport, { group }));
  const well = createClient(GreetService, end.transport, { group: "well" });
  return {
    lines,
    singles: () => clients.flatMap((client) => [client.greet({}), client.greetClientStream([{}])]),
    streams: () =>
      clients.flatMap((client) => [
        all(client.greetServerStream({})),
        all(client.greetStream([{}])),
        client.greetStream().receive(),
      ]),
    async goesOn(): Promise<void> {
      await end.leftClean();
      expect((await well.greet({ name: "on" })).greeting).toBe("on");
    },
    [Symbol.asyncDispose]: () => end[Symbol.asyncDispose](),
  };
}

async function expectInternal(
  calls: readonly Promise<unknown>[],
  lines: string[],
  logged: RegExp,
): Promise<void> {
  lines.length = 0;
  for (const error of await Promise.all(calls.map((call) => errorOf(call)))) {
    expect(error.code).toBe(Code.Internal);
    const [, id] = /^internal error \(id ([a-z0-9]{8})\)$/.exec(error.rawMessage) ?? [];
    const told = lines.filter((line) => line.includes(`(id ${id})`));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(logged);
    expect(told[0]).toMatch(/in greet\.GreetService\/\w+, called by /);
  }
  expect(lines).toHaveLength(calls.length);
}

describe.each(everyLink)("a handler over $name whose answer", (link) => {
  test.each(noMessages)(
    "is %s fails its call, and the log says what to return",
    async (_what, value, logged) => {
      for (const single of [() => value, async () => value]) {
        await using started = await answering(link, { single, stream: () => [] });
        await expectInternal(started.singles(), started.lines, logged);
        await started.goesOn();
      }
    },
  );

  test("is a promise of a promise, or an object with then(), is awaited to its end", async () => {
    const then = (resolve: (value: unknown) => void): void => {
      resolve({ greeting: "first" });
      resolve({ greeting: "second" });
    };
    for (const value of [{ then }, Promise.resolve({ then })]) {
      await using started = await answering(link, { single: () => value, stream: () => [] });
      for (const call of started.singles()) expect(await call).toMatchObject({ greeting: "first" });
      await started.goesOn();
    }
  });

  test("has a then() that throws, or can't be looked at, fails its call", async () => {
    // biome-ignore lint/suspicious/noThenProperty: an application may do so
    for (const value of [{ then: fail }, Object.defineProperty({}, "then", { get: fail })]) {
      await using started = await answering(link, { single: () => value, stream: () => value });
      await expectInternal(started.singles(), started.lines, /Error: looked at/);
      await expectInternal(started.streams(), started.lines, /Error: looked at/);
      await started.goesOn();
    }
  });
});

describe.each(everyLink)("a handler over $name whose stream", (link) => {
  test.each(noStreams)(
    "is %s fails its call, and the log says what to return",
    async (_what, value, logged) => {
      await using started = await answering(link, { single: () => ({}), stream: value });
      await expectInternal(started.streams(), started.lines, logged);
      await started.goesOn();
    },
  );

  test.each(noMessages)(
    "yields %s fails its call, and the log says what to yield",
    async (_what, value, logged) => {
      const sources = [
        () => once(value),
        () => [value],
        async function* () {
          yield value;
        },
      ];
      for (const stream of sources) {
        await using started = await answering(link, { single: () => ({}), stream });
        await expectInternal(started.streams(), started.lines, logged);
        await started.goesOn();
      }
    },
  );

  test("is a promise that rejects, as of an async function that throws: its error is the call's, not the process's", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const stream = async (): Promise<never> => {
      throw new TypeError("thrown in an async function");
    };
    await using started = await answering(link, { single: () => ({}), stream });
    await expectInternal(started.streams(), started.lines, /TypeError: thrown in an async function/);
    await started.goesOn();
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  test("is a promise of one, as an async function that chose it gives, is served", async () => {
    const stream = async () => [{ greeting: "a" }];
    await using started = await answering(link, { single: () => ({}), stream });
    for (const call of started.streams().slice(0, 2)) expect(await call).toMatchObject([{ greeting: "a" }]);
    await started.goesOn();
  });
});
