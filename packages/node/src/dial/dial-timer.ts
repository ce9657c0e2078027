// SPDX-License-Identifier: Apache-2.0
import type { Clock } from "@tristream/core";
import { afterInput } from "./after-input.js";

/** The longest time between two looks at the clock, in milliseconds. */
const tickMs = 1000;
/** A timer that fires later than this was held up: the process was busy or asleep, in milliseconds. */
const lateMs = 100;

/**
 * A timer that can switch between keeping the process alive and letting it end.
 *
 * After a pause (a busy loop, a suspended process) timers fire before the input that arrived meanwhile is read. A tick behind a pause
 * therefore does not count, unless a pause came before it: an always busy process must not wait for ever. Input that has arrived is read
 * before the timer fires.
 */
export class DialTimer {
  private readonly clock: Clock;
  private readonly callback: () => void;
  /** Time that has not passed before the current tick. */
  private remaining: number;
  private tickedAt = 0;
  private tick = 0;
  private wasLate = false;
  private active: boolean;
  /** The timer was cancelled, or has fired. */
  private over = false;
  /** The time has passed. */
  private passed = false;
  private stop: () => void;

  /** `ms`: at most 2,147,483,647. */
  constructor(clock: Clock, ms: number, callback: () => void, active: boolean) {
    this.clock = clock;
    this.callback = callback;
    this.remaining = ms;
    this.active = active;
    this.stop = this.start();
  }

  /** Keeps the process alive, or lets it end. */
  setActive(active: boolean): void {
    if (active === this.active || this.over) return;
    this.active = active;
    if (this.passed) return;
    this.stop();
    this.remaining = Math.max(1, this.remaining - Math.min(this.tick, this.clock.now() - this.tickedAt));
    this.stop = this.start();
  }

  /** Cancels the timer. */
  cancel(): void {
    this.stop();
    this.over = true;
  }

  private start(): () => void {
    this.tickedAt = this.clock.now();
    this.tick = Math.min(this.remaining, tickMs);
    return this.clock.after(this.tick, () => this.ticked(), { background: !this.active });
  }

  private ticked(): void {
    const late = this.clock.now() - this.tickedAt > this.tick + lateMs;
    if (!late || this.wasLate) this.remaining -= this.tick;
    this.wasLate = late;
    if (this.remaining > 0) {
      this.stop = this.start();
      return;
    }
    this.passed = true;
    afterInput(() => {
      if (this.over) return;
      this.over = true;
      this.callback();
    });
  }
}
