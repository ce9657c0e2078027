// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import type { Made } from "../call.js";
import { collect } from "../census.js";
import { Happening } from "../events.js";
import { handlerEnds, makeAs, stalled } from "../expect.js";
import { type Part, repeat } from "../part.js";

const perRound = 50;
/** Bytes of a message that floods. */
const size = 32_768;
/** The bytes that one stream may have on its way: its window of 64 KiB, 64 KiB that wait, and a message of each side. */
const mostOfAStream = 4 * 65_536;
/** Buffers of the sockets, and of the relay. */
const mostOfAConnection = 16_000_000;

export const memory: Part = {
  name: "8, bounded memory",
  async run({ rig, random, times, wrong }) {
    await repeat(Math.ceil(times / perRound), 1, async () => {
      collect();
      const before = process.memoryUsage().arrayBuffers;
      const leave = new Happening<void>();
      const round = Array.from({ length: perRound }, () => {
        const plan = rig.plans.add(random.percent(50) ? "greetServerStream" : "greetStream", "flood");
        // Takes one answer, and no more.
        const made: Made = { plan, ending: "break", leaveAfter: leave.promise };
        return { made, outcome: makeAs(rig, made, ["left"], wrong) };
      });
      for (const { made } of round) await made.plan.entered.promise;
      for (const { made } of round) await stalled(made.plan);
      const sent = round.reduce((sum, { made }) => sum + made.plan.produced, 0) * size;
      const most = perRound * mostOfAStream + mostOfAConnection;
      if (sent > most) wrong(`${perRound} streams that nobody reads: ${sent} bytes were produced`);
      const held = process.memoryUsage().arrayBuffers - before;
      if (held > 2 * most) wrong(`${perRound} streams that nobody reads: ${held} bytes are held`);
      leave.tell();
      for (const { made, outcome } of round) {
        await outcome;
        await handlerEnds(made, [Code.Canceled], wrong);
        rig.plans.delete(made.plan);
      }
    });
  },
};
