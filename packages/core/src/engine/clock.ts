// SPDX-License-Identifier: Apache-2.0
import { rootContext } from "./async-context.js";
import { clearTimeout, now, setTimeout } from "./runtime-timers.js";

/** Where time comes from: the runtime ({@link systemClock}), or a test that advances it (`createClock` of `@tristream/testing`). */
export interface Clock {
  /** Monotonic time in milliseconds, from an origin of the clock's own. */
  now(): number;
  /**
   * Calls `callback` once, `ms` milliseconds later (above 0, at most 2,147,483,647). Returns a function that takes the timer
   * back, and does nothing afterwards.
   */
  after(ms: number, callback: () => void, options?: TimerOptions): () => void;
}

/** Options of a timer. */
export interface TimerOptions {
  /** The process may end before the timer does. Default false. */
  background?: boolean;
}

/** What a timer of {@link systemClock} takes at most, in milliseconds. */
export const longestDelay = 2 ** 31 - 1;

/** The runtime's time. Its timers were taken when the module was loaded: fake timers that a test installs later don't stop it. */
export const systemClock: Clock = {
  now,
  after(ms, callback, options) {
    // Not in the context of whoever asks: a timer may outlive that call, and serve others, as the wheel's does.
    const timer = rootContext().runInAsyncScope(setTimeout, undefined, callback, ms);
    // Node's Timeout; a browser has a number, and no process that could end.
    if (options?.background === true && typeof timer === "object" && timer !== null && "unref" in timer) {
      (timer as { unref(): void }).unref();
    }
    return () => clearTimeout(timer);
  },
};
