// SPDX-License-Identifier: Apache-2.0
// Calls that cost more than they should: of CPU time, of a turn of the event loop, of the log.
import { block, data, frame, headers, rst, Type, uint32 } from "../../wire/frames.mjs";
import { type Attack, atMost, cutBy, kept, type Seen } from "../attack.js";
import { callsOf, fieldsOf, idOf, message, named, requestTo } from "../calls.js";
import type { Offender } from "../offender-connections.js";

const cancel = 8;
const maxHeaderListSize = 6;
/** Longest time of the event loop's turn that others may be kept waiting for. */
const stallMs = 100;
/** Lines of a kind of trouble that one peer may cause in the time of an attack. */
const mostLines = 150;

function calling(
  perSecond: number,
  make: (i: number) => Buffer,
  manners = {},
): (offender: Offender) => Promise<void> {
  return async (offender) => {
    const raw = await offender.connect(manners);
    await raw.pace(offender, perSecond, make);
  };
}

const shortCall = callsOf(requestTo("Greet", "grpc-timeout", "1m"), named("wait"));
/** A call of 1 ms, and the reset of the one before it. */
const passing = (i: number) =>
  i === 0 ? shortCall(0) : Buffer.concat([shortCall(i), rst(idOf(i - 1), cancel)]);

const fewLines = ({ server: { lines } }: Seen) =>
  atMost("lines above debug", (lines["error"] ?? 0) + (lines["warn"] ?? 0) + (lines["info"] ?? 0), mostLines);

