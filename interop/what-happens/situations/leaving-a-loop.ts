// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { becomes, happening, never, withinLimit } from "../limits.js";
import { open, type Situation } from "../situation.js";

export const leavingALoop: Situation = {
  when: "`break` leaves the loop over a server stream",
  goodIf: "the handler stops (its `finally` runs), and the stream is closed",
  async observe(library) {
    const stopped = happening();
    await using ends = await open(library, {
      async *greetServerStream() {
        try {
          for (;;) {
            yield { greeting: "tick" };
            await delay(5);
          }
        } finally {
          stopped.tell();
        }
      },
    });
    for await (const _ of ends.client.greetServerStream({ name: "a" })) break;
    const handlerStops = (await withinLimit(stopped.promise)) !== never;
    const streamGone = await becomes(() => ends.tap.openStreams === 0);
    return {
      good: handlerStops && streamGone,
      saw: `the handler ${handlerStops ? "stops" : "goes on"}, the stream ${streamGone ? "is closed" : "stays open"}`,
    };
  },
};
