// SPDX-License-Identifier: Apache-2.0
import { create } from "@bufbuild/protobuf";
import { createClient } from "@tristream/core";
import { GreetRequestSchema, GreetService, GreetStreamRequestSchema } from "@tristream/gen/greet/greet_pb.js";
import { all } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

async function* generated(...names: string[]) {
  for (const name of names) yield { name };
}

describe.each(everyLink)("the four kinds of call over $name", (link) => {
  test("unary: a message goes, a message comes", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    expect(await client.greet({ name: "a" })).toMatchObject({
      $typeName: "greet.GreetResponse",
      greeting: "a",
    });
    expect((await client.greet(create(GreetRequestSchema, { name: "b" }))).greeting).toBe("b");
    expect((await client.greet({})).greeting).toBe("");
  });

  test("server streaming: all messages come in order", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const messages = await all(client.greetServerStream({ name: "a" }));
    expect(messages.map((m) => m.greeting)).toEqual(["a0", "a1", "a2"]);
  });

  test.each<[string, () => AsyncIterable<{ name: string }> | Iterable<{ name: string }>]>([
    ["an async generator", () => generated("a", "b")],
    ["an array", () => [{ name: "a" }, { name: "b" }]],
    ["a set", () => new Set([{ name: "a" }, { name: "b" }])],
    [
      "a generator",
      function* () {
        yield { name: "a" };
        yield { name: "b" };
      },
    ],
    [
      "an object with an async iterator that has no return",
      () => {
        const names = ["a", "b"];
        return {
          [Symbol.asyncIterator]: () => ({
            async next() {
              const name = names.shift();
              return name === undefined ? { done: true, value: undefined } : { done: false, value: { name } };
            },
          }),
        };
      },
    ],
    [
      "messages instead of init objects",
      () => [
        create(GreetStreamRequestSchema, { name: "a" }),
        create(GreetStreamRequestSchema, { name: "b" }),
      ],
    ],
  ])("client and bidi streaming take %s", async (_what, messages) => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const init = () => messages() as AsyncIterable<{ name: string }>;
    const echoed = await all(client.greetStream(init()));
    expect(echoed.map((m) => m.greeting)).toEqual(["a", "b"]);
    if (_what.startsWith("messages")) return;
    expect((await client.greetClientStream(init())).greeting).toBe("a,b");
  });

  test("empty streams are streams", async () => {
    await using end = await link.start({
      routes: (r) => r.service(GreetService, { ...greeter(), async *greetServerStream() {} }),
    });
    const client = createClient(GreetService, end.transport);
    expect((await client.greetClientStream([])).greeting).toBe("");
    expect(await all(client.greetStream([]))).toEqual([]);
    expect(await all(client.greetServerStream({}))).toEqual([]);
  });

  test("many calls at once keep their answers apart", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);
    const answers = await Promise.all(names.map((name) => client.greet({ name })));
    expect(answers.map((a) => a.greeting)).toEqual(names);
    const streams = await Promise.all(
      names.slice(0, 50).map((name) => all(client.greetStream([{ name }, { name }]))),
    );
    expect(streams.map((s) => s.map((m) => m.greeting))).toEqual(names.slice(0, 50).map((n) => [n, n]));
  });

  test("JSON messages take the same way", async () => {
    await using end = await link.start({
      routes: (r) => r.service(GreetService, greeter()),
      transport: { useJson: true },
    });
    const client = createClient(GreetService, end.transport);
    expect((await client.greet({ name: "ä" })).greeting).toBe("ä");
    expect((await all(client.greetStream(generated("a", "b")))).map((m) => m.greeting)).toEqual(["a", "b"]);
  });
});
