// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@tristream/node";
import type { Ending, Made, Outcome } from "../call.js";
import { becomes, inTime, never } from "../events.js";
import { inWords, makeAs } from "../expect.js";
import { type Part, repeat } from "../part.js";
import type { Method } from "../plan.js";

const methods: readonly Method[] = ["greetClientStream", "greetStream"];
const ways: readonly Ending[] = ["cancel()", "dispose", "signal", "requests that throw", "deadline"];

const allowed: Partial<Record<Ending, readonly Outcome["is"][]>> = {
  signal: [Code.Canceled],
  "requests that throw": [Code.DataLoss],
  deadline: [Code.DeadlineExceeded],
};

export const uploads: Part = {
  name: "2, a cancelled upload never looks complete",
  async run({ rig, random, times, wrong }) {
    await repeat(times, 20, async () => {
      const method = random.of(methods);
      // A chat's handle is left after an answer, and these handlers give none before the end.
      const ending = random.of(method === "greetStream" ? ways.slice(2) : ways);
      const plan = rig.plans.add(method, "read");
      const made: Made = {
        plan,
        ending,
        leaveAfter: becomes(() => plan.got === 2 || plan.over),
        ...(ending === "deadline" ? { timeoutMs: 20 + random.below(30) } : {}),
      };
      await makeAs(rig, made, allowed[ending] ?? ["left"], wrong);
      // On a busy machine a deadline may pass before the call has reached its handler.
      if (plan.wasEntered) {
        const read = await inTime(plan.read.promise);
        if (!(read instanceof ConnectError))
          wrong(`${inWords(made)}: reading it ${read === never ? "never ended" : `gave ${String(read)}`}`);
      }
      rig.plans.delete(plan);
    });
  },
  wire: ({ relay }) =>
    relay.endedBeforeReset === 0 ? [] : [`${relay.endedBeforeReset} END_STREAM before a reset`],
};
