// SPDX-License-Identifier: Apache-2.0
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";

async function start(link: LinkKind) {
  const end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
  return { end, client: createClient(GreetService, end.transport) };
}

describe.each(everyLink)("a bidi handle over $name", (link) => {
  test("sends, receives, half-closes, and tells the end as often as asked", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    await using chat = client.greetStream();
    await chat.send({ name: "a" });
    expect((await chat.receive())?.greeting).toBe("a");
    await chat.send({ name: "b" });
    await chat.send({ name: "c" });
    await chat.closeRequest();
    await chat.closeRequest();
    expect((await chat.receive())?.greeting).toBe("b");
    expect((await chat.receive())?.greeting).toBe("c");
    expect(await chat.receive()).toBeUndefined();
    expect(await chat.receive()).toBeUndefined();
    expect(await chat.next()).toEqual({ done: true, value: undefined });
    await chat.closeResponse();
    await chat.closeResponse();
    await chat.closeRequest();
  });

  test("concurrent receives are answered in order", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    await using chat = client.greetStream();
    const waiting = [chat.receive(), chat.receive(), chat.next(), chat.receive(), chat.receive()] as const;
    await Promise.all(["a", "b", "c"].map((name) => chat.send({ name })));
    await chat.closeRequest();
    const [a, b, c, d, e] = await Promise.all(waiting);
    expect([a?.greeting, b?.greeting, c.value?.greeting]).toEqual(["a", "b", "c"]);
    expect([d, e]).toEqual([undefined, undefined]);
  });

  test("is an async iterable of what is received, and receive() and the loop share it", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const chat = client.greetStream();
    for (const name of ["a", "b", "c"]) await chat.send({ name });
    await chat.closeRequest();
    expect((await chat.receive())?.greeting).toBe("a");
    expect((await all(chat)).map((m) => m.greeting)).toEqual(["b", "c"]);
    expect(chat[Symbol.asyncIterator]()).toBe(chat);
  });

  test("a message after closeRequest() is refused, and the call goes on", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.closeRequest();
    expect(await errorOf(chat.send({ name: "b" }))).toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: "the request is closed: nothing can be sent after closeRequest()",
    });
    expect((await all(chat)).map((m) => m.greeting)).toEqual(["a"]);
  });

  test("a message that can't be serialised rejects its send alone", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    const error = await errorOf(chat.send({ name: Symbol() as unknown as string }));
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toContain("can't be serialised");
    await chat.send({ name: "b" });
    await chat.closeRequest();
    expect((await all(chat)).map((m) => m.greeting)).toEqual(["a", "b"]);
  });

  test("is driven before it is connected: sends wait, in order", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const chat = client.greetStream();
    const sends = [chat.send({ name: "a" }), chat.send({ name: "b" }), chat.closeRequest()];
    expect((await all(chat)).map((m) => m.greeting)).toEqual(["a", "b"]);
    await Promise.all(sends);
  });
});

describe.each(everyLink)("a client-stream handle over $name", (link) => {
  test("sends, closes and receives, twice the same answer", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    await using upload = client.greetClientStream();
    for (const name of ["a", "b", "c"]) await upload.send({ name });
    const answer = await upload.closeAndReceive();
    expect(answer.greeting).toBe("a,b,c");
    expect(await upload.closeAndReceive()).toBe(answer);
    expect((await errorOf(upload.send({ name: "d" }))).code).toBe(Code.FailedPrecondition);
    upload.cancel();
  });

  test("an empty upload has an answer", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    expect((await client.greetClientStream().closeAndReceive()).greeting).toBe("");
  });
});

describe.each(everyLink)("a server-stream handle over $name", (link) => {
  test("starts when it is called, and gives messages to receive() and next()", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const stream = client.greetServerStream({ name: "x" });
    expect(await stream.responseHeader).toBeInstanceOf(Headers);
    expect((await stream.receive())?.greeting).toBe("x0");
    expect((await stream.next()).value?.greeting).toBe("x1");
    expect((await stream.receive())?.greeting).toBe("x2");
    expect(await stream.receive()).toBeUndefined();
  });
});

describe.each(everyLink)("a server that ended the call over $name", (link) => {
  test("well: send() rejects with FailedPrecondition and how many messages were not sent", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async *greetStream(requests) {
            for await (const { name } of requests) {
              yield { greeting: name };
              return;
            }
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.responseTrailer;
    expect(await errorOf(chat.send({ name: "b" }))).toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: "the server has ended the call: 1 message was not sent",
    });
    expect((await errorOf(chat.send({ name: "c" }))).rawMessage).toBe(
      "the server has ended the call: 2 messages were not sent",
    );
    expect((await chat.receive())?.greeting).toBe("a");
    expect(await chat.receive()).toBeUndefined();
    await chat.closeRequest();
  });

  test("badly: send() rejects with the call's error, receive() gives what had arrived first", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream() {
            yield { greeting: "one" };
            yield { greeting: "two" };
            throw new TypeError("boom");
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    const error = await errorOf(chat.responseTrailer);
    expect(error.code).toBe(Code.Internal);
    expect(await errorOf(chat.send({ name: "b" }))).toBe(error);
    expect((await chat.receive())?.greeting).toBe("one");
    expect((await chat.receive())?.greeting).toBe("two");
    expect(await errorOf(chat.receive())).toBe(error);
    expect(await errorOf(chat.receive())).toBe(error);
    expect(await errorOf(chat.next())).toBe(error);
    await chat.closeRequest();
    await chat.closeResponse();
  });

  test("a send that waits for room when the call ends does not wait for ever", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(requests) {
            for await (const { name } of requests) {
              yield { greeting: name };
              if (name === "end") return;
              await new Promise((resolve) => setImmediate(resolve));
              throw new Error("boom");
            }
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    const flood = (async () => {
      for (;;) await chat.send({ name: "x".repeat(100_000) });
    })();
    expect((await errorOf(flood)).code).toBe(Code.Internal);
    const second = client.greetStream();
    await second.send({ name: "end" });
    const again = (async () => {
      for (;;) await second.send({ name: "x".repeat(100_000) });
    })();
    expect((await errorOf(again)).code).toBe(Code.FailedPrecondition);
  });
});
