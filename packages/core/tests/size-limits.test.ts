// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. Sizes of messages.
// Mutant: core/src/engine/message/envelope-reader.ts # if (length > this.maxBytes) { => if (length > this.maxBytes) { return undefined as never;
// Mutant: core/src/engine/message/message-codec.ts # if (bytes.length > maxBytes) { => if (bytes.length > maxBytes) { return undefined as never;
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

const MiB = 1024 * 1024;

describe.each(everyLink)("sizes of messages over $name", (link) => {
  test("3 MiB pass both ways, in all four kinds", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const name = "x".repeat(3 * MiB);
    expect((await client.greet({ name })).greeting).toBe(name);
    expect((await client.greetClientStream([{ name }])).greeting).toBe(name);
    expect((await all(client.greetServerStream({ name }))).map((m) => m.greeting.length)).toEqual(
      Array(3).fill(name.length + 1),
    );
    expect((await all(client.greetStream([{ name }, { name }]))).map((m) => m.greeting === name)).toEqual([
      true,
      true,
    ]);
  });

  test("a request over the server's 4 MiB is refused by its limit and option, and the connection goes on", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const name = "x".repeat(5 * MiB);
    const text = `message of ${5 * MiB + 5} bytes is larger than the limit of 4194304: raise readMaxBytes where it is received`;
    const expected = { code: Code.ResourceExhausted, rawMessage: text };
    expect(await errorOf(client.greet({ name }))).toMatchObject(expected);
    expect(await errorOf(client.greetClientStream([{ name }]))).toMatchObject(expected);
    expect(await errorOf(all(client.greetStream([{ name }])))).toMatchObject(expected);
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });

  test("a response over the client's 4 MiB is refused by its limit and option", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet: () => ({ greeting: "x".repeat(5 * MiB) }),
          async *greetServerStream() {
            yield { greeting: "small" };
            yield { greeting: "x".repeat(5 * MiB) };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const error = await errorOf(client.greet({}));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.rawMessage).toContain("larger than the limit of 4194304: raise readMaxBytes");
    const stream = client.greetServerStream({});
    expect((await stream.receive())?.greeting).toBe("small");
    expect((await errorOf(stream.receive())).code).toBe(Code.ResourceExhausted);
  });

  test("what is sent is limited too, before it leaves", async () => {
    await using end = await link.start({
      writeMaxBytes: 100,
      transport: { writeMaxBytes: 50 },
      routes: (r) => r.service(GreetService, { ...greeter("x".repeat(60)) }),
    });
    const client = createClient(GreetService, end.transport);
    expect(await errorOf(client.greet({ name: "y".repeat(49) }))).toMatchObject({
      code: Code.ResourceExhausted,
      rawMessage: "message of 51 bytes is larger than the limit of 50: raise writeMaxBytes where it is sent",
    });
    expect(await errorOf(client.greet({ name: "y".repeat(45) }))).toMatchObject({
      code: Code.ResourceExhausted,
      rawMessage:
        "message of 107 bytes is larger than the limit of 100: raise writeMaxBytes where it is sent",
    });
    expect((await client.greet({ name: "y" })).greeting).toHaveLength(61);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    expect((await errorOf(chat.send({ name: "y".repeat(49) }))).code).toBe(Code.ResourceExhausted);
    await chat.send({ name: "b" });
    await chat.closeRequest();
    expect(await all(chat)).toHaveLength(2);
  });

  test("the limit is exact", async () => {
    await using end = await link.start({
      readMaxBytes: 100,
      transport: { readMaxBytes: 100 },
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    // Two bytes of tag and length.
    expect((await client.greet({ name: "x".repeat(98) })).greeting).toHaveLength(98);
    expect((await errorOf(client.greet({ name: "x".repeat(99) }))).code).toBe(Code.ResourceExhausted);
  });

  test("many refused messages cost the connection nothing", async () => {
    await using end = await link.start({
      readMaxBytes: 1000,
      http2: { connectionWindow: 65_535, maxBufferedBytes: 65_535 },
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    for (let i = 0; i < 100; i++) {
      const error = await errorOf(client.greet({ name: "x".repeat(20_000) }));
      expect(error.code).toBe(Code.ResourceExhausted);
    }
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });
});
