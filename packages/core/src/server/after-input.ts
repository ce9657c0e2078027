// SPDX-License-Identifier: Apache-2.0

type Later = (callback: () => void) => unknown;

/**
 * Runs `callback` when the input of this turn of the event loop and of the next has been seen: two `setImmediate` where
 * there is one, else a timer.
 */
export function afterInput(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: Later };
  if (setImmediate === undefined) setTimeout(callback, 0);
  else setImmediate(() => setImmediate(callback));
}
