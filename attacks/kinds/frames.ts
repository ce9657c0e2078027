// SPDX-License-Identifier: Apache-2.0
// Frames that cost more to answer than to send.
import {
  block,
  continuation,
  data,
  Flag,
  frame,
  goAway,
  headers,
  ping,
  priority,
  rst,
  settings,
  Type,
  uint32,
  windowUpdate,
} from "../../wire/frames.mjs";
import { type Attack, atMost, cutBy, endedBy, kept, type Seen } from "../attack.js";
import { callsOf, idOf, named, requestTo } from "../calls.js";
import type { Offender } from "../offender-connections.js";

/** Frames a second of a flood: every limit is passed at once, and the offender's own work stays small. */
const flood = 20_000;
const [cancel, initialWindowSize] = [8, 4];

/** Sends the same bytes at the rate of a flood until the connection is ended. */
function floodOf(bytes: Buffer, first?: () => Buffer): Attack["play"] {
  return async (offender) => {
    const raw = await offender.connect();
    if (first !== undefined) await raw.send(first());
    await raw.pace(offender, flood, () => bytes);
    await raw.awaitEnd(offender);
  };
}

const waiting = requestTo("Greet");
const opened = () => headers(1, requestTo("GreetStream"));

/** Opens streams and resets them at once, at a rate. */
function resetting(name: string, perSecond = 10_000, most = Number.POSITIVE_INFINITY) {
  return async (offender: Offender): Promise<void> => {
    const raw = await offender.connect();
    const call = callsOf(waiting, named(name));
    await raw.pace(offender, perSecond, (i) => Buffer.concat([call(i), rst(idOf(i), cancel)]), most);
    if (most === Number.POSITIVE_INFINITY) await raw.awaitEnd(offender);
  };
}

/** Opens streams in three frames, of which each leaves in another chunk than the one before: the answer comes between them. */
function resettingSplit(method: string, name: string, perSecond: number) {
  return async (offender: Offender): Promise<void> => {
    const raw = await offender.connect({ settings: [initialWindowSize, 0] });
    const head = block(requestTo(method));
    const body = named(name);
    // Frames of a chunk belong to different calls.
    const apart = Math.ceil(perSecond / 100);
    await raw.pace(offender, perSecond, (i) =>
      Buffer.concat([
        headers(idOf(i), head),
        ...(i >= apart ? [data(idOf(i - apart), body, { end: true })] : []),
        ...(i >= 2 * apart ? [rst(idOf(i - 2 * apart), cancel)] : []),
      ]),
    );
    await raw.awaitEnd(offender);
  };
}

const handlersAtMost = (most: number) => (seen: Seen) =>
  atMost("handlers of a connection", seen.server.handlers / seen.offender.opened, most);
const stallAtMost = (most: number) => (seen: Seen) => atMost("stall in ms", seen.server.stallMs, most);

