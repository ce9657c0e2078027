// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { clientPreface } from "../src/frame/frame-type.js";
import {
  block,
  continuation,
  data,
  frame,
  goAway,
  headers,
  join,
  ping,
  request,
  response,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.js";
import { Random, seeds } from "./random.js";
import { type Role, Subject } from "./subject.js";
import { runTraffic } from "./traffic.js";

/** What a connection hears and sends when a conversation's input comes in the given chunks. */
function outcome(role: Role, opens: number, chunks: readonly Uint8Array[]) {
  const subject = new Subject(role);
  for (let i = 0; i < opens; i++) subject.open([...request, "x-call", String(i)]);
  subject.settle();
  subject.sent();
  for (const chunk of chunks) {
    // One turn for all: what is put off may depend on when turns end, what is heard may not.
    subject.connection.receive(chunk);
    subject.link.endTurn();
  }
  subject.settle();
  // By stream: the pieces of two bodies that arrive interleaved are told apart.
  const heard = new Map<string, string[]>();
  for (const line of subject.log) {
    const id = line.split(" ", 1)[0]!;
    const lines = heard.get(id) ?? [];
    heard.set(id, lines);
    const n = / data (\d+)$/.exec(line);
    const before = / data (\d+)$/.exec(lines.at(-1) ?? "");
    if (n !== null && before !== null)
      lines[lines.length - 1] = `${id} data ${Number(before[1]) + Number(n[1])}`;
    else lines.push(line);
  }
  return { log: subject.log, heard: Object.fromEntries(heard), sent: subject.sent(), alive: subject.alive };
}

const rich = join(
  settings(1, 4096, 4, 100_000),
  settingsAck,
  frame(0xfa, 3, 0, new Uint8Array(40)),
  headers(1, request, { pad: 9, dependsOn: 3 }),
  data(1, 300, { pad: 100 }),
  headers(3, block(request).subarray(0, 4), { endHeaders: false, end: true }),
  continuation(3, block(request).subarray(4, 20), false),
  continuation(3, block(request).subarray(20)),
  ping("12345678"),
  windowUpdate(0, 1000),
  windowUpdate(1, 1000),
  data(1, 0),
  headers(5, [...request, "content-length", "4"]),
  data(5, 3),
  headers(7, ["bad", "list"]),
  data(7, 10),
  data(5, 2),
  rst(3, 8),
  headers(1, ["x", "y"], { end: true }),
  headers(9, request),
  rst(9, 8),
  data(9, 4, { pad: 2 }),
  goAway(0, 0, "bye"),
  headers(11, request, { end: true }),
  rst(99, 8),
  headers(13, request),
);
const fromServer = join(
  settings(3, 10, 5, 20_000),
  headers(1, [":status", "103"]),
  headers(1, response),
  settingsAck,
  data(1, 100, { pad: 0 }),
  headers(3, response, { end: true }),
  data(1, 20),
  headers(1, ["grpc-status", "0"], { end: true }),
  rst(1, 0),
  data(5, 10),
  headers(7, block(response).subarray(0, 1), { endHeaders: false }),
  continuation(7, block(response).subarray(1)),
  goAway(7, 0),
  data(7, 5, { end: true }),
  goAway(9, 0),
);

const conversations: readonly [string, Role, number, Uint8Array][] = [
  ["a server with everything a client may send", "server", 0, join(clientPreface, rich)],
  ["a client with everything a server may send", "client", 5, fromServer],
];

describe.each(conversations)("%s", (_, role, opens, bytes) => {
  const whole = outcome(role, opens, [bytes]);

  it("ends as the conversation says", () => {
    expect(whole.alive).toBe(false);
    expect(whole.log.at(-1)).toBe("closed PROTOCOL_ERROR");
    expect(whole.log.length).toBeGreaterThan(10);
  });

  it("hears and sends the same wherever the input is cut in two", () => {
    for (let at = 0; at <= bytes.length; at++)
      expect(outcome(role, opens, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  });

  it.each(seeds(40))("hears and sends the same for a random cut, seed %i", (seed) => {
    expect(outcome(role, opens, new Random(seed).cut(bytes))).toEqual(whole);
  });
});

describe("a recorded conversation of many calls", () => {
  const { pipe } = runTraffic(new Random(77), 12, false, {}, [0, 10, 5000, 60_000]);
  const recorded = { server: join(...pipe.server.arrived), client: join(...pipe.client.arrived) };

  it.each(seeds(12))("is heard the same by the server for a random cut, seed %i", (seed) => {
    const whole = outcome("server", 0, [recorded.server]);
    expect(whole.alive).toBe(true);
    expect(Object.keys(whole.heard)).toHaveLength(12);
    expect(outcome("server", 0, new Random(seed).cut(recorded.server)).heard).toEqual(whole.heard);
  });
});
