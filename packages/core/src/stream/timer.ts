// SPDX-License-Identifier: Apache-2.0
import { type Clock, longestDelay } from "../runtime/clock.js";

/** Calls back once after `ms` milliseconds, however long; never for Infinity. Returns a function that cancels the timer. */
export function startTimer(clock: Clock, ms: number, callback: () => void): () => void {
  if (ms === Number.POSITIVE_INFINITY) return () => {};
  const delay = Math.min(ms, longestDelay);
  let cancel = clock.after(delay, () => {
    if (ms === delay) callback();
    else cancel = startTimer(clock, ms - delay, callback);
  });
  return () => cancel();
}
