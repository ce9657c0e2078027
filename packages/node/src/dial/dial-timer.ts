// SPDX-License-Identifier: Apache-2.0
import type { Clock } from "@tristream/core";

/** A timer that can switch between keeping the process alive and letting it end. */
export class DialTimer {
  private readonly clock: Clock;
  private readonly callback: () => void;
  private readonly dueAt: number;
  private active: boolean;
  private over = false;
  private stop: () => void;

  /** `ms`: at most 2,147,483,647. */
  constructor(clock: Clock, ms: number, callback: () => void, active: boolean) {
    this.clock = clock;
    this.callback = callback;
    this.dueAt = clock.now() + ms;
    this.active = active;
    this.stop = this.start(ms);
  }

  /** Keeps the process alive, or lets it end. */
  setActive(active: boolean): void {
    if (active === this.active || this.over) return;
    this.active = active;
    this.stop();
    this.stop = this.start(Math.max(1, this.dueAt - this.clock.now()));
  }

  private start(ms: number): () => void {
    const fire = (): void => {
      this.over = true;
      this.callback();
    };
    return this.clock.after(ms, fire, { background: !this.active });
  }

  /** Cancels the timer. */
  cancel(): void {
    this.stop();
    this.over = true;
  }
}
