// SPDX-License-Identifier: Apache-2.0
// A name with several IP addresses (RFC 8305): the next one is tried beside the one before, which goes on; `connectTimeoutMs` is the only
// limit (nodejs/node#54359: net's own gives an address up after 250 ms).
// Mutant: node/src/dial/address-race.ts # if (this.tried === this.places.length) return; => return;
// Mutant: node/src/dial/address-race.ts # const attempt = new ConnectionAttempt(place, peer, this.tls, this.owner, this); => this.stopAll(new Error("given up")); const attempt = new ConnectionAttempt(place, peer, this.owner, this);
// Mutant: node/src/dial/address-race.ts # this.stopAll(new Error("another address answered first"));
// Mutant: node/src/dial/address-race.ts # if (this.tried < this.places.length) this.tryNext(); => if (false) this.tryNext();
// Mutant: node/src/dial/address-race.ts # if (connection.usable) this.win(attempt, connection); => if (true) this.win(attempt, connection);
import dns from "node:dns";
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { goAway, settings } from "../../http2/tests/frames.js";
import { closes, echoServer, mute, passOn, scriptedPeer } from "./scripted-peer.js";

const { lookup } = dns;
/** The result of `dns.lookup`; undefined: it never answers. */
let found: unknown;
let asked: string[] = [];

beforeEach(() => {
  asked = [];
  (dns as { lookup: unknown }).lookup = (
    host: string,
    options: unknown,
    done: (error: Error | null, found: unknown) => void,
  ) => {
    if (!host.endsWith(".example")) {
      (lookup as (...args: unknown[]) => void)(host, options, done);
      return;
    }
    asked.push(host);
    if (found instanceof Error) done(found, undefined);
    else if (found !== undefined) process.nextTick(done, null, found);
  };
});

afterEach(() => {
  dns.lookup = lookup;
});

const both = [
  { address: "127.0.0.1", family: 4 },
  { address: "127.0.0.2", family: 4 },
];

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

it("the transport goes on with an address that is slow while a later one is tried, and closes the later one", async () => {
  found = both;
  await using server = await echoServer();
  const held: Socket[] = [];
  await using slow = await scriptedPeer((socket) => {
    socket.pause();
    held.push(socket);
  });
  await using second = await scriptedPeer(mute, { host: "127.0.0.2", port: slow.port });
  await using transport = createTransport(`tri://two.example:${slow.port}`);
  const call = createClient(GreetService, transport).greet({ name: "late" });
  // More than 250 ms have passed when the second one is tried; the first one answers only now.
  const loser = await second.accepted(0);
  const closed = new Promise((resolve) => loser.once("end", resolve));
  passOn(held[0]!, server.port);
  expect((await call).greeting).toBe("late");
  await closed;
  expect([asked, held.length, second.sockets.length]).toEqual([["two.example"], 1, 1]);
});

it("the transport takes the second address when the first accepts and says nothing, and closes the first", async () => {
  found = both;
  await using first = await scriptedPeer(mute);
  await using server = await echoServer();
  await using second = await scriptedPeer((socket) => passOn(socket, server.port), {
    host: "127.0.0.2",
    port: first.port,
  });
  await using transport = createTransport(`tri://two.example:${first.port}`);
  const client = createClient(GreetService, transport);
  const closed = first.accepted(0).then((socket) => new Promise((resolve) => socket.once("end", resolve)));
  expect((await client.greet({ name: "a" })).greeting).toBe("a");
  expect((await client.greet({ name: "b" })).greeting).toBe("b");
  await closed;
  expect(second.sockets).toHaveLength(1);
});

it("the transport tries the second address at once when the first fails", async () => {
  found = both;
  await using first = await scriptedPeer(closes);
  await using server = await echoServer();
  await using _second = await scriptedPeer((socket) => passOn(socket, server.port), {
    host: "127.0.0.2",
    port: first.port,
  });
  await using transport = createTransport(`tri://two.example:${first.port}`);
  expect((await createClient(GreetService, transport).greet({ name: "a" })).greeting).toBe("a");
});

it.each([
  ["GOAWAY", (socket: Socket) => socket.write(Buffer.concat([settings(), goAway(0, 0, "")]))],
  ["its end", (socket: Socket) => socket.end(settings())],
])(
  "the transport tries the second address when the first sends %s right behind its SETTINGS",
  async (_what, ends) => {
    found = both;
    await using first = await scriptedPeer((socket) => {
      socket.resume();
      ends(socket);
    });
    await using server = await echoServer();
    await using second = await scriptedPeer((socket) => passOn(socket, server.port!), {
      host: "127.0.0.2",
      port: first.port,
    });
    await using transport = createTransport(`tri://two.example:${first.port}`);
    const client = createClient(GreetService, transport);
    const upload = client.greetClientStream();
    await upload.send({ name: "a" });
    expect((await client.greet({ name: "u" })).greeting).toBe("u");
    expect((await upload.closeAndReceive()).greeting).toBe("a");
    expect([first.sockets.length, second.sockets.length]).toEqual([1, 1]);
  },
);

it("the transport names each address and why when none is good", async () => {
  found = both;
  await using first = await scriptedPeer(mute);
  const clock = createClock();
  const options = { connectTimeoutMs: 400, clock };
  await using transport = createTransport(`tri://two.example:${first.port}`, options);
  const failed = failure(createClient(GreetService, transport).greet({}));
  await first.accepted(0);
  // The second address is tried after 250 ms, and refuses.
  await clock.advance(300);
  await clock.advance(100);
  const { code, rawMessage } = await failed;
  expect(code).toBe(Code.Unavailable);
  expect(rawMessage).toBe(
    `can't connect to two.example:${first.port}: 127.0.0.2: nothing listens there: start the server, or correct the address, 127.0.0.1: no SETTINGS of HTTP/2 within 400 ms (option connectTimeoutMs)`,
  );
});

it.each([
  ["one address as a string, though all were asked for", "127.0.0.1"],
  ["a list of strings", ["127.0.0.1"]],
])("the transport takes what a replaced dns.lookup gives: %s", async (_what, given) => {
  found = given;
  await using server = await echoServer();
  await using transport = createTransport(`tri://one.example:${server.port}`);
  expect((await createClient(GreetService, transport).greet({ name: "a" })).greeting).toBe("a");
});

it.each([
  ["fails", Object.assign(new Error("no"), { code: "ENOTFOUND" }), "the host name is unknown"],
  ["gives nothing", [], 'the lookup of "gone.example" gave no IP address'],
  ["never ends", undefined, "no answer to the lookup of the name within 200 ms (option connectTimeoutMs)"],
])("the transport says so when the lookup %s", async (_what, given, reason) => {
  found = given;
  await using transport = createTransport("tri://gone.example:1", { connectTimeoutMs: 200 });
  const { code, rawMessage } = await failure(createClient(GreetService, transport).greet({}));
  expect([code, rawMessage]).toEqual([Code.Unavailable, `can't connect to gone.example:1: ${reason}`]);
});