export const frameAttacks: readonly Attack[] = [
  {
    name: "rapid-reset",
    does: "opens calls whose handlers wait and resets them at once, 10,000 a second",
    rule: "the connection is ended (`resetRate`)",
    short: true,
    play: resetting("wait"),
    ...cutBy("resetRate", handlersAtMost(4000)),
  },
  {
    name: "rapid-reset-answered",
    does: "the same with calls that are answered in the same turn",
    rule: "the connection is ended (`resetRate`)",
    play: resetting("unary"),
    ...cutBy("resetRate", handlersAtMost(6000)),
  },
  {
    name: "rapid-reset-large",
    does: "the same with answers of 1 MiB, 2000 a second",
    rule: "the connection is ended (`resetRate`), no stall",
    seconds: 4,
    play: resetting("large", 2000),
    ...cutBy("resetRate", stallAtMost(300)),
  },
  {
    name: "rapid-reset-split",
    does: "the same with calls in three chunks, whose reset comes behind the whole answer, 10,000 a second",
    rule: "the connection is ended (`resetRate`)",
    short: true,
    seconds: 4,
    play: resettingSplit("Greet", "a", 10_000),
    ...cutBy("resetRate", handlersAtMost(16_000)),
  },
  {
    name: "rapid-reset-split-large",
    does: "the same with answers of 1 MiB and windows of 0, 1000 a second",
    rule: "the connection is ended (`resetRate`), no stall",
    seconds: 6,
    play: resettingSplit("Greet", "large", 1000),
    ...cutBy("resetRate", stallAtMost(300)),
  },
  {
    name: "begun-resets",
    does: "the same with endless answers, of which each has begun, 2000 a second",
    rule: "each costs no more than a call, and others' calls keep their latency",
    play: resettingSplit("GreetServerStream", "a", 2000),
    judge: kept,
  },
  {
    name: "honest-cancels",
    does: "cancels 2000 calls at once, as clients do that leave",
    rule: "nothing is ended",
    short: true,
    play: resetting("wait", 1_000_000, 2000),
    judge: kept,
  },
  {
    name: "made-you-reset",
    does: "makes mistakes on its streams so that the server resets them (CVE-2025-8671)",
    rule: "the connection is ended",
    short: true,
    async play(offender) {
      const raw = await offender.connect();
      const call = callsOf(waiting, named("wait"));
      await raw.pace(offender, 10_000, (i) => Buffer.concat([call(i), data(idOf(i), 1)]));
      await raw.awaitEnd(offender);
    },
    ...endedBy("STREAM_CLOSED", handlersAtMost(4000)),
  },
  {
    name: "ping-flood",
    does: "PING, 20,000 a second (CVE-2019-9512)",
    rule: "the connection is ended (`pingRate`)",
    short: true,
    play: floodOf(ping("flooding")),
    ...cutBy("pingRate"),
  },
  {
    name: "settings-flood",
    does: "empty SETTINGS, 20,000 a second (CVE-2019-9515)",
    rule: "the connection is ended (`settingsRate`)",
    short: true,
    play: floodOf(settings()),
    ...cutBy("settingsRate"),
  },
  {
    name: "settings-values",
    does: "SETTINGS of 32 window sizes each, on 1000 open streams with answers that wait",
    rule: "each frame's last value is applied once: no stall, and the connection is ended (`settingsRate`)",
    async play(offender) {
      const raw = await offender.connect({ settings: [initialWindowSize, 0] });
      const call = callsOf(waiting, named("unary"));
      await raw.pace(offender, 20_000, call, 1000);
      const values = Array.from({ length: 32 }, (_, i) => [initialWindowSize, i % 2]).flat();
      // More than once 20 KB, in one piece.
      await raw.pace(offender, flood, () => settings(...values));
      await raw.awaitEnd(offender);
    },
    ...cutBy("settingsRate", stallAtMost(50)),
  },
  {
    name: "acknowledgements",
    does: "acknowledgements of no PING, 20,000 a second",
    rule: "the connection is ended (`emptyFrameRate`)",
    play: floodOf(ping("flooding", true)),
    ...cutBy("emptyFrameRate"),
  },
  {
    name: "empty-data",
    does: "empty DATA without END_STREAM, 20,000 a second (CVE-2019-9518)",
    rule: "the connection is ended (`emptyFrameRate`)",
    short: true,
    play: floodOf(data(1, 0), opened),
    ...cutBy("emptyFrameRate"),
  },
  {
    name: "padding-only",
    does: "DATA that is only padding, 20,000 a second",
    rule: "the connection is ended (`emptyFrameRate`)",
    play: floodOf(data(1, 0, { pad: 0 }), opened),
    ...cutBy("emptyFrameRate"),
  },
  {
    name: "priority-flood",
    does: "PRIORITY, 20,000 a second (CVE-2019-9513)",
    rule: "the connection is ended (`emptyFrameRate`)",
    short: true,
    play: floodOf(priority(1, 0)),
    ...cutBy("emptyFrameRate"),
  },
  {
    name: "unknown-frames",
    does: "frames of an unknown type, 20,000 a second",
    rule: "the connection is ended (`emptyFrameRate`)",
    play: floodOf(frame(0x42, 0, 0, [1])),
    ...cutBy("emptyFrameRate"),
  },
  {
    name: "window-updates",
    does: "WINDOW_UPDATE by 1, 20,000 a second",
    rule: "the connection is ended (`windowUpdateRate`)",
    short: true,
    play: floodOf(windowUpdate(0, 1)),
    ...cutBy("windowUpdateRate"),
  },
  {
    name: "data-dribble",
    does: "asks for an answer of 1 MiB and opens its window byte by byte, 20,000 times a second (CVE-2019-9511)",
    rule: "the connection is ended (`windowUpdateRate`)",
    async play(offender) {
      const raw = await offender.connect({ settings: [initialWindowSize, 0] });
      await raw.send(callsOf(waiting, named("large"))(0));
      await raw.pace(offender, flood, () => windowUpdate(1, 1));
      await raw.awaitEnd(offender);
    },
    ...cutBy("windowUpdateRate"),
  },
  {
    name: "many-streams",
    does: "opens 5000 calls that wait, 5000 a second",
    rule: "those beyond `maxConcurrentStreams` are refused before their handlers",
    async play(offender) {
      const raw = await offender.connect();
      await raw.pace(offender, 5000, callsOf(waiting, named("wait")), 5000);
      await offender.untilTheEnd();
    },
    judge: (seen) => [
      ...atMost("handlers of a connection", seen.server.handlers / seen.offender.opened, 1024),
      ...atMost("calls that are not refused", -(seen.offender.resets["REFUSED_STREAM"] ?? 0), -1),
    ],
  },
  {
    name: "goaway-flood",
    does: "GOAWAY, 20,000 a second",
    rule: "the connection is ended by a rate",
    short: true,
    play: floodOf(goAway(0, 0), opened),
    ...cutBy("Rate"),
  },
  {
    name: "closed-streams",
    does: "RST_STREAM on streams that are long closed, 20,000 a second",
    rule: "the connection is ended by a rate",
    short: true,
    async play(offender) {
      const raw = await offender.connect();
      await raw.pace(offender, 20_000, callsOf(waiting, named("unary")), 500);
      await raw.pace(offender, flood, (i) => rst(idOf(i % 400), cancel));
      await raw.awaitEnd(offender);
    },
    ...cutBy("Rate"),
  },
  {
    name: "continuation-flood",
    does: "a header block of CONTINUATION frames without end (CVE-2024-27316)",
    rule: "the connection is ended (`maxContinuations`)",
    short: true,
    async play(offender) {
      const raw = await offender.connect({ acknowledges: false });
      await raw.send(headers(1, block(waiting), { endHeaders: false }));
      await raw.pace(offender, flood, () => continuation(1, block(["x-a", "b"]), false));
      await raw.awaitEnd(offender);
    },
    ...cutBy("maxContinuations"),
  },
  {
    name: "window-overflow",
    does: "WINDOW_UPDATE beyond 2^31 - 1",
    rule: "the connection is ended (FLOW_CONTROL_ERROR)",
    async play(offender) {
      const raw = await offender.connect();
      await raw.send(windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff));
      await raw.awaitEnd(offender);
    },
    ...endedBy("FLOW_CONTROL_ERROR"),
  },
  {
    name: "lying-lengths",
    does: "a frame of 16 MiB",
    rule: "the connection is ended (FRAME_SIZE_ERROR) before the frame comes",
    async play(offender) {
      const raw = await offender.connect();
      await raw.send(frame(Type.DATA, Flag.END_STREAM, 1, uint32(0), 0xffffff));
      await raw.awaitEnd(offender);
    },
    ...endedBy("FRAME_SIZE_ERROR"),
  },
];
