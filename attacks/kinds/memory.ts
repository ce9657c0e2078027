// SPDX-License-Identifier: Apache-2.0
// Few bytes that would become much memory.
import { gzipSync } from "node:zlib";
import { block, data, headers, windowUpdate } from "../../wire/frames.mjs";
import { type Attack, atMost, isNamed, kept } from "../attack.js";
import { callsOf, fieldsOf, idOf, message, named, requestTo } from "../calls.js";
import type { Offender } from "../offender-connections.js";

const initialWindowSize = 4;
const mib = 1_048_576;
const heapPath = "/attacks.Heap/Unary";

/** Calls with a compressed message, all at once; they are the same bytes. */
function compressed(count: number, whole: Buffer, path = heapPath): (offender: Offender) => Promise<void> {
  const body = message(gzipSync(whole, { level: 9 }), true);
  const head = block(fieldsOf(path, "grpc-encoding", "gzip"));
  return async (offender) => {
    const raw = await offender.connect();
    for (let i = 0; i < count; i++) {
      const parts: Buffer[] = [headers(idOf(i), head)];
      for (let at = 0; at < body.length; at += 16_384)
        parts.push(data(idOf(i), body.subarray(at, at + 16_384), { end: at + 16_384 >= body.length }));
      await raw.send(...parts);
    }
    await offender.untilTheEnd();
  };
}

const seconds = 4;
/** A message with one text of 4 MiB. */
const bomb = Buffer.concat([Buffer.of(0x0a, 0xf0, 0xff, 0xff, 0x01), Buffer.alloc(4 * mib - 16)]);

export const memoryAttacks: readonly Attack[] = [
  {
    name: "unread-answers",
    does: "1000 calls of an answer of 1 MiB, with windows of 0",
    rule: "later calls are refused before their handlers (`maxQueuedBytes`)",
    answersWait: true,
    seconds,
    async play(offender) {
      const raw = await offender.connect({ settings: [initialWindowSize, 0] });
      await raw.pace(offender, 2000, callsOf(requestTo("Greet"), named("large")), 1000);
      await offender.untilTheEnd();
    },
    judge: (seen) => [
      ...kept(seen),
      ...atMost("handlers", seen.server.handlers, 300),
      ...isNamed("maxQueuedBytes", seen),
    ],
  },
  {
    name: "streamed-answers",
    does: "100 endless answers of messages of 1 MiB, whose windows it opens all at once, again and again",
    rule: "a turn makes a message or two, and no stall",
    answersWait: true,
    seconds,
    async play(offender) {
      const raw = await offender.connect();
      await raw.send(windowUpdate(0, 2 ** 30));
      await raw.pace(offender, 1000, callsOf(requestTo("GreetServerStream"), named("large")), 100);
      while (!offender.timeIsUp && raw.alive) {
        await raw.send(...Array.from({ length: 100 }, (_, n) => windowUpdate(idOf(n), 2 * mib)));
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    judge: (seen) => [...kept(seen), ...atMost("stall in ms", seen.server.stallMs, 60)],
  },
  {
    name: "stalled-streams",
    does: "100 calls of an answer of 1 MiB, with windows of 0, while the server allows no stalled streams",
    rule: "each stream is ended (`stalledStreamTimeoutMs`)",
    answersWait: true,
    seconds,
    server: { http2: { stalledStreamTimeoutMs: 1000 } },
    async play(offender) {
      const raw = await offender.connect({ settings: [initialWindowSize, 0] });
      await raw.pace(offender, 200, callsOf(requestTo("Greet"), named("large")), 100);
      await offender.untilTheEnd();
    },
    judge: (seen) => [
      ...kept(seen),
      ...atMost("streams that are not ended", 100 - (seen.offender.resets["ENHANCE_YOUR_CALM"] ?? 0), 0),
    ],
  },
  {
    name: "unread-messages",
    does: "200 streams of messages of 7 bytes that no handler reads",
    rule: "they wait as bytes",
    seconds,
    async play(offender) {
      const raw = await offender.connect();
      const bodies = Buffer.concat(Array.from({ length: 2000 }, () => named(""))).subarray(0, 16_380);
      const head = block(requestTo("GreetClientStream", "x-unread", "1"));
      for (let i = 0; i < 200; i++) {
        await raw.send(headers(idOf(i), head));
        for (let n = 0; n < 4; n++)
          await raw.send(data(idOf(i), bodies.subarray(0, bodies.length - (bodies.length % 7))));
      }
      await offender.untilTheEnd();
    },
    judge: kept,
  },
  {
    name: "empty-elements",
    does: "40 calls with 2 million empty elements each, in 4 KB of gzip",
    rule: "the elements of a message are limited, or memory is",
    seconds,
    play: compressed(40, Buffer.alloc(4 * mib - 64).fill(Buffer.of(0x0a, 0x00))),
    judge: () => [],
  },
  {
    name: "unknown-fields",
    does: "40 calls with 2 million unknown fields each, in 4 KB of gzip",
    rule: "unknown fields are kept as bytes, or limited",
    seconds,
    play: compressed(40, Buffer.alloc(4 * mib - 64).fill(Buffer.of(0x78, 0x01))),
    judge: () => [],
  },
  {
    name: "completed-at-once",
    does: "50 calls with 60 KB of empty elements each, whose ends come in one piece",
    rule: "a turn parses some of them, and no stall",
    seconds,
    async play(offender) {
      const raw = await offender.connect();
      const head = block(fieldsOf(heapPath));
      const body = message(Buffer.alloc(60_000).fill(Buffer.of(0x0a, 0x00)));
      const ids = Array.from({ length: 50 }, (_, i) => idOf(i));
      for (const id of ids) {
        const parts = [headers(id, head)];
        for (let at = 0; at < body.length; at += 16_384) parts.push(data(id, body.subarray(at, at + 16_384)));
        await raw.send(...parts);
      }
      await raw.send(Buffer.concat(ids.map((id) => data(id, Buffer.alloc(0), { end: true }))));
      await offender.untilTheEnd();
    },
    judge: (seen) => [...kept(seen), ...atMost("longest stall in ms", seen.server.stallMs, 100)],
  },
  {
    name: "gzip-bombs",
    does: "512 calls at once, each of 4 KB of gzip that become 4 MiB",
    rule: "decompression waits its turn",
    seconds,
    play: compressed(512, bomb, "/greet.GreetService/GreetClientStream"),
    judge: () => [],
  },
  {
    name: "gzip-bombs-echoed",
    does: "the same, and each is to be answered with its 4 MiB",
    rule: "decompression waits its turn, and later calls are refused (`maxQueuedBytes`)",
    answersWait: true,
    seconds,
    play: compressed(512, bomb, "/greet.GreetService/Greet"),
    judge: (seen) => atMost("handlers", seen.server.handlers, 64),
  },
];
