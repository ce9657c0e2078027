// SPDX-License-Identifier: Apache-2.0
import { type Clock, Code, ConnectError, nextTurn } from "@tristream/core";

/** A clock that stands still until a test advances it. */
export interface TestClock extends Clock {
  /**
   * Lets `ms` milliseconds pass (0 or more, finite) and calls every timer that is due, in order. Before the first timer and after
   * each one, the event loop turns a few times, so that messages under way arrive. Settles when all this is done; rejects with what
   * a timer throws. A second call waits for the first.
   */
  advance(ms: number): Promise<void>;
}

/**
 * Turns of the event loop between two timers. A message needs one turn to arrive over a memory link and its answer another; a reset
 * is sent a turn late.
 */
const turnsBetweenTimers = 8;

/** Makes a clock for `loopback({ routes, clock })`. The clock begins at 0. */
export function createClock(): TestClock {
  return new AdvancedClock();
}

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

class AdvancedClock implements TestClock {
  private time = 0;
  private readonly timers = new Set<Timer>();
  private advanced: Promise<void> = Promise.resolve();

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { dueAt: this.time + Math.max(0, ms), callback };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      const text = `a clock can't be advanced by ${ms}: give milliseconds, 0 or more`;
      return Promise.reject(new ConnectError(text, Code.InvalidArgument));
    }
    const done = this.advanced.then(() => this.run(ms));
    this.advanced = done.catch(() => {});
    return done;
  }

  private async run(ms: number): Promise<void> {
    const end = this.time + ms;
    await turns();
    for (let timer = this.first(end); timer !== undefined; timer = this.first(end)) {
      this.timers.delete(timer);
      this.time = Math.max(this.time, timer.dueAt);
      timer.callback();
      await turns();
    }
    this.time = end;
  }

  /** The timer that is due first, if it is due by `end`. */
  private first(end: number): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.dueAt <= end && (found === undefined || timer.dueAt < found.dueAt)) found = timer;
    }
    return found;
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < turnsBetweenTimers; i++) await new Promise<void>((resolve) => nextTurn(resolve));
}
