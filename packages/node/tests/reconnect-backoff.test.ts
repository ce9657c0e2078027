// SPDX-License-Identifier: Apache-2.0
// Attempts to connect are spaced by gRPC's rule; calls meanwhile fail at once.
// Mutant: node/src/dial/backoff.ts # if (left <= 0) return null; => return null;
// Mutant: node/src/dial/backoff.ts # this.failures++;
// Mutant: node/src/dial/backoff.ts # Math.min(firstDelayMs * multiplier ** this.failures, this.maxDelayMs) => firstDelayMs * multiplier ** this.failures
// Mutant: node/src/dial/backoff.ts # 2 * jitter * Math.random() => jitter
// Mutant: node/src/dial/backoff.ts # if (answered || lived > this.delayMs) this.reset(); => if (false) this.reset();
// Mutant: node/src/dial/backoff.ts # answered || lived > this.delayMs => true
// Mutant: node/src/dial/backoff.ts # answered || lived > this.delayMs => answered
// Mutant: node/src/socket-connector.ts # if (!dial.wasStopped) this.backoff.failed(startedAt, error); => this.backoff.failed(startedAt, error);
// Mutant: node/src/socket-connector.ts # if (this.dial !== null) return this.dial.wait(info);
import type { Socket } from "node:net";
import { expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { ErrorCode } from "@tristream/http2";
import { Code, createClient, createTransport, type TransportOptions } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { errorOf, until } from "../../core/tests/events.js";
import { goAway, join, ping, settings } from "../../http2/tests/frames.js";
import { closes, echoServer, mute, passOn, scriptedPeer } from "./scripted-peer.js";

const nextAttempt = /; the next attempt is in (\d+) ms \(option maxReconnectDelayMs\)$/;

/** SETTINGS and an end, in one write. */
const settingsAndEnd = (socket: Socket): void => {
  socket.resume();
  socket.end(settings());
};

/** A client whose time only passes by `clock`. */
function clientOf(url: string, options: TransportOptions = {}) {
  const clock = createClock();
  const transport = createTransport(url, { clock, ...options });
  const client = createClient(GreetService, transport);
  return {
    clock,
    client,
    fails: () => errorOf(client.greet({})),
    /** Milliseconds until the next attempt, as a failing call says. */
    async delay(): Promise<number> {
      const { code, rawMessage } = await errorOf(client.greet({}));
      expect([code, rawMessage]).toEqual([Code.Unavailable, expect.stringMatching(nextAttempt)]);
      return Number(nextAttempt.exec(rawMessage)?.[1]);
    },
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

it("a call during the delay fails at once with the last error and the time of the next attempt", async () => {
  await using to = clientOf("tri://127.0.0.1:1");
  const first = await to.fails();
  expect(first.rawMessage).not.toMatch(nextAttempt);
  const { code, rawMessage, cause } = await to.fails();
  expect(code).toBe(Code.Unavailable);
  expect(rawMessage.replace(nextAttempt, "")).toBe(first.rawMessage);
  expect(cause).toBeDefined();
  const stream = await errorOf(to.client.greetServerStream({}).receive());
  expect(stream.rawMessage).toMatch(nextAttempt);
});

it("each delay is 1.6 times as long as the last one, within 20 %, and one attempt follows it", async () => {
  await using peer = await scriptedPeer(closes);
  await using to = clientOf(peer.url);
  const delays: number[] = [];
  for (let expected = 1000, attempts = 1; attempts <= 8; attempts++, expected *= 1.6) {
    expect((await to.fails()).rawMessage).not.toMatch(nextAttempt);
    const delay = await to.delay();
    delays.push(delay / expected);
    expect(Math.abs(delay - expected)).toBeLessThanOrEqual(expected * 0.2 + 1);
    await to.clock.advance(delay - 2);
    expect(await to.delay()).toBeLessThanOrEqual(2);
    expect(peer.sockets).toHaveLength(attempts);
    await to.clock.advance(2);
  }
  // At random, or the clients of one server return together.
  expect(new Set(delays.map((each) => each.toFixed(3))).size).toBeGreaterThan(1);
});

it("maxReconnectDelayMs bounds the delay, and 0 removes it", async () => {
  await using peer = await scriptedPeer(closes);
  await using bounded = clientOf(peer.url, { maxReconnectDelayMs: 1500 });
  for (let i = 0; i < 6; i++) {
    await bounded.fails();
    expect(await bounded.delay()).toBeLessThanOrEqual(1801);
    await bounded.clock.advance(1801);
  }
  await using free = clientOf("tri://127.0.0.1:1", { maxReconnectDelayMs: 0 });
  for (let i = 0; i < 5; i++) expect((await free.fails()).rawMessage).not.toMatch(nextAttempt);
});

it.each([-1, Number.NaN, 2 ** 31])("maxReconnectDelayMs %d is refused", (maxReconnectDelayMs) => {
  expect(() => createTransport("tri://127.0.0.1:1", { maxReconnectDelayMs })).toThrow(
    /maxReconnectDelayMs of createTransport is .*: pass milliseconds from 0 \(no delay\) to 2147483647/,
  );
});

/** A peer that passes on to an echo server, and answered once on each of its connections that the test then ends by `end`. */
async function endsOfAnswered(end: (socket: Socket, to: ReturnType<typeof clientOf>) => Promise<void>) {
  await using server = await echoServer();
  await using peer = await scriptedPeer((socket) => passOn(socket, server.port!));
  await using to = clientOf(peer.url);
  for (let i = 0; i < 4; i++) {
    const greeting = await to.client.greet({ name: "a" }).catch((error) => String(error));
    if (typeof greeting === "string") return { connections: peer.sockets.length, error: greeting };
    const stream = to.client.greetServerStream({ name: "endless" });
    await stream.receive();
    await end(peer.sockets[i]!, to);
    await errorOf(stream.receive());
  }
  return { connections: peer.sockets.length };
}

it("a lost connection that carried an answer is replaced at once, each time", async () => {
  const { connections } = await endsOfAnswered(async (socket) => void socket.destroy());
  expect(connections).toBe(4);
});

it("a server that ends each connection in order behind an answer is dialled at once", async () => {
  const { connections } = await endsOfAnswered(async (socket) => {
    const read = new Promise<void>((resolve) => {
      socket.on("data", (chunk) => chunk.includes("was read") && resolve());
    });
    socket.write(join(goAway(2 ** 31 - 1, ErrorCode.NO_ERROR), ping("was read")));
    await read;
    socket.destroy();
  });
  expect(connections).toBe(4);
});

it("a server that ends each connection in order before any answer costs no more attempts than one", async () => {
  await using peer = await scriptedPeer((socket) => {
    socket.resume();
    socket.end(join(settings(), goAway(0, ErrorCode.NO_ERROR)));
  });
  await using to = clientOf(peer.url);
  for (let i = 0; i < 20; i++) await to.fails();
  expect(peer.sockets.length).toBeLessThanOrEqual(2);
});

it("an answer on a connection that lives for a second resets the delay", async () => {
  await using server = await echoServer();
  let good = false;
  await using peer = await scriptedPeer((socket) => {
    if (good) passOn(socket, server.port!);
    else socket.destroy();
  });
  await using to = clientOf(peer.url);
  for (let i = 0; i < 4; i++) {
    await to.fails();
    await to.clock.advance(await to.delay());
  }
  good = true;
  // Calls that wait for the attempt are answered by it, though calls before it failed at once.
  const both = await Promise.all([to.client.greet({ name: "a" }), to.client.greet({ name: "b" })]);
  expect(both.map(({ greeting }) => greeting)).toEqual(["a", "b"]);
  expect(peer.sockets).toHaveLength(5);
  good = false;
  const stream = to.client.greetServerStream({ name: "endless" });
  await stream.receive();
  await to.clock.advance(1001);
  peer.sockets.at(-1)!.destroy();
  await errorOf(stream.receive());
  expect((await to.fails()).rawMessage).not.toMatch(nextAttempt);
  expect(await to.delay()).toBeLessThanOrEqual(1201);
});

it("an established connection without an answer, lost after longer than the delay, is replaced at once", async () => {
  await using peer = await scriptedPeer((socket) => {
    socket.resume();
    socket.write(settings());
  });
  await using to = clientOf(peer.url);
  for (let i = 0; i < 4; i++) {
    const lost = to.fails();
    const socket = await peer.accepted(i);
    await until(() => socket.bytesRead > 100);
    await to.clock.advance(1500);
    socket.destroy();
    expect((await lost).rawMessage).not.toMatch(nextAttempt);
  }
});

it.each([
  ["the only address", (url: string) => url],
  ["one of several addresses", (url: string) => `${url};tri://127.0.0.1:1`],
])(
  "a server that sends SETTINGS and closes at once costs no more attempts than one: %s",
  async (_what, urlOf) => {
    await using peer = await scriptedPeer(settingsAndEnd);
    await using to = clientOf(urlOf(peer.url));
    for (let i = 0; i < 20; i++) await to.fails();
    // One attempt is free: an orderly restart looks the same.
    expect(peer.sockets.length).toBeLessThanOrEqual(2);
    expect(await to.delay()).toBeLessThanOrEqual(1201);
  },
);

it("one round of several addresses is one attempt", async () => {
  await using one = await scriptedPeer(closes);
  await using two = await scriptedPeer(closes);
  await using to = clientOf(`${one.url};${two.url}`);
  for (let attempts = 1; attempts <= 3; attempts++) {
    const { rawMessage } = await to.fails();
    const delay = await to.delay();
    expect((await to.fails()).rawMessage.replace(nextAttempt, "")).toBe(rawMessage);
    expect([one.sockets.length, two.sockets.length]).toEqual([attempts, attempts]);
    await to.clock.advance(delay);
  }
});

it("a dial that its calls have left is not a failed attempt", async () => {
  await using peer = await scriptedPeer(mute);
  await using to = clientOf(`${peer.url};${peer.url}`);
  for (let i = 0; i < 3; i++) {
    const own = new AbortController();
    const left = errorOf(to.client.greet({}, { signal: own.signal }));
    await peer.accepted(i);
    own.abort();
    expect((await left).code).toBe(Code.Canceled);
    await to.clock.advance(1000);
  }
});
