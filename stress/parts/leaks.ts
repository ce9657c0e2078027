// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import type { Made, Outcome } from "../call.js";
import { makeAs } from "../expect.js";
import { type Part, repeat } from "../part.js";
import { type Act, methods } from "../plan.js";

const acts: readonly Act[] = ["echo", "echo", "refuse", "crash", "enough"];

const allowed: Partial<Record<Act, readonly Outcome["is"][]>> = {
  refuse: [Code.Aborted],
  crash: [Code.Internal],
};

export const leaks: Part = {
  name: "7, no leak",
  async run({ rig, random, times, wrong }) {
    await repeat(times, 20, async () => {
      const plan = rig.plans.add(random.of(methods), random.of(acts));
      // A deadline that does not pass, for half of them.
      const made: Made = {
        plan,
        ending: "none",
        requests: 1 + random.below(20),
        open: plan.act === "enough",
        ...(random.percent(50) ? { timeoutMs: 60_000 } : {}),
      };
      await makeAs(rig, made, allowed[plan.act] ?? ["ok"], wrong);
      rig.plans.delete(plan);
    });
  },
};
