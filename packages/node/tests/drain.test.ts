// SPDX-License-Identifier: Apache-2.0
// Promise 9: shutdown is finite. While a server drains, what runs on it finishes, and new calls go elsewhere without an error.
import { credentials, Client as GrpcClient } from "@grpc/grpc-js";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, type ServerHandle, serve } from "@tristream/node";
import { definition } from "./foreign-grpc-definition.js";

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

/** A greeter that says which server answered. */
function start(tag: string, port = 0): Promise<ServerHandle> {
  return serve({
    host: "127.0.0.1",
    port,
    logger: quiet,
    routes: (router) =>
      router.service(GreetService, {
        greet: ({ name }) => ({ greeting: `${tag}:${name}` }),
        async *greetStream(requests) {
          for await (const { name } of requests) yield { greeting: `${tag}:${name}` };
        },
      }),
  });
}

interface Caller extends AsyncDisposable {
  greet(name: string): Promise<string>;
}

const callers: Record<string, (...ports: number[]) => Caller> = {
  "our client": (...ports) => {
    const transport = createTransport(ports.map((port) => `tri://127.0.0.1:${port}`).join(";"));
    const client = createClient(GreetService, transport);
    return {
      greet: async (name) => (await client.greet({ name })).greeting,
      [Symbol.asyncDispose]: () => transport.close(),
    };
  },
  "grpc-js": (...ports) => {
    const address = `ipv4:${ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
    const client = new GrpcClient(address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 100,
    });
    const { path, requestSerialize, responseDeserialize } = definition.unary;
    return {
      greet: (name) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { name }, (error, message) => {
            if (error === null) resolve(message!.greeting);
            else reject(error);
          });
        }),
      async [Symbol.asyncDispose]() {
        client.close();
      },
    };
  },
};

/** Makes calls, several at once and one after another, until it is stopped. Rejects with the first error of any. */
function flood(caller: Caller) {
  const answers: string[] = [];
  let stopped = false;
  const waiting: { n: number; resolve(): void }[] = [];
  const one = async (lane: number): Promise<void> => {
    for (let i = 0; !stopped; i++) {
      const name = `${lane}.${i}`;
      const answer = await caller.greet(name);
      expect(answer.endsWith(`:${name}`)).toBe(true);
      answers.push(answer);
      for (const { n, resolve } of waiting) if (answers.length >= n) resolve();
    }
  };
  const done = Promise.all(Array.from({ length: 8 }, (_, lane) => one(lane)));
  return {
    answers,
    /** Settles when so many more answers have come. */
    more(n: number): Promise<unknown> {
      const came = new Promise<void>((resolve) => waiting.push({ n: answers.length + n, resolve }));
      return Promise.race([came, done]);
    },
    stop(): Promise<unknown> {
      stopped = true;
      return done;
    },
  };
}

describe.each(Object.entries(callers))("%s", (_name, connect) => {
  it("calls on without an error while its server drains, and goes to the next address", async () => {
    const first = await start("first");
    await using second = await start("second");
    await using caller = connect(first.port, second.port);
    const calls = flood(caller);
    await calls.more(100);
    expect(new Set(calls.answers.map((answer) => answer.split(":")[0]))).toEqual(new Set(["first"]));
    const report = await first.shutdown({ graceMs: 10_000 });
    expect(report.cut).toBe(0);
    await calls.more(100);
    await calls.stop();
    expect(calls.answers.at(-1)).toMatch(/^second:/);
    expect(second.activeCalls).toBe(0);
  });

  it("reaches the successor at the same port", async () => {
    const first = await start("first");
    await using caller = connect(first.port);
    expect(await caller.greet("a")).toBe("first:a");
    const report = first.shutdown();
    await using second = await start("second", first.port);
    expect(second.port).toBe(first.port);
    const answers: string[] = [];
    for (let i = 0; i < 50; i++) answers.push(await caller.greet(`${i}`));
    // Until GOAWAY has come, the first one still serves; then never again.
    const moved = answers.findIndex((answer) => answer.startsWith("second:"));
    expect(moved).toBeGreaterThanOrEqual(0);
    expect(answers).toEqual(answers.map((_, i) => `${i < moved ? "first" : "second"}:${i}`));
    expect((await report).cut).toBe(0);
  });
});

describe("a stream of ours", () => {
  it("goes on at the old server while new calls go to the new one", async () => {
    const first = await start("first");
    await using second = await start("second");
    await using transport = createTransport(`${first.url};${second.url}`);
    const client = createClient(GreetService, transport);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    expect((await chat.receive())?.greeting).toBe("first:a");
    let over = false;
    const report = first.shutdown({ graceMs: 10_000 }).then((result) => {
      over = true;
      return result;
    });
    // The server refuses connections from now on, and GOAWAY is on its way: until it is here, its calls are still served.
    let answer = "";
    while (!answer.startsWith("second")) answer = (await client.greet({ name: "b" })).greeting;
    await chat.send({ name: "c" });
    expect((await chat.receive())?.greeting).toBe("first:c");
    expect(over).toBe(false);
    await chat.closeRequest();
    expect(await chat.receive()).toBeUndefined();
    expect(await report).toMatchObject({ cut: 0 });
    expect((await client.greet({ name: "d" })).greeting).toBe("second:d");
  });
});
