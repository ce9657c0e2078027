// SPDX-License-Identifier: Apache-2.0
// Driven handlers under Connect's adapters.
// Mutant: core/src/server/driven/driven-responses.ts # if (this.ask !== null) this.answer(Promise.reject(error));
// Mutant: core/src/server/driven/driven-responses.ts # this.rejectAll(reason);
import { createClient as createConnectClient } from "@connectrpc/connect";
import { Code, ConnectError, driven, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, type Happening, happening, turns } from "./events.js";
import { over, stockTransport, ways } from "./mounts.js";
import { envelope } from "./raw-client.js";
import { RawSocket } from "./raw-socket.js";
import { long, Stores } from "./stores.js";

/** Driven handlers of each kind; a bidi call fails at the name "fail". */
const greeter: Partial<TripleServiceImpl<typeof GreetService>> = {
  greetStream: driven(async (stream) => {
    const names: string[] = [];
    const heard = happening();
    stream.run(async () => {
      for await (const { name } of stream) {
        if (name === "fail") throw new ConnectError("mine", Code.Aborted);
        names.push(name);
      }
      heard.tell();
    });
    await heard;
    for (const name of names) await stream.send({ greeting: `hello ${name}` });
  }),
  greetClientStream: driven(async (stream) => {
    const names: string[] = [];
    for (let m = await stream.receive(); m; m = await stream.receive()) names.push(m.name);
    return { greeting: names.join() };
  }),
  greetServerStream: driven(async ({ request, send }) => {
    for (let i = 0; i < 3; i++) void send({ greeting: `${request.name}${i}` });
  }),
};

describe.each(ways)("driven handlers over $title", ({ mount, protocol }) => {
  test("receive and send", async () => {
    await using server = await mount.start({ routes: (r) => r.service(GreetService, greeter) });
    using stock = stockTransport(server.port, protocol, mount.http);
    const client = createConnectClient(GreetService, stock.transport);
    const names = async function* () {
      yield { name: "a" };
      yield { name: "b" };
    };
    const greetings = async (messages: AsyncIterable<{ greeting: string }>) =>
      (await all(messages)).map(({ greeting }) => greeting);
    expect((await client.greetClientStream(names())).greeting).toBe("a,b");
    expect(await greetings(client.greetServerStream({ name: "c" }))).toEqual(["c0", "c1", "c2"]);
  });
});

// Connect's adapters have bidi streams over HTTP/2 alone.
describe.each(ways.filter(({ mount }) => mount.http === "2"))(
  "driven bidi handlers over $title",
  ({ mount, protocol }) => {
    test("answer what they hear in a second loop", async () => {
      await using server = await mount.start({ routes: (r) => r.service(GreetService, greeter) });
      using stock = stockTransport(server.port, protocol, mount.http);
      const client = createConnectClient(GreetService, stock.transport);
      const names = async function* () {
        yield { name: "a" };
        yield { name: "b" };
      };
      const greetings = await all(client.greetStream(names()));
      expect(greetings.map(({ greeting }) => greeting)).toEqual(["hello a", "hello b"]);
    });

    test("end their call with a second loop's error", async () => {
      await using server = await mount.start({ routes: (r) => r.service(GreetService, greeter) });
      using stock = stockTransport(server.port, protocol, mount.http);
      const client = createConnectClient(GreetService, stock.transport);
      const names = async function* () {
        yield { name: "fail" };
      };
      const error = await errorOf(all(client.greetStream(names())));
      expect(error).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
    });
  },
);

describe.each(over("2"))("a driven call to $title", (mount) => {
  test("that is reset rejects receive() and send() in both loops, each in the store of its call", async () => {
    const stores = new Stores();
    const sending = happening();
    const outcomes: Record<"receive" | "send", Happening<unknown>> = {
      receive: happening<unknown>(),
      send: happening<unknown>(),
    };
    await using server = await mount.start({
      interceptors: [(next) => (req) => stores.storage.run("a", () => next(req))],
      routes: (r) =>
        r.service(GreetService, {
          greetStream: driven(async (stream) => {
            stores.visit("handler", "a");
            stream.run(async () => {
              try {
                for (;;) {
                  await stream.send({ greeting: long });
                  stores.visit("second", "a");
                  sending.tell();
                }
              } catch (error) {
                stores.visit("second's end", "a");
                outcomes.send.tell(error);
                throw error;
              }
            });
            try {
              while ((await stream.receive()) !== undefined) stores.visit("handler", "a");
              outcomes.receive.tell("complete");
            } catch (error) {
              stores.visit("handler's end", "a");
              outcomes.receive.tell(error);
              throw error;
            }
          }),
        }),
    });
    using client = await RawSocket.open(server.port);
    client.call(1, "/greet.GreetService/GreetStream");
    client.data(1, envelope(new Uint8Array()));
    await sending;
    await turns(50);
    client.reset(1, 8);
    for (const outcome of [outcomes.receive, outcomes.send])
      expect(await outcome).toMatchObject({
        code: Code.Canceled,
        rawMessage: expect.stringContaining("greet.GreetService/GreetStream"),
      });
    stores.expectOwn("handler", "second", "handler's end", "second's end");
  });
});
