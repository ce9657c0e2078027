// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import type { Ending, Made, Outcome } from "../call.js";
import { handlerEnds, makeAs } from "../expect.js";
import { type Part, repeat } from "../part.js";
import type { Method } from "../plan.js";

const inALoop: readonly Ending[] = [
  "break",
  "throw in the loop",
  "return()",
  "cancel()",
  "dispose",
  "signal",
];
const ways: Record<Method, readonly Ending[]> = {
  greet: ["signal"],
  greetServerStream: inALoop,
  greetClientStream: ["cancel()", "dispose", "signal"],
  greetStream: inALoop,
};
const methods = Object.keys(ways) as Method[];

export const leaving: Part = {
  name: "1, leaving cancels",
  async run({ rig, random, times, wrong }) {
    await repeat(times, 20, async () => {
      const method = random.of(methods);
      const ending = random.of(ways[method]);
      const plan = rig.plans.add(method, "wait");
      const made: Made = { plan, ending, leaveAfter: plan.entered.promise };
      const allowed: readonly Outcome["is"][] = ending === "signal" ? [Code.Canceled] : ["left"];
      await makeAs(rig, made, allowed, wrong);
      await handlerEnds(made, [Code.Canceled], wrong);
      rig.plans.delete(plan);
    });
  },
  wire({ relay }, times) {
    const resets = [...relay.clientResets].map(([code, n]) => `${n} with code ${code}`).join(", ");
    return resets === `${times} with code 8` ? [] : [`RST_STREAM of the client: ${resets}`];
  },
};
