// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. Those that wait for the peer's limit on concurrent streams, too.
// Mutant: core/src/client/call/call.ts # onDeadline(): void { => onDeadline(): void { return undefined as never;
// Mutant: core/src/client/call/call.ts # this.attempt?.cancel(error);
// Mutant: core/src/engine/call/client-call.ts # this.method.dialect.client.withTimeout(fields, left) => null
// Mutant: http2/src/streams/streams.ts # stream.send.leaveIdle(changed ?? given); => stream.send.leaveIdle(given);
// Mutant: http2/src/streams/streams.ts # if (stream.closed) continue;
import { type Clock, Code, type ConnectError, createClient, systemClock } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, happening, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";
import { Wire } from "./wire.js";

/** A server that takes two streams at once, and both places are taken until `go`. */
async function full(link: LinkKind, wire = new Wire(), clock: Clock = systemClock) {
  const go = happening();
  const told: (string | null)[] = [];
  const end = await link.start({
    tap: wire.tap,
    cuttable: true,
    http2: { maxConcurrentStreams: 2 },
    transport: { clock },
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        greet({ name }, { requestHeader }) {
          told.push(requestHeader.get("grpc-timeout"));
          return { greeting: name };
        },
        async *greetServerStream() {
          yield {};
          await go;
        },
      }),
  });
  const client = createClient(GreetService, end.transport);
  const held = [client.greetServerStream({}), client.greetServerStream({})];
  for (const stream of held) await stream.receive();
  return {
    client,
    cut: end.cut,
    /** The deadlines of unary calls as the server got them. */
    told,
    /** Frees both places. */
    free: go.tell,
    async [Symbol.asyncDispose]() {
      // Until now a reference has to hold them, or they are canceled.
      for (const stream of held) stream.cancel();
      go.tell();
      await end[Symbol.asyncDispose]();
    },
  };
}

describe.each(everyLink)("a call beyond the limit on streams over $name", (link) => {
  test("is served, in order, when a place is free", async () => {
    await using end = await full(link);
    const { client } = end;
    const order: string[] = [];
    const calls = ["a", "b", "c"].map((name) => client.greet({ name }).then((m) => order.push(m.greeting)));
    end.free();
    await Promise.all(calls);
    expect(order).toEqual(["a", "b", "c"]);
  });

  test("ends at its deadline, without having been sent", async () => {
    const wire = new Wire();
    await using end = await full(link, wire);
    const { client } = end;
    const error = await errorOf(client.greet({}, { timeoutMs: 30 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(wire.of("client-to-server", 5)).toEqual([]);
  });

  test("tells the server what is left of its time when it is sent", async () => {
    let now = 0;
    await using end = await full(link, new Wire(), { now: () => now, after: () => () => {} });
    const { client } = end;
    const calls = [
      client.greet({}, { timeoutMs: 60_000 }),
      client.greet({}, { timeoutMs: 60_000, headers: { "x-test": "grpc-timeout" } }),
      client.greet({}),
    ];
    now = 20_000.5;
    end.free();
    await Promise.all(calls);
    expect(end.told).toEqual(["40000m", "40000m", null]);
    await client.greet({}, { timeoutMs: 60_000 });
    expect(end.told[3]).toBe("60000m");
  });

  test("is not sent when its time is over before its timer has fired, and the next one is", async () => {
    let now = 0;
    const wire = new Wire();
    await using end = await full(link, wire, { now: () => now, after: () => () => {} });
    const late = errorOf(end.client.greet({ name: "late" }, { timeoutMs: 1000 }));
    const next = end.client.greet({ name: "next" });
    now = 1001;
    end.free();
    expect((await late).code).toBe(Code.DeadlineExceeded);
    expect((await next).greeting).toBe("next");
    expect(end.told).toEqual([null]);
    expect(wire.of("client-to-server", 7)).toEqual([]);
  });

  test("ends when it is left, and nothing of it is ever sent", async () => {
    const wire = new Wire();
    await using end = await full(link, wire);
    const { client } = end;
    const chat = client.greetStream();
    const sent = chat.send({ name: "a" }).catch(() => {});
    const outcome = errorOf(chat.receive());
    chat.cancel();
    expect((await outcome).code).toBe(Code.Canceled);
    await sent;
    end.free();
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
    expect(wire.of("client-to-server", 5)[0]).toBe("HEADERS 5");
    expect(wire.of("server-to-client", 5).at(-1)).toBe("HEADERS 5 END_STREAM");
  });

  test("was not sent when its connection is lost: it is made on the next one, or is Unavailable if there is none", async () => {
    await using end = await full(link);
    const { client } = end;
    const calls = [client.greet({ name: "a" }), client.greetStream([{ name: "b" }]).receive()];
    end.cut();
    const outcomes = calls.map((call) =>
      call.then(
        (message) => message?.greeting,
        (error: ConnectError) => error.code,
      ),
    );
    const none = [Code.Unavailable, Code.Unavailable];
    expect(await Promise.all(outcomes)).toEqual(link.name === "memory" ? none : ["a", "b"]);
  });
});

describe.each(everyLink)("3000 streams on one connection over $name", (link) => {
  test("are all open, all end when they are left, and leave the connection usable", async () => {
    let open = 0;
    let finalised = 0;
    const all = happening();
    await using end = await link.start({
      http2: { maxConcurrentStreams: 4000 },
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async *greetStream(requests) {
            try {
              yield { greeting: "begun" };
              if (++open === 3000) all.tell();
              for await (const { name } of requests) yield { greeting: name };
            } finally {
              finalised++;
            }
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chats = Array.from({ length: 3000 }, () => client.greetStream());
    for (const chat of chats) expect((await chat.receive())?.greeting).toBe("begun");
    const outcomes = chats.map((chat) => errorOf(chat.receive()));
    await all;
    expect(end.server.activeCalls).toBe(3000);
    for (const chat of chats) chat.cancel();
    for (const outcome of outcomes) expect((await outcome).code).toBe(Code.Canceled);
    await until(() => finalised === 3000 && end.server.activeCalls === 0);
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });
});
