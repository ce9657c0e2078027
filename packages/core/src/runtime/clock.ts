// SPDX-License-Identifier: Apache-2.0
import { rootContext } from "./async-context.js";
import { clearTimeout, now, setTimeout } from "./runtime-timers.js";

/** The source of time: the runtime's ({@link systemClock}), or one that a test advances (`createClock` of `@tristream/testing`). */
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

/** The longest delay of a timer of {@link systemClock}, in milliseconds. */
export const longestDelay = 2 ** 31 - 1;

/** The runtime's time. The timers are taken when this module is loaded, so fake timers that a test installs later don't stop calls. */
export const systemClock: Clock = {
  now,
  after(ms, callback, options) {
    // Outside of the caller's context: a timer may outlive the call, and serve others, as the deadline wheel's does.
    const timer = rootContext().runInAsyncScope(setTimeout, undefined, callback, ms);
    // Node gives a Timeout. A browser gives a number, and has no process that could end.
    if (options?.background === true && typeof timer === "object" && timer !== null && "unref" in timer) {
      (timer as { unref(): void }).unref();
    }
    return () => clearTimeout(timer);
  },
};
