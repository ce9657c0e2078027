// SPDX-License-Identifier: Apache-2.0
import { nextTick, setImmediate, setTimeout } from "./runtime-timers.js";

const resolved = Promise.resolve();

/**
 * Runs `callback` after the current code and the promise jobs that it queued, before any input. A promise job comes
 * first: answers that handlers give in this turn leave in the same write.
 */
export const afterTurn: (callback: () => void) => void =
  nextTick === undefined
    ? (callback) => nextTurn(callback)
    : (callback) => void resolved.then(() => nextTick!(callback));

/**
 * Runs `callback` in a later turn of the event loop, after input that is ready: `setImmediate`, or a timer where there is none. With
 * `background`, the event loop may wait for input or a timer before that turn, and end without it.
 */
export const nextTurn: (callback: () => void, background?: boolean) => void =
  setImmediate === undefined
    ? (callback) => void setTimeout(callback, 0)
    : (callback, background = false) => {
        const immediate = setImmediate!(callback) as { unref?(): void };
        if (background) immediate.unref?.();
      };

/** Runs `callback` when the input of this turn of the event loop and of the next was read. */
export function afterInput(callback: () => void): void {
  nextTurn(() => nextTurn(callback));
}
