// SPDX-License-Identifier: Apache-2.0
// Slow peers: what has to happen within a time. The options are short, so that it can be waited for.
import { block, data, frame, headers, preface, Type, windowUpdate } from "../../wire/frames.mjs";
import { type Attack, atMost, cutBy, isNamed } from "../attack.js";
import { idOf, message, named, requestTo } from "../calls.js";
import { type Offender, pause } from "../offender-connections.js";

/** The connection looks at its times once a second. */
const limitMs = 1000;
const seconds = 4;
const initialWindowSize = 4;
const plenty = 0x7fff0000;

/** So many connections, each of which does this. */
function each(count: number, does: (offender: Offender) => Promise<void>): Attack["play"] {
  return async (offender) => {
    await Promise.all(Array.from({ length: count }, () => does(offender)));
  };
}

export const timeAttacks: readonly Attack[] = [
  {
    name: "silent-connections",
    does: "50 connections that say nothing",
    rule: "each is ended (`prefaceTimeoutMs`)",
    short: true,
    connections: 50,
    seconds,
    server: { http2: { prefaceTimeoutMs: limitMs } },
    play: each(50, async (offender) => {
      const raw = await offender.connect({ first: Buffer.alloc(0), acknowledges: false });
      await raw.awaitEnd(offender);
    }),
    ...cutBy("prefaceTimeoutMs", undefined, "PROTOCOL_ERROR"),
  },
  {
    name: "slow-preface",
    does: "20 connections that send the preface byte by byte",
    rule: "each is ended (`prefaceTimeoutMs`)",
    connections: 20,
    seconds,
    server: { http2: { prefaceTimeoutMs: limitMs } },
    play: each(20, async (offender) => {
      const raw = await offender.connect({ first: preface.subarray(0, 1), acknowledges: false });
      for (let i = 1; i < preface.length && raw.alive && !offender.timeIsUp; i++) {
        await pause(150);
        await raw.send(preface.subarray(i, i + 1));
      }
      await raw.awaitEnd(offender);
    }),
    ...cutBy("prefaceTimeoutMs", undefined, "PROTOCOL_ERROR"),
  },
  {
    name: "slow-headers",
    does: "20 connections that begin a header block and don't end it",
    rule: "each is ended (`frameTimeoutMs`)",
    connections: 20,
    seconds,
    server: { http2: { frameTimeoutMs: limitMs } },
    play: each(20, async (offender) => {
      const raw = await offender.connect({ acknowledges: false });
      await raw.send(headers(1, block(requestTo("Greet")), { endHeaders: false }));
      await raw.awaitEnd(offender);
    }),
    ...cutBy("frameTimeoutMs"),
  },
  {
    name: "no-acknowledgement",
    does: "never acknowledges the server's SETTINGS",
    rule: "the connection is ended (`settingsTimeoutMs`)",
    seconds,
    server: { http2: { settingsTimeoutMs: limitMs } },
    async play(offender) {
      const raw = await offender.connect({ acknowledges: false });
      await raw.awaitEnd(offender);
    },
    ...cutBy("settingsTimeoutMs", undefined, "SETTINGS_TIMEOUT"),
  },
  {
    name: "slow-read",
    does: "opens its windows, asks for endless answers and reads nothing",
    rule: "the connection is ended (`writeTimeoutMs`), with bounded memory",
    short: true,
    seconds,
    server: { http2: { writeTimeoutMs: limitMs } },
    async play(offender) {
      const raw = await offender.connect({ settings: [initialWindowSize, plenty], reads: false });
      await raw.send(windowUpdate(0, plenty));
      const body = named("middle");
      for (let i = 0; i < 64; i++)
        await raw.send(headers(idOf(i), requestTo("GreetServerStream")), data(idOf(i), body, { end: true }));
      await offender.untilTheEnd();
    },
    // The log shows an end that the offender does not read.
    judge: (seen) => isNamed("writeTimeoutMs", seen),
  },
  {
    name: "announced-messages",
    does: "1000 uploads that announce messages of 4 MB, use their windows and stop",
    rule: "each is ended in time (`frameTimeoutMs`) though few may come at once",
    seconds: 6,
    server: { http2: { frameTimeoutMs: limitMs } },
    async play(offender) {
      const raw = await offender.connect();
      const body = Buffer.concat([message(Buffer.alloc(4_000_000)).subarray(0, 5), Buffer.alloc(16_378)]);
      for (let i = 0; i < 1000 && raw.alive && !offender.timeIsUp; i++) {
        const head = headers(idOf(i), requestTo("GreetClientStream"));
        await raw.send(
          head,
          data(idOf(i), body),
          data(idOf(i), 16_384),
          data(idOf(i), 16_384),
          data(idOf(i), 16_000),
        );
      }
      await offender.untilTheEnd();
    },
    judge: ({ offender }) =>
      offender.ended > 0
        ? ["the connection was ended"]
        : atMost("uploads of the first connection that are not answered", 1000 - offender.headers, 0),
  },
  {
    name: "unfinished-settings",
    does: "begins a SETTINGS frame and sends a byte of it every 100 ms",
    rule: "the connection is ended (`frameTimeoutMs`)",
    seconds,
    server: { http2: { frameTimeoutMs: limitMs } },
    async play(offender) {
      const raw = await offender.connect({ acknowledges: false });
      await raw.send(frame(Type.SETTINGS, 0, 0, [], 180));
      while (raw.alive && !offender.timeIsUp) {
        await pause(100);
        await raw.send(Buffer.alloc(1));
      }
      await raw.awaitEnd(offender);
    },
    ...cutBy("frameTimeoutMs"),
  },
  {
    name: "many-connections",
    does: "300 connections, of which the server allows 20",
    rule: "those beyond are refused (`maxConnections`)",
    connections: 20,
    server: { maxConnections: 20 },
    play: each(300, async (offender) => {
      const raw = await offender.connect();
      await raw.awaitEnd(offender);
    }),
    judge: (seen) => [
      ...isNamed("maxConnections", seen),
      ...atMost("connections at once", seen.offender.opened - seen.offender.ended, 20),
    ],
  },
  {
    name: "idle-connections",
    does: "200 connections that fill what the server remembers of headers, and stay",
    rule: "each costs little memory",
    connections: 1,
    seconds,
    play: each(200, async (offender) => {
      // Not all in one turn: memory is the matter.
      await pause(Math.random() * 2000);
      const raw = await offender.connect();
      for (let i = 0; i < 100 && raw.alive; i++) {
        const fields = requestTo(
          "Greet",
          ...Array.from({ length: 12 }, (_, n) => [`x-${i}-${n}`, "v".repeat(90)]).flat(),
        );
        await raw.send(headers(idOf(i), fields), data(idOf(i), named("unary"), { end: true }));
        if (i % 10 === 9) await pause(20);
      }
      await offender.untilTheEnd();
    }),
    judge: ({ server, offender }) => atMost("KB a connection", (server.rssMiB * 1024) / offender.opened, 250),
  },
];
