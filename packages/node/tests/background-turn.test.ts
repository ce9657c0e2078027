// SPDX-License-Identifier: Apache-2.0
// A connection learns of turns of the event loop without making it go round.
// Mutant: core/src/engine/turns.ts # if (background) immediate.unref?.();
import { nextTurn } from "@tristream/core";

/** How many turns pass in 100 ms when each asks for the next one. */
function turnsOf(background: boolean): Promise<number> {
  return new Promise((resolve) => {
    let turns = 0;
    let over = false;
    const again = (): void => {
      turns++;
      if (!over) nextTurn(again, background);
    };
    again();
    setTimeout(() => {
      over = true;
      resolve(turns);
    }, 100);
  });
}

test("asking for turns in the background lets the event loop sleep", async () => {
  const busy = await turnsOf(false);
  const background = await turnsOf(true);
  expect(background).toBeGreaterThan(0);
  expect(background).toBeLessThan(busy / 4);
});
