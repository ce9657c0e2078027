// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import type { Ending, Made, Outcome } from "../call.js";
import { becomes } from "../events.js";
import { handlerEnds, makeAs, stalled } from "../expect.js";
import { type Part, repeat } from "../part.js";
import type { Act, Method, Plan } from "../plan.js";

const states: readonly { readonly method: Method; readonly act: Act }[] = [
  { method: "greet", act: "wait" },
  { method: "greetServerStream", act: "wait" },
  { method: "greetServerStream", act: "flood" },
  { method: "greetStream", act: "flood" },
  { method: "greetStream", act: "wait" },
  { method: "greetClientStream", act: "read" },
  { method: "greetStream", act: "read" },
];

/** The end of a round: each client for itself, or all at once. */
const causes = ["signal", "signal", "deadline", "cut", "restart"] as const;

const perRound = 20;

export const orphans: Part = {
  name: "3, no handler is orphaned",
  async run({ rig, random, times, wrong }) {
    await repeat(Math.ceil(times / perRound), 1, async () => {
      const cause = random.of(causes);
      const ending: Ending = cause === "deadline" ? "deadline" : "signal";
      const codes: readonly Code[] =
        cause === "signal"
          ? [Code.Canceled]
          : cause === "deadline"
            ? [Code.DeadlineExceeded, Code.Canceled]
            : [Code.Unavailable];
      const ends: readonly Outcome["is"][] = cause === "deadline" ? [Code.DeadlineExceeded] : codes;
      const round = Array.from({ length: perRound }, () => {
        const { method, act } = random.of(states);
        const plan = rig.plans.add(method, act);
        const made: Made = {
          plan,
          ending,
          // Only a signal that fires ends it; the other causes come from outside.
          leaveAfter: cause === "signal" ? inItsState(plan) : plan.release.promise,
          ...(cause === "deadline" ? { timeoutMs: 100 + random.below(100) } : {}),
        };
        return { made, outcome: makeAs(rig, made, ends, wrong) };
      });
      if (cause === "cut" || cause === "restart") {
        for (const { made } of round) await inItsState(made.plan);
        if (cause === "cut") rig.relay.cut();
        else await rig.restart(0);
      }
      for (const { made, outcome } of round) {
        await outcome;
        if (made.plan.wasEntered) await handlerEnds(made, codes, wrong);
        rig.plans.delete(made.plan);
      }
    });
  },
};

async function inItsState(plan: Plan): Promise<void> {
  await plan.entered.promise;
  if (plan.act === "flood") await stalled(plan);
  if (plan.act === "read") await becomes(() => plan.got === 2 || plan.over);
}
