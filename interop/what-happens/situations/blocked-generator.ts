// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import type { Library } from "../library.js";
import { happening, never, withinLimit } from "../limits.js";
import { cancellable, open, type Situation } from "../situation.js";

const times = 5;
const greeting = "x".repeat(65_536);

export const blockedGenerator: Situation = {
  when: "the client goes while the handler waits at a `yield` for room",
  goodIf: `the \`finally\` of the generator runs, each of ${times} times`,
  async observe(library) {
    const all = await Promise.all(Array.from({ length: times }, () => finalises(library)));
    const n = all.filter((ran) => ran).length;
    return {
      good: n === times,
      saw: n === 0 ? "`finally` never runs" : `\`finally\` runs ${n} of ${times} times`,
    };
  },
};

/** True if the generator of one call, on a connection of its own, is finalised. */
async function finalises(library: Library): Promise<boolean> {
  const finalised = happening();
  let produced = 0;
  await using ends = await open(library, {
    async *greetServerStream() {
      try {
        for (;;) {
          produced++;
          yield { greeting };
        }
      } finally {
        finalised.tell();
      }
    },
  });
  const { settings, cancel } = cancellable();
  const stream = ends.client.greetServerStream({ name: "a" }, settings)[Symbol.asyncIterator]();
  await stream.next();
  // No read follows: the handler stops producing after a while.
  for (let last = -1; last !== produced; ) {
    last = produced;
    await delay(200);
  }
  cancel();
  // The read that a loop would make next.
  stream.next().catch(() => {});
  return (await withinLimit(finalised.promise)) !== never;
}
