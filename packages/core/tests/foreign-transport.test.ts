// SPDX-License-Identifier: Apache-2.0
import { createClient as createConnectClient, createRouterTransport } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, fired, happening } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

describe("our client over a transport of Connect's", () => {
  test("has the four kinds and the handles", async () => {
    const client = createClient(
      GreetService,
      createRouterTransport((r) => void r.service(GreetService, greeter() as never)),
    );
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    expect((await client.greetClientStream([{ name: "a" }, { name: "b" }])).greeting).toBe("a,b");
    expect(await all(client.greetServerStream({ name: "a" }))).toHaveLength(3);
    await using chat = client.greetStream();
    await chat.send({ name: "c" });
    expect((await chat.receive())?.greeting).toBe("c");
    await chat.closeRequest();
    expect(await chat.receive()).toBeUndefined();
    expect(await chat.receive()).toBeUndefined();
    expect(await chat.responseHeader).toBeInstanceOf(Headers);
    expect(await chat.responseTrailer).toBeInstanceOf(Headers);
    const upload = client.greetClientStream();
    await upload.send({ name: "d" });
    expect((await upload.closeAndReceive()).greeting).toBe("d");
  });

  test("leaving cancels, by the signal", async () => {
    const signal = happening<unknown>();
    const client = createClient(
      GreetService,
      createRouterTransport(
        (r) =>
          void r.service(GreetService, {
            async *greetServerStream(_request, context) {
              void fired(context.signal).then(signal.tell);
              yield { greeting: "a" };
              yield { greeting: "b" };
            },
          }),
      ),
    );
    for await (const _ of client.greetServerStream({})) break;
    expect(ConnectError.from(await signal).code).toBe(Code.Canceled);
  });

  test("an error is the call's error", async () => {
    const client = createClient(
      GreetService,
      createRouterTransport(
        (r) =>
          void r.service(GreetService, {
            async *greetServerStream() {
              yield { greeting: "a" };
              throw new ConnectError("no", Code.Aborted);
            },
          }),
      ),
    );
    const stream = client.greetServerStream({});
    expect((await stream.receive())?.greeting).toBe("a");
    expect((await errorOf(stream.receive())).code).toBe(Code.Aborted);
    expect((await errorOf(stream.receive())).code).toBe(Code.Aborted);
  });
});

describe.each(everyLink)("Connect's client over our transport over $name", (link) => {
  test("has the four kinds", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createConnectClient(GreetService, end.transport);
    const given = async function* () {
      yield { name: "a" };
      yield { name: "b" };
    };
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    expect((await client.greetClientStream(given())).greeting).toBe("a,b");
    expect(await all(client.greetServerStream({ name: "a" }))).toHaveLength(3);
    expect((await all(client.greetStream(given()))).map((m) => m.greeting)).toEqual(["a", "b"]);
  });

  test("gets errors, headers, trailers, deadlines and cancels by the signal", async () => {
    const signal = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greet({ name }, context) {
            if (name === "fail") throw new ConnectError("no", Code.Aborted);
            if (name === "wait") await fired(context.signal);
            context.responseHeader.set("x-h", "h");
            context.responseTrailer.set("x-t", String(context.requestHeader.get("x-r")));
            return {};
          },
          async *greetServerStream(_request, context) {
            yield {};
            signal.tell(await fired(context.signal));
          },
        }),
    });
    const client = createConnectClient(GreetService, end.transport);
    const told: (string | null)[] = [];
    await client.greet(
      {},
      {
        headers: { "x-r": "r" },
        onHeader: (h) => void told.push(h.get("x-h")),
        onTrailer: (t) => void told.push(t.get("x-t")),
      },
    );
    expect(told).toEqual(["h", "r"]);
    expect((await errorOf(client.greet({ name: "fail" }))).code).toBe(Code.Aborted);
    expect((await errorOf(client.greet({ name: "wait" }, { timeoutMs: 20 }))).code).toBe(
      Code.DeadlineExceeded,
    );
    const abort = new AbortController();
    const stream = client.greetServerStream({}, { signal: abort.signal });
    const read = (async () => {
      for await (const _ of stream) abort.abort();
    })();
    expect((await errorOf(read)).code).toBe(Code.Canceled);
    expect(await signal).toMatchObject({ code: Code.Canceled });
  });
});
