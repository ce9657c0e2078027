// SPDX-License-Identifier: Apache-2.0
// Connect's own API on our transport, and ours over Connect's transport: what goes beyond the messages.

import { createClient as createConnectClient, type Interceptor } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";
import { stockTransport } from "./foreign-connect.js";
import { all, each, fired, type Handlers, Later, Refusal } from "./foreign-greet.js";
import { servers } from "./foreign-pairs.js";

const echo: Handlers = {
  unary: async (name) => `hello ${name}`,
  async *serverStream(name, call) {
    call.setHeader("x-header", "h");
    call.setTrailer("x-trailer", "t");
    yield `${name} 1`;
    yield `${name} 2`;
  },
  clientStream: async (names) => (await all(names)).join(","),
  async *bidi(names, call) {
    call.setHeader("x-header", "h");
    call.setTrailer("x-trailer", "t");
    for await (const name of names) {
      if (name === "fail") throw new Refusal(Code.Aborted, "as asked");
      yield `hello ${name}`;
    }
  },
};

/** Passes everything on, and takes a few turns of the microtask queue for it, as most interceptors do. */
const slow: Interceptor = (next) => async (req) => {
  await Promise.resolve();
  const res = await next(req);
  await Promise.resolve();
  return res;
};

describe.each(servers)("handles over Connect's transport, with $title", ({ serve }) => {
  const connect = (port: number) => {
    const { transport, close } = stockTransport(port);
    const greeter = createClient(GreetService, transport);
    return { greeter, [Symbol.asyncDispose]: close };
  };

  it("drive a bidi stream", async () => {
    await using server = await serve(echo);
    await using client = connect(server.port);
    await using chat = client.greeter.greetStream();
    await chat.send({ name: "a" });
    expect((await chat.receive())?.greeting).toBe("hello a");
    await chat.send({ name: "b" });
    expect((await chat.receive())?.greeting).toBe("hello b");
    await chat.closeRequest();
    expect(await chat.receive()).toBeUndefined();
    expect(await chat.receive()).toBeUndefined();
    expect((await chat.responseHeader).get("x-header")).toBe("h");
    expect((await chat.responseTrailer).get("x-trailer")).toBe("t");
  });

  it("drive an upload of many messages", async () => {
    await using server = await serve(echo);
    await using client = connect(server.port);
    const upload = client.greeter.greetClientStream();
    const names = Array.from({ length: 200 }, (_, i) => `name ${i}`);
    for (const name of names) await upload.send({ name });
    expect((await upload.closeAndReceive()).greeting).toBe(names.join(","));
  });

  it("read a server stream message by message", async () => {
    await using server = await serve(echo);
    await using client = connect(server.port);
    const stream = client.greeter.greetServerStream({ name: "a" });
    expect((await stream.receive())?.greeting).toBe("a 1");
    expect((await stream.receive())?.greeting).toBe("a 2");
    expect(await stream.receive()).toBeUndefined();
    expect((await stream.responseTrailer).get("x-trailer")).toBe("t");
  });

  it("give the error of the call to each reader", async () => {
    await using server = await serve(echo);
    await using client = connect(server.port);
    const chat = client.greeter.greetStream();
    await chat.send({ name: "a" });
    await chat.send({ name: "fail" });
    expect((await chat.receive())?.greeting).toBe("hello a");
    for (const read of [() => chat.receive(), () => chat.receive(), () => chat.responseTrailer])
      await expect(read()).rejects.toMatchObject({ code: Code.Aborted, rawMessage: "as asked" });
    await expect(chat.send({ name: "b" })).rejects.toMatchObject({ code: Code.Aborted });
  });

  it("cancel by the signal: break, cancel() and dispose", async () => {
    const ends: Later<void>[] = [new Later(), new Later(), new Later()];
    let calls = 0;
    await using server = await serve({
      async *serverStream(name, { signal }) {
        const end = ends[calls++];
        yield name;
        await fired(signal);
        end?.resolve();
      },
    });
    await using client = connect(server.port);
    for await (const message of client.greeter.greetServerStream({ name: "a" })) {
      expect(message.greeting).toBe("a");
      break;
    }
    await ends[0]?.promise;
    const stream = client.greeter.greetServerStream({ name: "b" });
    await stream.receive();
    stream.cancel("enough");
    await expect(stream.receive()).rejects.toMatchObject({ code: Code.Canceled });
    await ends[1]?.promise;
    {
      await using disposed = client.greeter.greetServerStream({ name: "c" });
      await disposed.receive();
    }
    await ends[2]?.promise;
  });
});

