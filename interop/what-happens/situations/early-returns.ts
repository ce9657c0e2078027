// SPDX-License-Identifier: Apache-2.0
import { becomes } from "../limits.js";
import { inWords, open, outcomeOf, type Situation } from "../situation.js";

const times = 100;
const name = "x".repeat(16_384);

export const earlyReturns: Situation = {
  when: `a handler returns after the first of endless requests, ${times} times on one connection`,
  goodIf: "each call is answered, and no stream is left open",
  async observe(library) {
    await using ends = await open(library, {
      async greetClientStream(requests) {
        for await (const { name: got } of requests) return { greeting: `${got.length}` };
        return { greeting: "none" };
      },
    });
    const endless = async function* () {
      for (;;) {
        yield { name };
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    for (let i = 1; i <= times; i++) {
      const outcome = await outcomeOf(library, ends.client.greetClientStream(endless()));
      if (outcome.is !== "reply")
        return { good: false, saw: `call ${i}: ${inWords(outcome)}; ${ends.tap.openStreams} streams open` };
    }
    await becomes(() => ends.tap.openStreams === 0);
    const left = ends.tap.openStreams;
    return { good: left === 0, saw: left === 0 ? "no stream is left" : `${left} streams stay open` };
  },
};