export const callAttacks: readonly Attack[] = [
  {
    name: "unknown-paths",
    does: "calls services and methods that are not there, 500 a second",
    rule: "each costs little more than a known one",
    short: true,
    play: calling(500, (i) => {
      const path = i % 2 === 0 ? `/greet.GreetService/Gree${i}` : `/greet.GreetServic${i}/Greet`;
      return Buffer.concat([headers(idOf(i), fieldsOf(path)), data(idOf(i), named("x"), { end: true })]);
    }),
    judge: (seen) => [
      ...kept(seen),
      ...fewLines(seen),
      ...atMost("microseconds of CPU a call", (seen.server.cpuMs * 1000) / (seen.offender.headers || 1), 700),
    ],
  },
  {
    name: "full-turn-calls",
    does: "2 MB of small calls in one piece, twice a second",
    rule: "others' calls keep their latency",
    async play(offender) {
      const raw = await offender.connect();
      const call = callsOf(requestTo("Greet"), named("unary"));
      const whole = Buffer.concat(Array.from({ length: 10_000 }, (_, i) => call(i)));
      await raw.send(whole);
      await raw.awaitEnd(offender);
    },
    judge: (seen) => atMost("longest stall in ms", seen.server.stallMs, stallMs),
  },
  {
    name: "full-turn-messages",
    does: "streams with small messages as fast as windows allow, 1 MB in one piece",
    rule: "others' calls keep their latency",
    async play(offender) {
      const raw = await offender.connect();
      const bodies = Buffer.concat(Array.from({ length: 1600 }, () => named("m")));
      const parts = Array.from({ length: 64 }, (_, i) => [
        headers(idOf(i), requestTo("GreetClientStream")),
        data(idOf(i), bodies, { end: true }),
      ]).flat();
      await raw.send(Buffer.concat(parts));
      await raw.awaitEnd(offender);
    },
    judge: (seen) => atMost("longest stall in ms", seen.server.stallMs, stallMs),
  },
  {
    name: "handler-errors",
    does: "calls whose handler throws, 2000 a second",
    rule: "the log has a bounded number of lines",
    short: true,
    play: calling(2000, callsOf(requestTo("Greet"), named("throw"))),
    judge: (seen) => [...kept(seen), ...fewLines(seen)],
  },
  {
    name: "trailers-too-large",
    does: "allows the server no header list, so that no answer can be sent, 2000 calls a second",
    rule: "the log has a bounded number of lines",
    play: calling(2000, callsOf(requestTo("Greet"), named("refuse this")), {
      settings: [maxHeaderListSize, 10],
    }),
    judge: fewLines,
  },
  {
    name: "forged-lines",
    does: "control characters in paths, types, encodings, messages and GOAWAY texts",
    rule: "none of them is in a line of the log",
    async play(offender) {
      const raw = await offender.connect();
      const evil = "\u001b[31m\u0007\u0085";
      const calls: readonly string[][] = [
        fieldsOf(`/greet${evil}/Greet`),
        fieldsOf(`/greet.GreetService/${evil}`),
        requestTo("Greet", "grpc-encoding", evil),
        requestTo("Greet", "grpc-timeout", evil),
        requestTo("Greet", "tri-service-group", evil),
        requestTo("Greet", "tri-service-version", evil),
        requestTo("Greet", "x-bin-bin", evil),
      ];
      await raw.pace(
        offender,
        200,
        (i) =>
          Buffer.concat([
            headers(idOf(i), calls[i % calls.length]!),
            data(idOf(i), named(i % 2 === 0 ? "refuse \nwarn forged" : "throw"), { end: true }),
          ]),
        100,
      );
      await raw.send(
        frame(
          Type.GOAWAY,
          0,
          0,
          Buffer.concat([uint32(0, 2), Buffer.from("bye\nwarn forged line\u001b[0m")]),
        ),
      );
      // A wrong frame: the server says why the connection ended.
      await raw.send(frame(Type.PING, 0, 0, [1]));
    },
    judge: () => [],
  },
  {
    name: "deadline-storm",
    does: "calls of 1 ms that the client resets when it has passed, 1000 a second, as clients do under load",
    rule: "nothing is ended",
    play: calling(1000, passing),
    judge: kept,
  },
  {
    name: "deadline-flood",
    does: "the same, 20,000 a second",
    rule: "the connection is ended (`deadlineRate`)",
    seconds: 3,
    async play(offender) {
      const raw = await offender.connect();
      await raw.pace(offender, 20_000, passing);
      await raw.awaitEnd(offender);
    },
    ...cutBy("deadlineRate"),
  },
  {
    name: "abandoned-uploads",
    does: "opens uploads, sends 16 bytes of each and resets it, 1000 a second for a second",
    rule: "nothing is ended",
    async play(offender) {
      const raw = await offender.connect();
      const head = block(requestTo("GreetClientStream"));
      const body = named("an upload");
      await raw.pace(
        offender,
        1000,
        (i) => Buffer.concat([headers(idOf(i), head), data(idOf(i), body), rst(idOf(i), cancel)]),
        1000,
      );
    },
    judge: kept,
  },
  {
    name: "lying-prefixes",
    does: "messages of 4 GB by their prefix, 500 calls a second",
    rule: "each call fails, and takes no memory",
    short: true,
    play: calling(500, (i) =>
      Buffer.concat([
        headers(idOf(i), requestTo("Greet")),
        data(idOf(i), Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]), { end: true }),
      ]),
    ),
    judge: (seen) => atMost("handlers", seen.server.handlers, 0),
  },
  {
    name: "json-nesting",
    does: "JSON bodies of 100,000 brackets, 50 calls a second",
    rule: "each call fails before its handler",
    play: calling(50, (i) => {
      const fields = requestTo("Greet").map((text) =>
        text === "application/grpc" ? "application/grpc+json" : text,
      );
      const body = message(Buffer.from(`{"name":${"[".repeat(60_000)}`));
      const frames = [];
      for (let at = 0; at < body.length; at += 16_384)
        frames.push(data(idOf(i), body.subarray(at, at + 16_384), { end: at + 16_384 >= body.length }));
      return Buffer.concat([headers(idOf(i), fields), ...frames]);
    }),
    judge: (seen) => [...kept(seen), ...atMost("handlers", seen.server.handlers, 0)],
  },
];
