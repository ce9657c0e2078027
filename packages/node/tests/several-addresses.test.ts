// SPDX-License-Identifier: Apache-2.0
// An address counts as reached when its peer has sent SETTINGS: one that accepts and then closes, is mute, or speaks something else is
// not, and the next one is tried while the calls wait.
// Mutant: node/src/dial/dial.ts # if (connection.usable) return connection; => return connection;
// Mutant: node/src/dial/dial.ts # if (ending !== null) return ending;
// Mutant: node/src/dial/address-race.ts # if (!this.early || this.places.length > 1 || this.settled) return; => if (this.settled) return;
// Mutant: node/src/dial/dial.ts # addresses.length === 1 => true
// Mutant: node/src/dial/address-race.ts # const atMost = Math.min(timeoutMs, longestTimeout); => const atMost = longestTimeout;
// Mutant: node/src/dial/address-race.ts # for (const attempt of this.running) attempt.stop(error(attempt));
// Mutant: node/src/dial/connection-attempt.ts # this.fail(reason);
// Mutant: core/src/client/call/attempt.ts # else this.failed(error);
import type { Socket } from "node:net";
import { describe, expect, it, test } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";
import { clientPreface, FrameType } from "../../http2/src/frame/frame-type.js";
import { parseFrames } from "../../http2/tests/frames.js";
import { closes, echoServer, http1, mute, passOn, scriptedPeer } from "./scripted-peer.js";

const bad = { closes, mute, http1 };
const why = {
  closes: /: (closed before a word of HTTP\/2: |the other end reset it)/,
  mute: /: no SETTINGS of HTTP\/2 within 300 ms \(option connectTimeoutMs\)/,
  http1: /: .*HTTP\/1/,
};

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

describe.each(["closes", "mute", "http1"] as const)("an address that %s", (kind) => {
  it("is passed over: calls of all kinds wait and are answered by the next one", async () => {
    await using peer = await scriptedPeer(bad[kind]);
    await using server = await echoServer();
    await using transport = createTransport(`${peer.url}; ${server.url}`, { connectTimeoutMs: 300 });
    const client = createClient(GreetService, transport);
    const upload = client.greetClientStream();
    const chat = client.greetStream([{ name: "one" }, { name: "two" }]);
    const sent = upload.send({ name: "a" }).then(() => upload.send({ name: "b" }));
    const [unary, first] = await Promise.all([
      client.greet({ name: "u" }),
      client.greetServerStream({ name: "s" }).receive(),
      sent,
    ]);
    expect([unary.greeting, first?.greeting]).toEqual(["u", "s"]);
    expect((await upload.closeAndReceive()).greeting).toBe("a,b");
    const echoed: string[] = [];
    for await (const { greeting } of chat) echoed.push(greeting);
    expect(echoed).toEqual(["one", "two"]);
    expect(peer.sockets).toHaveLength(1);
  });

  it("is an Unavailable that says so, beside all other addresses, when none is good", async () => {
    await using peer = await scriptedPeer(bad[kind]);
    await using transport = createTransport(`tri://127.0.0.1:1;${peer.url}`, { connectTimeoutMs: 300 });
    const { code, rawMessage } = await failure(createClient(GreetService, transport).greet({}));
    expect(code).toBe(Code.Unavailable);
    expect(rawMessage).toContain(
      "none of 2 addresses can be reached: can't connect to 127.0.0.1:1: nothing listens there",
    );
    expect(rawMessage).toContain(`can't connect to 127.0.0.1:${peer.port}: `);
    expect(rawMessage).toMatch(why[kind]);
  });

  it("fails its calls with Unavailable when it is the only one", async () => {
    await using peer = await scriptedPeer(bad[kind]);
    await using transport = createTransport(peer.url, { connectTimeoutMs: 300 });
    const client = createClient(GreetService, transport);
    const calls = [failure(client.greet({})), failure(client.greetServerStream({}).receive())];
    for (const { code, rawMessage } of await Promise.all(calls)) {
      expect(code).toBe(Code.Unavailable);
      expect(rawMessage).toContain(`127.0.0.1:${peer.port}`);
      expect(rawMessage).toMatch(why[kind]);
    }
  });
});

describe("an address whose peer sends GOAWAY right behind its SETTINGS", () => {
  /** Empty SETTINGS; GOAWAY with the last stream 0 and NO_ERROR. */
  const ends = (socket: Socket): void => {
    socket.resume();
    socket.end(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  };

  it("is passed over for the next one", async () => {
    await using peer = await scriptedPeer(ends);
    await using server = await echoServer();
    await using transport = createTransport(`${peer.url}; ${server.url}`);
    const client = createClient(GreetService, transport);
    const upload = client.greetClientStream();
    await upload.send({ name: "a" });
    expect((await client.greet({ name: "u" })).greeting).toBe("u");
    expect((await upload.closeAndReceive()).greeting).toBe("a");
    expect(peer.sockets).toHaveLength(1);
  });

  it("is asked again when there is no other one", async () => {
    await using server = await echoServer();
    await using peer = await scriptedPeer((socket) => {
      if (peer.sockets.length === 1) ends(socket);
      else passOn(socket, server.port!);
    });
    await using transport = createTransport(`${peer.url};tri://127.0.0.1:1`);
    expect((await createClient(GreetService, transport).greet({ name: "u" })).greeting).toBe("u");
  });
});

test("the only address gets the first call with the first flight: no round trip is spent on waiting", async () => {
  let seen = Buffer.alloc(0);
  await using peer = await scriptedPeer((socket) => {
    socket.on("data", (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      if (framesIn(seen).includes(FrameType.HEADERS)) socket.destroy();
    });
  });
  await using transport = createTransport(peer.url);
  await failure(createClient(GreetService, transport).greet({}));
  expect(framesIn(seen)).toContain(FrameType.HEADERS);
});

function framesIn(bytes: Uint8Array): number[] {
  return parseFrames(bytes.subarray(clientPreface.length), true).map(({ type }) => type);
}

test("a transport that is closed while it connects fails the calls that wait, at once", async () => {
  await using peer = await scriptedPeer(mute);
  const transport = createTransport(`${peer.url};tri://127.0.0.1:1`);
  const call = failure(createClient(GreetService, transport).greet({}));
  const socket = await peer.accepted(0);
  const closed = new Promise((resolve) => socket.once("end", resolve));
  await transport.close();
  const { code, rawMessage } = await call;
  expect(code).toBe(Code.Unavailable);
  expect(rawMessage).toBe(`can't connect to 127.0.0.1:${peer.port}: the transport was closed`);
  await closed;
});

test("a signal that an interceptor has put in its place ends a call that waits for a connection", async () => {
  await using peer = await scriptedPeer(mute);
  await using transport = createTransport(`${peer.url};${peer.url}`);
  const own = new AbortController();
  const client = createClient(GreetService, transport, {
    interceptors: [(next) => (req) => next({ ...req, signal: own.signal })],
  });
  const calls = [failure(client.greet({})), failure(client.greetServerStream({}).receive())];
  await peer.accepted(0);
  own.abort();
  for (const { code } of await Promise.all(calls)) expect(code).toBe(Code.Canceled);
});
