// SPDX-License-Identifier: Apache-2.0
// A path that takes bytes and delivers none of them, in both directions or in one, without an end: both ends notice it in time.
// Mutant: http2/src/connection/keepalive.ts # this.doubted = true;
// Mutant: http2/src/connection/keepalive.ts # if (now - this.pingedAt <= this.timeoutMs) return "none"; => return "none";
// Mutant: http2/src/connection/keepalive.ts # this.blockedSince >= 0 && now - this.blockedSince >= blockedMs => false
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, createTransport, serve } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { errorOf, fired, until } from "../../core/tests/events.js";
import { type ScriptedPeer, scriptedPeer } from "./scripted-peer.js";

type Way = "both ways" | "to the server" | "to the client";

/** A relay to a port whose open connections can go dark: their bytes are taken and dropped. */
async function blackHole(port: number) {
  const pipes: { client: Socket; server: Socket; dark: Way | null }[] = [];
  const peer: ScriptedPeer = await scriptedPeer((client) => {
    const server = connect(port, "127.0.0.1");
    const pipe: (typeof pipes)[number] = { client, server, dark: null };
    pipes.push(pipe);
    client.on("data", (bytes) => {
      if (pipe.dark === null || pipe.dark === "to the client") server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (pipe.dark === null || pipe.dark === "to the server") client.write(bytes);
    });
    server.on("error", () => {});
  });
  return {
    url: peer.url,
    pipes,
    /** Drops what passes from now on, on all open connections. */
    goDark(way: Way = "both ways"): void {
      for (const pipe of pipes) pipe.dark = way;
    },
    async [Symbol.asyncDispose]() {
      for (const { server } of pipes) server.destroy();
      await peer[Symbol.asyncDispose]();
    },
  };
}

/** A server by `clock`, whose handlers tell when their signals fire. */
async function greeter(clock = createClock()) {
  const signals: AbortSignal[] = [];
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    clock,
    logger: { error() {}, warn() {}, info() {}, debug() {} },
    routes: (router) =>
      router.service(GreetService, {
        greet({ name }, { signal }) {
          if (name !== "wait") return { greeting: name };
          signals.push(signal);
          return fired(signal) as Promise<never>;
        },
        async greetClientStream(requests, { signal }) {
          signals.push(signal);
          for await (const _ of requests);
          return {};
        },
        async *greetServerStream({ name }, { signal }) {
          signals.push(signal);
          const greeting = "x".repeat(name === "much" ? 100_000 : 1);
          do yield { greeting };
          while (name === "much" && !signal.aborted);
          await fired(signal);
        },
      }),
  });
  return {
    clock,
    server,
    signals,
    async [Symbol.asyncDispose]() {
      await server.shutdown({ graceMs: 0 });
    },
  };
}

describe("a client on a black-holed connection", () => {
  it.each(["both ways", "to the server", "to the client"] as const)(
    "replaces it within 15 s of the first doubt, under calls with deadlines: %s",
    async (way) => {
      await using at = await greeter();
      await using hole = await blackHole(at.server.port!);
      const clock = createClock();
      await using transport = createTransport(hole.url, { clock });
      const client = createClient(GreetService, transport);
      expect((await client.greet({ name: "a" })).greeting).toBe("a");
      await clock.advance(3000);
      hole.goDark(way);
      const doubtedAt = clock.now() + 500;
      let lostAt = Number.POSITIVE_INFINITY;
      const lost = errorOf(client.greet({ name: "wait" })).then((error) => {
        lostAt = clock.now();
        return error;
      });
      while (clock.now() < Math.min(lostAt, doubtedAt + 15_000)) {
        const late = errorOf(client.greet({ name: "b" }, { timeoutMs: 500 }));
        await clock.advance(500);
        expect([Code.DeadlineExceeded, Code.Unavailable]).toContain((await late).code);
      }
      expect(lostAt).toBeLessThanOrEqual(doubtedAt + 15_000);
      expect((await lost).rawMessage).toContain("the peer stopped answering");
      expect((await client.greet({ name: "again" })).greeting).toBe("again");
      expect(hole.pipes).toHaveLength(2);
    },
  );

  it("fails an upload whose sends are blocked within 25 s, without any deadline", async () => {
    await using at = await greeter();
    await using hole = await blackHole(at.server.port!);
    const clock = createClock();
    await using transport = createTransport(hole.url, { clock });
    const client = createClient(GreetService, transport);
    const upload = client.greetClientStream();
    await upload.send({ name: "a" });
    await until(() => at.signals.length === 1);
    await clock.advance(2000);
    hole.goDark();
    const failed = errorOf(
      (async () => {
        for (;;) await upload.send({ name: "x".repeat(100_000) });
      })(),
    );
    await clock.advance(25_000);
    const error = await failed;
    expect([error.code, error.rawMessage]).toEqual([
      Code.Unavailable,
      expect.stringContaining("stopped answering"),
    ]);
  });
});

describe("a server whose client has vanished without an end", () => {
  const calls = {
    "a unary call that waits": (client) => client.greet({ name: "wait" }),
    "a silent stream": (client) => client.greetServerStream({ name: "one" }).receive(),
    "an upload that waits": (client) => client.greetClientStream().send({ name: "a" }),
  } satisfies Record<
    string,
    (client: ReturnType<typeof createClient<typeof GreetService>>) => Promise<unknown>
  >;

  it.each(Object.entries(calls))("ends its handler within 135 s: %s", async (_what, call) => {
    await using at = await greeter();
    await using hole = await blackHole(at.server.port!);
    await using transport = createTransport(hole.url, { clock: createClock() });
    void call(createClient(GreetService, transport)).catch(() => {});
    await until(() => at.signals.length === 1);
    await at.clock.advance(2000);
    hole.goDark();
    await at.clock.advance(135_000);
    expect(at.signals[0]!.reason).toMatchObject({ code: Code.Unavailable });
  });

  it("ends a handler that still sends within 135 s", async () => {
    await using at = await greeter();
    await using hole = await blackHole(at.server.port!);
    await using transport = createTransport(hole.url, { clock: createClock() });
    const stream = createClient(GreetService, transport).greetServerStream({ name: "much" });
    void stream.receive().catch(() => {});
    await until(() => at.signals.length === 1);
    hole.goDark();
    await at.clock.advance(135_000);
    expect(at.signals[0]!.reason).toMatchObject({ code: Code.Unavailable });
  });
});
