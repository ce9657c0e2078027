// SPDX-License-Identifier: Apache-2.0
import { createClient as createConnectClient, createConnectRouter } from "@connectrpc/connect";
import { Code, ConnectError, createClient, mount as mountRoutes } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { dispatchCases, dispatchRoutes, expectedAnswer, refusal } from "./dispatch-cases.js";
import { all, errorOf } from "./events.js";
import { greeter } from "./greeter.js";
import { type Mounted, mounts, type StockTransport, stockTransport, ways } from "./mounts.js";

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

const unary = "Greet";
const clientStream = "GreetClientStream";

describe.each(ways)("a stock client by $title", ({ mount, protocol }) => {
  const bidi = mount.http === "2";
  let server: Mounted;
  let end: StockTransport;

  beforeAll(async () => {
    server = await mount.start({ routes: dispatchRoutes });
    end = stockTransport(server.port, protocol, mount.http);
  });

  afterAll(async () => {
    end[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });

  test("has all kinds", async () => {
    const client = createConnectClient(GreetService, end.transport);
    const names = [{ name: "a" }, { name: "b" }];
    expect((await client.greet({ name: "a" })).greeting).toBe("plain:a");
    expect((await client.greetClientStream(each(names))).greeting).toBe("plain:a,b");
    const down = await all(client.greetServerStream({ name: "a" }));
    expect(down.map((m) => m.greeting)).toEqual(["plain:a0", "plain:a1", "plain:a2"]);
    const both = bidi ? await all(client.greetStream(each(names))) : [];
    expect(both.map((m) => m.greeting)).toEqual(bidi ? ["plain:a", "plain:b"] : []);
  });

  test("takes turns in a bidi stream, where there are any", async () => {
    const client = createConnectClient(GreetService, end.transport);
    let answered!: () => void;
    const names = async function* () {
      for (const name of ["a", "b", "c"]) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { name };
        await answer;
      }
    };
    const read = async (): Promise<string[]> => {
      const greetings: string[] = [];
      for await (const { greeting } of client.greetStream(names())) {
        greetings.push(greeting);
        answered();
      }
      return greetings;
    };
    const outcome = await read().catch((error: unknown) => error);
    expect(outcome).toEqual(bidi ? ["plain:a", "plain:b", "plain:c"] : expect.any(ConnectError));
  });

  test.each(dispatchCases)("is dispatched by its headers: $title", async ({ asked, answeredBy, refused }) => {
    const client = createClient(GreetService, end.transport, asked);
    const calls: [method: string, answer: () => Promise<string | undefined>][] = [
      [unary, async () => (await client.greet({ name: "x" })).greeting],
      [clientStream, async () => (await client.greetClientStream([{ name: "x" }])).greeting],
      [
        "GreetServerStream",
        async () => (await all(client.greetServerStream({ name: "x" })))[0]?.greeting.slice(0, -1),
      ],
    ];
    if (bidi) {
      const answer = async () => (await all(client.greetStream([{ name: "x" }])))[0]?.greeting;
      calls.push(["GreetStream", answer]);
    }
    for (const [method, answer] of calls) {
      expect(await answer().catch(refusal)).toEqual(expectedAnswer({ answeredBy, refused }, method));
    }
  });
});

describe.each(mounts)("$title", (mount) => {
  test("knows the paths that are registered alone", async () => {
    await using server = await mount.start({
      routes: (router) => router.rpc(GreetService.method.greet, greeter().greet),
    });
    using end = stockTransport(server.port, "Connect", mount.http);
    const client = createConnectClient(GreetService, end.transport);
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    const missing = await errorOf(client.greetClientStream(each([])));
    expect(missing.code).toBe(Code.Unimplemented);
  });
});

test("routes that come later are refused", () => {
  expect(() => mountRoutes(async () => {})(createConnectRouter())).toThrow(
    "routes given to mount() are asynchronous: await what they need before, and register at once",
  );
});
