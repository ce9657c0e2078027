// SPDX-License-Identifier: Apache-2.0
// A provider picks the connection of each attempt by the facts of the call.
// Mutant: core/src/client/call/method-caller.ts # if (on.block === null || on.timeoutMs !== timeoutMs) { => if (true) {
// Mutant: core/src/client/call/attempt-facts.ts # return this.asked(serviceGroup) ?? this.settings.group; => return this.settings.group;
// Mutant: core/src/client/call/call.ts # return ++this.made; => return 1;
// Mutant: core/src/client/transport/connection-provider.ts # if (!this.started) this.connection.start({});
import {
  Code,
  type ConnectionProvider,
  createClient,
  createServer,
  createTransport,
  type PickInfo,
  type Server,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection } from "@tristream/http2";
import { createClock, memoryPair } from "@tristream/testing";
import { errorOf } from "./events.js";
import { quiet } from "./every-link.js";

/** A server that answers with its name, and a connection to it. */
interface Backend extends AsyncDisposable {
  readonly connection: Connection;
  /** How many header blocks were prepared for the connection. */
  readonly prepared: () => number;
}

function backend(name: string, { started } = { started: true }): Backend {
  const server: Server = createServer({
    logger: quiet,
    routes: (router) => {
      for (const group of ["", "blue"]) {
        router.service(
          GreetService,
          {
            greet: () => ({ greeting: name }),
            async *greetServerStream() {
              yield { greeting: name };
            },
          },
          { group },
        );
      }
    },
  });
  const pair = memoryPair();
  server.accept(new Connection("server", pair.server));
  const connection = new Connection("client", pair.client);
  let prepared = 0;
  const prepare = connection.prepare.bind(connection);
  connection.prepare = (fields) => {
    prepared++;
    return prepare(fields);
  };
  if (started) connection.start({});
  return {
    connection,
    prepared: () => prepared,
    async [Symbol.asyncDispose]() {
      connection.abort("the test is over");
      await server.shutdown({ graceMs: 0 });
    },
  };
}

/** A provider that picks by a function, and keeps the facts of each attempt. */
function picking(pick: (info: PickInfo) => Connection): ConnectionProvider & { readonly infos: PickInfo[] } {
  const infos: PickInfo[] = [];
  return {
    infos,
    pick(info) {
      infos.push(info);
      return pick(info);
    },
    async close() {},
  };
}

describe("a connection provider", () => {
  test("picks by the method", async () => {
    await using one = backend("one");
    await using two = backend("two");
    const provider = picking(({ method }) => (method === "Greet" ? one : two).connection);
    await using transport = createTransport(provider);
    const client = createClient(GreetService, transport);
    expect((await client.greet({})).greeting).toBe("one");
    for await (const { greeting } of client.greetServerStream({})) expect(greeting).toBe("two");
    expect((await client.greet({})).greeting).toBe("one");
    expect(provider.infos.map(({ service, method, attempt }) => [service, method, attempt])).toEqual([
      ["greet.GreetService", "Greet", 1],
      ["greet.GreetService", "GreetServerStream", 1],
      ["greet.GreetService", "Greet", 1],
    ]);
  });

  test("picks by the metadata that the interceptors left", async () => {
    await using one = backend("one");
    await using two = backend("two");
    const provider = picking(({ header }) => (header.get("x-shard") === "2" ? two : one).connection);
    await using transport = createTransport(provider, {
      interceptors: [
        (next) => (req) => {
          const user = req.header.get("x-user");
          if (user !== null) req.header.set("x-shard", String(user.length % 3));
          return next(req);
        },
      ],
    });
    const client = createClient(GreetService, transport);
    expect((await client.greet({}, { headers: { "x-user": "ann" } })).greeting).toBe("one");
    expect((await client.greet({}, { headers: { "x-user": "alice" } })).greeting).toBe("two");
    expect((await client.greet({})).greeting).toBe("one");
  });

  test("gets the group, the version and the time left of a call", async () => {
    await using one = backend("one");
    const clock = createClock();
    const left: (number | undefined)[] = [];
    const provider = picking(({ timeLeftMs }) => {
      left.push(timeLeftMs);
      return one.connection;
    });
    await using transport = createTransport(provider, {
      clock,
      interceptors: [
        (next) => async (req) => {
          await clock.advance(40);
          return next(req);
        },
      ],
    });
    const client = createClient(GreetService, transport, { group: "blue" });
    await client.greet({}, { timeoutMs: 100 });
    // A header of the call comes before the client's group.
    await client.greet({}, { headers: { "tri-service-group": "" } });
    await errorOf(client.greet({}, { headers: { "tri-service-version": "9" } }));
    expect(provider.infos.map(({ group, version }) => [group, version])).toEqual([
      ["blue", ""],
      ["", ""],
      ["blue", "9"],
    ]);
    expect(left).toEqual([60, undefined, undefined]);
  });

  test("sees the number of each attempt: a transparent retry, and an interceptor's next try", async () => {
    await using dead = backend("dead");
    await using alive = backend("alive");
    dead.connection.abort("gone");
    const provider = picking(({ attempt }) => (attempt === 1 ? dead : alive).connection);
    await using transport = createTransport(provider);
    const again = createClient(GreetService, transport, {
      interceptors: [
        (next) => async (req) => {
          await next(req);
          return next(req);
        },
      ],
    });
    expect((await again.greet({})).greeting).toBe("alive");
    expect(provider.infos.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    provider.infos.length = 0;
    const client = createClient(GreetService, transport);
    for await (const { greeting } of client.greetServerStream({})) expect(greeting).toBe("alive");
    expect(provider.infos.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test("has a header block prepared once for each connection and method, whichever is picked", async () => {
    await using one = backend("one");
    await using two = backend("two");
    let turn = 0;
    const provider = picking(() => (turn++ % 2 === 0 ? one : two).connection);
    await using transport = createTransport(provider);
    const client = createClient(GreetService, transport);
    for (let i = 0; i < 10; i++) await client.greet({});
    expect([one.prepared(), two.prepared()]).toEqual([1, 1]);
  });

  test("ends an attempt with the error that it throws or rejects with", async () => {
    const refusal = new Error("no shard for this key");
    for (const pick of [
      () => {
        throw refusal;
      },
      () => Promise.reject(refusal),
    ]) {
      await using transport = createTransport({ pick, async close() {} });
      const client = createClient(GreetService, transport);
      const error = await errorOf(client.greet({}));
      expect(error).toMatchObject({ code: Code.Unknown, rawMessage: "no shard for this key" });
      expect(error.cause).toBe(refusal);
      expect((await errorOf(client.greetServerStream({}).receive())).cause).toBe(refusal);
    }
  });

  test("has its signal fire when the call no longer waits", async () => {
    const infos: PickInfo[] = [];
    await using transport = createTransport({
      pick(info) {
        infos.push(info);
        return new Promise(() => {});
      },
      async close() {},
    });
    const stream = createClient(GreetService, transport).greetStream();
    const { signal } = infos[0]!;
    expect(signal.aborted).toBe(false);
    stream.cancel();
    expect(signal.aborted).toBe(true);
    expect(await errorOf(stream.receive())).toMatchObject({ code: Code.Canceled });
  });
});

describe("a transport of one connection", () => {
  test("starts the connection with its first call, once", async () => {
    await using one = backend("one", { started: false });
    await using transport = createTransport(one.connection);
    const client = createClient(GreetService, transport);
    const answers = await Promise.all([client.greet({}), client.greet({}), client.greet({})]);
    expect(answers.map(({ greeting }) => greeting)).toEqual(["one", "one", "one"]);
  });
});
