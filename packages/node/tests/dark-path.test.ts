// SPDX-License-Identifier: Apache-2.0
// Promise 12: a connection whose peer stopped answering is replaced for new calls. Also: a server that says too_many_pings is asked half
// as often.
// Mutant: node/src/dial/connection-attempt.ts # connection.shutdown(), => undefined,
// Mutant: node/src/socket-connector.ts # this.http2.keepaliveMs * 2 => this.http2.keepaliveMs
import type { Socket } from "node:net";
import { expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, createTransport } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { errorOf, until } from "../../core/tests/events.js";
import { keepalivePing } from "../../http2/src/connection/keepalive.js";
import { clientPreface, Flag, FrameType } from "../../http2/src/frame/frame-type.js";
import {
  goAway,
  headers,
  parseFrames,
  ping,
  response,
  settings,
  settingsAck,
} from "../../http2/tests/frames.js";
import { echoServer, passOn, scriptedPeer } from "./scripted-peer.js";

/** A peer that is driven by hand: it counts the frames that it gets. */
async function handDriven() {
  const seen: number[][] = [];
  let acknowledged = 0;
  const peer = await scriptedPeer((socket) => {
    const types: number[] = [];
    seen.push(types);
    let rest = Buffer.alloc(0);
    socket.write(settings());
    socket.write(settingsAck);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (types.length === 0 && rest.length < clientPreface.length) return;
      if (types.length === 0 && rest[0] === clientPreface[0]) rest = rest.subarray(clientPreface.length);
      for (const { type, flags, payload } of parseFrames(rest, true)) {
        rest = rest.subarray(9 + payload.length);
        if (type === FrameType.PING && flags === Flag.ACK) acknowledged++;
        else types.push(type);
      }
    });
  });
  return {
    peer,
    /** Answers a PING, and settles when the client has read that: it answers a PING behind it. */
    async answer(socket: Socket): Promise<void> {
      const before = acknowledged;
      socket.write(Buffer.concat([ping(keepalivePing, true), ping("from you")]));
      await until(() => acknowledged > before);
    },
    count: (connection: number, type: number) =>
      (seen[connection] ?? []).filter((each) => each === type).length,
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

it("a path that goes dark: the calls on it fail, and the next call is answered on a new connection", async () => {
  await using server = await echoServer();
  await using peer = await scriptedPeer((socket) => passOn(socket, server.port));
  const clock = createClock();
  await using transport = createTransport(peer.url, { clock });
  const client = createClient(GreetService, transport);
  const stream = client.greetServerStream({ name: "endless" });
  await stream.receive();
  const lost = errorOf(stream.receive());
  goDark(peer.sockets[0]!);
  const late = errorOf(client.greet({}, { timeoutMs: 500 }));
  await clock.advance(13_000);
  expect((await late).code).toBe(Code.DeadlineExceeded);
  const error = await lost;
  expect(error.code).toBe(Code.Unavailable);
  expect(error.rawMessage).toContain(
    "lost after 1 message: the peer stopped answering: nothing was received within 10000 ms of a PING",
  );
  expect((await client.greet({ name: "again" })).greeting).toBe("again");
  expect(peer.sockets).toHaveLength(2);
});

/** Nothing passes any more, and nothing ends. */
function goDark(socket: Socket): void {
  socket.unpipe();
  socket.removeAllListeners("data");
  socket.pause();
}

it("doubt that can't be resolved moves new calls to another connection; those that run go on", async () => {
  await using hand = await handDriven();
  const { peer, count } = hand;
  const clock = createClock();
  await using transport = createTransport(peer.url, { clock });
  const client = createClient(GreetService, transport);
  const stream = client.greetServerStream({});
  await until(() => count(0, FrameType.HEADERS) === 1);
  await clock.advance(2000);
  const socket = peer.sockets[0]!;
  for (let asked = 1; asked <= 2; asked++) {
    const late = errorOf(client.greet({}, { timeoutMs: 500 }));
    await clock.advance(2000);
    expect((await late).code).toBe(Code.DeadlineExceeded);
    await until(() => count(0, FrameType.PING) === asked);
    await hand.answer(socket);
    await clock.advance(11_000);
  }
  void errorOf(client.greet({}, { timeoutMs: 500 }));
  await clock.advance(2000);
  void errorOf(client.greet({}));
  await until(() => count(1, FrameType.HEADERS) === 1 || count(0, FrameType.HEADERS) > 4);
  expect([count(0, FrameType.HEADERS), count(1, FrameType.HEADERS)]).toEqual([4, 1]);
  expect(count(0, FrameType.PING)).toBe(2);
  // Stream 1 runs on the first connection as before.
  socket.write(headers(1, [...response, "content-type", "application/grpc+proto"]));
  await stream.responseHeader;
  stream.cancel();
});

it("after GOAWAY with too_many_pings the next connection asks half as often", async () => {
  await using hand = await handDriven();
  const { peer, count } = hand;
  const clock = createClock();
  await using transport = createTransport(peer.url, { clock, http2: { keepaliveMs: 10_000 } });
  const client = createClient(GreetService, transport);
  void errorOf(client.greet({}));
  await until(() => count(0, FrameType.HEADERS) === 1);
  await clock.advance(12_000);
  await until(() => count(0, FrameType.PING) === 1);
  const failed = errorOf(client.greet({}));
  await until(() => count(0, FrameType.HEADERS) === 2);
  peer.sockets[0]!.end(goAway(3, 11, "too_many_pings"));
  expect((await failed).rawMessage).toContain("too_many_pings");
  void errorOf(client.greet({}));
  await until(() => count(1, FrameType.HEADERS) === 1);
  await clock.advance(18_000);
  expect(count(1, FrameType.PING)).toBe(0);
  await clock.advance(4000);
  await until(() => count(1, FrameType.PING) === 1);
});
