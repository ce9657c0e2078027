// SPDX-License-Identifier: Apache-2.0
// Attacks before a call: prefaces, header lists and HPACK.
import { block, continuation, frame, headers, settings, Type } from "../../wire/frames.mjs";
import { type Attack, atMost, cutBy, endedBy, kept, type Seen } from "../attack.js";
import { idOf, requestTo } from "../calls.js";
import type { Offender } from "../offender-connections.js";

const frameSize = 16_384;
const request = requestTo("Greet");

/** Sends a header block of any size in as many frames as it needs, once, and waits for the end. */
function inOneBlock(make: () => Buffer): (offender: Offender) => Promise<void> {
  return async (offender) => {
    const raw = await offender.connect({ acknowledges: false });
    const whole = make();
    await raw.send(
      headers(1, whole.subarray(0, frameSize), { endHeaders: whole.length <= frameSize, end: true }),
    );
    for (let at = frameSize; at < whole.length; at += frameSize)
      await raw.send(continuation(1, whole.subarray(at, at + frameSize), at + frameSize >= whole.length));
    await raw.awaitEnd(offender);
  };
}

/** Sends the same header block on stream after stream. */
function inEachCall(block: () => Buffer, perSecond: number): Attack["play"] {
  return async (offender) => {
    const raw = await offender.connect();
    const bytes = block();
    await raw.pace(offender, perSecond, (i) => headers(idOf(i), bytes, { end: true }));
    await raw.awaitEnd(offender);
  };
}

const noHandlers = ({ server }: Seen) => atMost("handlers", server.handlers, 0);

export const headerAttacks: readonly Attack[] = [
  {
    name: "foreign-preface",
    does: "speaks another protocol, with control characters, 20 times a second",
    rule: "the connection is ended, and the log can't be forged",
    short: true,
    async play(offender) {
      const hello = Buffer.from("HELO\r\nwarn forged line\u001b[31m\u0007\r\n\r\n".repeat(3), "latin1");
      const raw = await offender.connect({ first: hello });
      await raw.awaitEnd(offender);
    },
    ...endedBy([]),
  },
  {
    name: "header-list-large",
    does: "a header list of 100 KB in nine frames",
    rule: "the connection is ended (`maxHeaderListSize` or `maxContinuations`)",
    short: true,
    play: inOneBlock(() =>
      block([...request, ...Array.from({ length: 50 }, (_, i) => [`x-${i}`, "v".repeat(2000)]).flat()]),
    ),
    ...cutBy("option http2.max", noHandlers),
  },
  {
    name: "header-list-over",
    does: "calls with header lists of 20,000 bytes, 200 a second",
    rule: "each is refused before its handler",
    play: inEachCall(() => Buffer.concat([block(request), block(["x-large", "v".repeat(16_000)])]), 200),
    judge: (seen) => [...kept(seen), ...noHandlers(seen)],
  },
  {
    name: "header-fields",
    does: "calls with 400 fields, 200 a second",
    rule: "each is refused before its handler",
    play: inEachCall(
      () => block([...request, ...Array.from({ length: 400 }, (_, i) => [`x-${i}`, ""]).flat()]),
      200,
    ),
    judge: (seen) => [...kept(seen), ...noHandlers(seen)],
  },
  {
    name: "hpack-bomb",
    does: "one byte a reference to an HPACK entry of 4000 bytes (CVE-2016-6581)",
    rule: "the connection is ended (`maxHeaderListSize`)",
    short: true,
    play: inOneBlock(() => {
      const length = 3900;
      // A literal that enters the table, with a value of `length` bytes; then references to it.
      const rest = length - 127;
      const entry = Buffer.concat([
        Buffer.of(0x40, 3, 0x78, 0x2d, 0x61, 127, (rest & 127) | 128, rest >> 7),
        Buffer.alloc(length, 0x61),
      ]);
      return Buffer.concat([block(request), entry, Buffer.alloc(12_000, 0xbe)]);
    }),
    ...cutBy("maxHeaderListSize", noHandlers),
  },
  {
    name: "hpack-index",
    does: "an HPACK reference to nothing, and a table size beyond ours",
    rule: "the connection is ended (COMPRESSION_ERROR)",
    async play(offender) {
      for (const wrong of [Buffer.of(0xfe), Buffer.of(0x3f, 0xe1, 0xff, 0x03)]) {
        const raw = await offender.connect();
        await raw.send(headers(1, Buffer.concat([wrong, block(request)]), { end: true }));
        await raw.awaitEnd(offender);
      }
    },
    ...endedBy("COMPRESSION_ERROR", noHandlers),
  },
  {
    name: "malformed-requests",
    does: "requests with upper-case names, with two paths, an empty name, a connection header, 10,000 a second",
    rule: "the connection is ended by a rate, or as the RFC says",
    short: true,
    async play(offender) {
      const raw = await offender.connect();
      const wrong = [
        ["X-Upper", "1"],
        ["connection", "close"],
        [":path", "/twice"],
      ].map((extra) => block([...request, ...extra]));
      await raw.pace(offender, 10_000, (i) => headers(idOf(i), wrong[i % wrong.length]!, { end: true }));
      await raw.awaitEnd(offender);
    },
    ...endedBy(["ENHANCE_YOUR_CALM", "PROTOCOL_ERROR"], noHandlers),
  },
  {
    name: "settings-parameters",
    does: "one SETTINGS frame of 2730 parameters",
    rule: "the connection is ended",
    async play(offender) {
      const raw = await offender.connect();
      await raw.send(
        frame(
          Type.SETTINGS,
          0,
          0,
          Buffer.concat(Array.from({ length: 2730 }, (_, i) => settings(0x1000 + i, i).subarray(9))),
        ),
      );
      await raw.awaitEnd(offender);
    },
    ...endedBy([]),
  },
];
