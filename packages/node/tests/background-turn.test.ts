// SPDX-License-Identifier: Apache-2.0
// A connection learns of turns of the event loop without making it go round.
// Mutant: core/src/runtime/turns.ts # if (background) immediate.unref?.();
import { performance } from "node:perf_hooks";
import { nextTurn } from "@tristream/core";

/** The milliseconds, of 100, in which the event loop sleeps while each turn asks for the next one; and these turns. */
function sleepOf(background: boolean): Promise<{ idle: number; turns: number }> {
  return new Promise((resolve) => {
    let turns = 0;
    let over = false;
    const again = (): void => {
      turns++;
      if (!over) nextTurn(again, background);
    };
    const before = performance.eventLoopUtilization();
    again();
    setTimeout(() => {
      over = true;
      resolve({ idle: performance.eventLoopUtilization(before).idle, turns });
    }, 100);
  });
}

test("asking for turns in the background lets the event loop sleep", async () => {
  expect((await sleepOf(false)).idle).toBe(0);
  let background = await sleepOf(true);
  // A busy machine may leave no time to sleep before the timer is due.
  for (let tries = 0; tries < 20 && background.idle === 0; tries++) background = await sleepOf(true);
  expect(background.turns).toBeGreaterThan(0);
  expect(background.idle).toBeGreaterThan(0);
});
