// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import type { Made } from "../call.js";
import { never } from "../events.js";
import { handlerEnds, inWords, makeAs } from "../expect.js";
import { type Part, repeat } from "../part.js";
import { methods } from "../plan.js";

const perRound = 20;

/** The text of a lost call's error: the peer and the progress; or that the server has ended the call. */
const telling = /^connection to 127\.0\.0\.1:\d+ lost after |^the server is shutting down$/;

export const crashes: Part = {
  name: "5, a crash is not a cancel",
  async run({ rig, random, times, wrong }) {
    await repeat(Math.ceil(times / perRound), 1, async () => {
      const round = Array.from({ length: perRound }, () => {
        const plan = rig.plans.add(random.of(methods), "wait");
        const made: Made = { plan, ending: "signal", leaveAfter: plan.release.promise };
        return { made, outcome: makeAs(rig, made, [Code.Unavailable], wrong) };
      });
      for (const { made } of round) await made.plan.entered.promise;
      if (random.percent(70)) rig.relay.cut();
      else await rig.restart(0);
      for (const { made, outcome } of round) {
        const ended = await outcome;
        if (ended !== never && !telling.test(ended.error?.rawMessage ?? ""))
          wrong(`${inWords(made)}: the text is ${JSON.stringify(ended.error?.rawMessage)}`);
        await handlerEnds(made, [Code.Unavailable], wrong);
        rig.plans.delete(made.plan);
      }
    });
  },
};
