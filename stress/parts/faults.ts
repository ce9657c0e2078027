// SPDX-License-Identifier: Apache-2.0
import { contexts } from "../kinds/contexts.js";
import type { Kind } from "../kinds/kind.js";
import { ordering } from "../kinds/ordering.js";
import { padding } from "../kinds/padding.js";
import { refusals } from "../kinds/refusals.js";
import { retries } from "../kinds/retries.js";
import { type Part, repeat } from "../part.js";

const kinds: Readonly<Record<string, () => Promise<Kind>>> = {
  "11, a refused call loses nothing that was sent": refusals,
  "11, a retry sends all messages or fails": retries,
  "11, sends keep their order while interceptors wait": ordering,
  "11, padded frames are read": padding,
  "13, each call's code sees its own store": contexts,
};

const atOnce = 20;
const workers = 32;

/** Each kind of fault alone, and all of them at the same time. */
export const faults: readonly Part[] = [
  ...Object.entries(kinds).map(
    ([name, make]): Part => ({
      name,
      async run({ random, times, wrong }) {
        await using kind = await make();
        await repeat(times, atOnce, () => kind.once(random, wrong));
      },
    }),
  ),
  {
    name: "faults, mixed",
    async run({ random, seconds, wrong, say }) {
      const until = performance.now() + seconds * 1000;
      const made = await Promise.all(Object.values(kinds).map((make) => make()));
      let calls = 0;
      const work = async (): Promise<void> => {
        const own = random.fork();
        for (; performance.now() < until; calls++) await own.of(made).once(own, wrong);
      };
      try {
        await Promise.all(Array.from({ length: workers }, work));
      } finally {
        for (const kind of made) await kind[Symbol.asyncDispose]();
      }
      say(`${calls} calls`);
    },
  },
];
