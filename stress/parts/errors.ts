// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import { never } from "../events.js";
import { inWords, makeAs } from "../expect.js";
import { type Part, repeat } from "../part.js";
import { methods, secret } from "../plan.js";

export const errors: Part = {
  name: "10, errors are seen",
  async run({ rig, random, times, wrong }) {
    rig.logged.length = 0;
    const ids = new Set<string>();
    await repeat(times, 20, async () => {
      const plan = rig.plans.add(random.of(methods), "crash");
      const outcome = await makeAs(rig, { plan, ending: "none" }, [Code.Internal], wrong);
      const error = outcome === never ? undefined : outcome.error;
      const id = /^internal error \(id (\w{8})\)$/.exec(error?.rawMessage ?? "")?.[1];
      if (id === undefined || JSON.stringify([...(error?.metadata ?? [])]).includes(secret))
        wrong(`${inWords({ plan, ending: "none" })}: the client sees ${error?.rawMessage}`);
      else ids.add(id);
      rig.plans.delete(plan);
    });
    const logged = rig.logged.filter((line) => line.includes(secret));
    const found = logged.filter((line) => ids.has(/\(id (\w{8})\)/.exec(line)?.[1] ?? ""));
    if (logged.length !== times || found.length !== times)
      wrong(
        `${times} errors: ${logged.length} lines in the log, ${found.length} with an id that a client has`,
      );
    rig.logged.length = 0;
  },
};
