// SPDX-License-Identifier: Apache-2.0
// What a client is given that is no message, no stream of them, no time, or no signal: an error of that call, before anything is sent.
// Mutant: core/src/options/check-options.ts # typeof value === "number" && !Number.isNaN(value) => typeof value === "number"
// Mutant: core/src/client/call/call.ts # if (!isSignal(signal)) this.cancel(noSignal(this.name, signal)); => if (false);
// Mutant: core/src/engine/message/message-codec.ts # if (isMessageOrInit(schema, given)) return; => return;
import { create } from "@bufbuild/protobuf";
import { Code, createClient } from "@tristream/core";
import {
  GreetResponseSchema,
  GreetService,
  GreetStreamRequestSchema,
} from "@tristream/gen/greet/greet_pb.js";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";
import { startWatched } from "./watched-link.js";

const noMessages: readonly [what: string, value: unknown, got: string][] = [
  ["undefined", undefined, "undefined"],
  ["null", null, "null"],
  ["a text", "triple", "a string"],
  ["a number", 5, "a number"],
  ["an array", [{ name: "a" }], "an array"],
  ["a promise", Promise.resolve({ name: "a" }), "an object of class Promise"],
  ["bytes", Uint8Array.of(1), "an object of class Uint8Array"],
  ["a message of another type", create(GreetResponseSchema, { greeting: "a" }), "a greet.GreetResponse"],
];

const advice = "give a message of that type, or an object with its fields";

/** A greeter that counts the messages it gets. */
async function start(link: LinkKind) {
  let unary = 0;
  const end = await startWatched(link, {
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        greet({ name }) {
          unary++;
          return { greeting: name };
        },
      }),
  });
  return { end, client: createClient(GreetService, end.transport), unary: () => unary };
}

describe.each(everyLink)("a client over $name", (link) => {
  test.each(noMessages)("can't send %s", async (_what, value, got) => {
    const { end, client, unary } = await start(link);
    await using _end = end;
    const no = value as never;
    const chat = client.greetStream();
    const upload = client.greetClientStream();
    const calls = [
      client.greet(no),
      all(client.greetServerStream(no)),
      client.greetClientStream([no]),
      all(client.greetStream([no])),
      chat.send(no),
      upload.send(no),
    ];
    const errors = await Promise.all(calls.map((call) => errorOf(call)));
    // A call without its message, not one with a wrong one.
    for (const error of errors.splice(0, value === undefined ? 2 : 0)) {
      expect(error.code).toBe(Code.InvalidArgument);
      expect(error.rawMessage).toMatch(
        /^greet\.GreetService\/\w+ was called without a message: pass one of type /,
      );
    }
    for (const error of errors) {
      expect(error.code).toBe(Code.Internal);
      expect(error.rawMessage.replace("message can't be serialised: ", "")).toMatch(
        new RegExp(`^${got} is not a greet\\.Greet\\w*Request: ${advice}$`),
      );
    }
    // A handle is not lost by one message that could not be sent.
    await chat.send({ name: "b" });
    await chat.closeRequest();
    expect((await all(chat)).map((m) => m.greeting)).toEqual(["b"]);
    await upload.send({ name: "c" });
    expect((await upload.closeAndReceive()).greeting).toBe("c");
    await end.leftClean();
    expect(unary()).toBe(0);
  });

  test("can't send an iterable that is none", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const odd = { [Symbol.asyncIterator]: 1 } as unknown as AsyncIterable<{ name: string }>;
    for (const call of [client.greetClientStream(odd), all(client.greetStream(odd))]) {
      const error = await errorOf(call);
      expect(error.code).toBe(Code.Internal);
      expect(error.rawMessage).toMatch(
        /^an object of class Object is not iterable: give an AsyncIterable or an Iterable/,
      );
    }
    await end.leftClean();
  });

  test.each([
    ["an object of class Object", { name: "a" }],
    ["an object of class Promise", Promise.resolve([])],
    ["a greet.GreetStreamRequest", create(GreetStreamRequestSchema)],
    ["a string", "abc"],
    ["null", null],
  ])("can't send %s in place of messages or options", async (what, given) => {
    const { end, client } = await start(link);
    await using _end = end;
    for (const handle of [client.greetClientStream(given as never), client.greetStream(given as never)]) {
      const error = await errorOf(handle.send({ name: "a" }));
      expect(error.code).toBe(Code.InvalidArgument);
      expect(error.rawMessage).toBe(
        `${what} is neither messages nor options of a call: give an AsyncIterable or an Iterable of messages, or nothing and send them by the handle`,
      );
    }
    await end.leftClean();
  });

  test.each([
    ["undefined", undefined],
    ["an object of class Object", { timeoutMs: 1 }],
  ])("can't send %s in place of messages before its options", async (what, given) => {
    const { end, client } = await start(link);
    await using _end = end;
    const options = { timeoutMs: 5000 };
    const handles = [
      client.greetClientStream(given as never, options),
      client.greetStream(given as never, options),
    ] as unknown as { send(message: object): Promise<void> }[];
    for (const handle of handles) {
      const error = await errorOf(handle.send({ name: "a" }));
      expect(error.code).toBe(Code.InvalidArgument);
      expect(error.rawMessage).toContain(`${what} is neither messages nor options of a call`);
    }
    await end.leftClean();
  });

  test("can't have a timeout that is not a number", async () => {
    const { end, client, unary } = await start(link);
    await using _end = end;
    const text = /option timeoutMs of .+ is NaN: pass milliseconds, or 0 for no deadline, or leave it out$/;
    const options = { timeoutMs: Number.NaN };
    const calls = [
      client.greet({}, options),
      all(client.greetServerStream({}, options)),
      client.greetClientStream([], options),
      client.greetStream(options).receive(),
    ];
    for (const call of calls)
      expect(await errorOf(call)).toMatchObject({ code: Code.InvalidArgument, rawMessage: text });
    expect(() => createClient(GreetService, end.transport, options)).toThrow(text);
    expect(() => createClient(GreetService, end.transport, { methods: { greet: options } })).toThrow(text);
    expect(unary()).toBe(0);
    expect((await client.greet({ name: "on" }, { timeoutMs: Number.POSITIVE_INFINITY })).greeting).toBe("on");
    await end.leftClean();
  });

  test.each([
    ["null", null],
    ["a number", 5],
    ["an object of class AbortController", new AbortController()],
  ])("can't have a signal that is %s", async (got, value) => {
    const { end, client, unary } = await start(link);
    await using _end = end;
    const options = { signal: value as never, timeoutMs: 50_000 };
    const calls = [
      client.greet({}, options),
      all(client.greetServerStream({}, options)),
      client.greetClientStream([], options),
      client.greetStream(options).receive(),
    ];
    for (const call of calls)
      expect(await errorOf(call)).toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: expect.stringMatching(
          new RegExp(
            `^option signal of greet.GreetService/\\w+ is ${got}: pass an AbortSignal, or leave it out$`,
          ),
        ),
      });
    expect(deadlines.size).toBe(0);
    expect(unary()).toBe(0);
    await end.leftClean();
  });
});