describe.each(servers)("Connect's createClient on our transport, with $title", ({ serve }) => {
  it("cancels by a signal, and goes on afterwards", async () => {
    const stopped = new Later<void>();
    await using server = await serve({
      ...echo,
      async *serverStream(name, { signal }) {
        yield name;
        await fired(signal);
        stopped.resolve();
      },
    });
    await using transport = createTransport(`tri://127.0.0.1:${server.port}`);
    const greeter = createConnectClient(GreetService, transport);
    const controller = new AbortController();
    const read = async (): Promise<void> => {
      const { signal } = controller;
      for await (const _message of greeter.greetServerStream({ name: "a" }, { signal })) controller.abort();
    };
    await expect(read()).rejects.toMatchObject({ code: Code.Canceled });
    await stopped.promise;
    expect((await greeter.greet({ name: "b" })).greeting).toBe("hello b");
  });

  it("sees Connect's errors, with their class", async () => {
    await using server = await serve(echo);
    await using transport = createTransport(`tri://127.0.0.1:${server.port}`);
    const greeter = createConnectClient(GreetService, transport);
    const outcome = all(greeter.greetStream(each([{ name: "fail" }])));
    await expect(outcome).rejects.toBeInstanceOf(ConnectError);
  });
});

describe.each(servers)("interceptors of Connect around our transport, with $title", ({ serve }) => {
  it("lose no message that arrives together with the call's error", async () => {
    await using server = await serve(echo);
    const address = `tri://127.0.0.1:${server.port}`;
    await using transport = createTransport(address, { interceptors: [slow] });
    const ours = createClient(GreetService, transport, { interceptors: [slow] });
    const stock = createConnectClient(GreetService, transport);
    for (const greeter of [ours, stock]) {
      const seen: string[] = [];
      const read = async (): Promise<void> => {
        const names = each([{ name: "a" }, { name: "b" }, { name: "fail" }]);
        for await (const { greeting } of greeter.greetStream(names)) seen.push(greeting);
      };
      await expect(read()).rejects.toMatchObject({ code: Code.Aborted });
      expect(seen).toEqual(["hello a", "hello b"]);
    }
  });

  it("see requests and responses of all kinds", async () => {
    await using server = await serve(echo);
    const seen: string[] = [];
    const watch: Interceptor = (next) => async (req) => {
      req.header.set("x-seen", "yes");
      const res = await next(req);
      seen.push(`${req.method.name} ${req.stream}/${res.stream}`);
      return res;
    };
    await using transport = createTransport(`tri://127.0.0.1:${server.port}`, {
      interceptors: [watch, slow],
    });
    const greeter = createClient(GreetService, transport, { interceptors: [slow] });
    expect((await greeter.greet({ name: "a" })).greeting).toBe("hello a");
    expect((await all(greeter.greetServerStream({ name: "a" }))).length).toBe(2);
    expect((await greeter.greetClientStream(each([{ name: "a" }, { name: "b" }]))).greeting).toBe("a,b");
    const chat = greeter.greetStream();
    await chat.send({ name: "c" });
    expect((await chat.receive())?.greeting).toBe("hello c");
    await chat.closeRequest();
    expect(await chat.receive()).toBeUndefined();
    expect(seen).toEqual([
      "Greet false/false",
      "GreetServerStream true/true",
      "GreetClientStream true/true",
      "GreetStream true/true",
    ]);
  });
});
