// SPDX-License-Identifier: Apache-2.0

import type { Writer } from "../send/writer.js";

/** The least credit of a trial: with less, a peer that pads each frame could not go on. */
const leastTrial = 512;

/** A stream with a message that is larger than the window, and waits to be let in. */
export interface MessageWaiter {
  /** Asks again; true when it waits no longer. */
  askAgain(): boolean;
}

/**
 * The connection's flow control of what it receives. The connection's window is credited on receipt, so an unread stream takes nothing
 * from the others; the streams' own windows bound the memory. Window beyond a stream's first 65,535 bytes comes from three pools of
 * `budget` bytes each:
 *
 * - growth: a reader that keeps up gets a larger window, as long as the pool lasts;
 * - messages under way: a message larger than its window can only be read whole. It is let in whole, or waits its turn. A single
 *   message may exceed the pool. It stops counting once received, or readers would deadlock. Smaller messages may pass the first
 *   one that waits, up to the size of the whole pool;
 * - trials: a waiting message that has used its window gets some more. So peers that have stopped are found while their messages wait,
 *   not one group after the other. A step is a 256th of the rest of the pool: a thousand messages get one at once.
 *
 * At every moment `window + owed` is the target: no byte of credit is ever lost or made.
 */
export class ReceiveFlow {
  /** The bytes that the peer may still send. */
  window = 65_535;
  /** Bytes that arrived and that the application has not taken. */
  held = 0;
  private owed: number;
  private readonly target: number;
  private readonly budget: number;
  private grown = 0;
  private underWay = 0;
  private waiters: MessageWaiter[] = [];
  /** The bytes let in past the first waiter. */
  private passed = 0;
  private onTrial = 0;
  /** A message got no trial, since the pool had none left. */
  private trialRefused = false;

  constructor(target: number, budget: number) {
    this.target = target;
    this.budget = budget;
    this.owed = target - this.window;
  }

  /** `n` bytes arrived. Returns false when the peer has sent more than it was allowed to. */
  received(n: number): boolean {
    this.window -= n;
    this.held += n;
    this.owed += n;
    return this.window >= 0;
  }

  /** The application took or dropped `n` bytes. */
  released(n: number): void {
    this.held -= n;
  }

  /** The increment to announce now: 0, or at least a quarter of the window. Counts as announced. */
  takeDue(): number {
    if (this.owed * 4 < this.target) return 0;
    const n = this.owed;
    this.owed = 0;
    this.window += n;
    return n;
  }

  /** Lets the peer send as much more as is due by now. */
  announceDue(writer: Writer): void {
    const due = this.takeDue();
    if (due > 0) writer.windowUpdate(0, due);
  }

  /** Takes up to `n` bytes for the growth of a window; returns how many there were. */
  grow(n: number): number {
    const got = Math.min(n, this.budget - this.grown);
    this.grown += got;
    return got;
  }

  /** A window that had grown by `n` is gone, or smaller. */
  shrink(n: number): void {
    this.grown -= n;
  }

  /** True if no window can grow any more. */
  get exhausted(): boolean {
    return this.grown >= this.budget;
  }

  /** True if `n` bytes of a message may come beyond its window. If not, `waiter` is asked when others are whole. */
  admit(n: number, waiter: MessageWaiter): boolean {
    const { waiters } = this;
    const first = waiters.length === 0 || waiters[0] === waiter;
    const fits = this.underWay === 0 || this.underWay + n <= this.budget;
    if (!fits || !(first || this.passed + n <= this.budget)) {
      if (!waiters.includes(waiter)) waiters.push(waiter);
      return false;
    }
    this.underWay += n;
    if (first) this.passed = 0;
    else this.passed += n;
    if (waiters.length > 0) this.forget(waiter);
    return true;
  }

  /** Credit for a message that waits and has used what it had: at most `n` bytes, or 0. */
  tryOut(n: number): number {
    const left = this.budget - this.onTrial;
    const step = Math.min(n, Math.max(leastTrial, left >> 8));
    if (step > left) {
      this.trialRefused = true;
      return 0;
    }
    this.onTrial += step;
    return step;
  }

  /** A message that was admitted with `n`, and got `trial` while it waited, is whole, or will not come. */
  messageDone(n: number, trial: number): void {
    this.underWay -= n;
    this.onTrial -= trial;
    for (let first = this.waiters[0]; first?.askAgain() === true; first = this.waiters[0]) this.forget(first);
    if (trial === 0 || !this.trialRefused) return;
    this.trialRefused = false;
    for (const waiter of [...this.waiters]) if (waiter.askAgain()) this.forget(waiter);
  }

  /** Waits no longer. */
  forget(waiter: MessageWaiter): void {
    const at = this.waiters.indexOf(waiter);
    if (at < 0) return;
    this.waiters.splice(at, 1);
    if (at === 0) this.passed = 0;
  }

  /** True if flow control adds up; for tests. */
  get balanced(): boolean {
    const { held, grown, underWay, onTrial, budget } = this;
    const sound =
      held >= 0 && grown >= 0 && grown <= budget && underWay >= 0 && onTrial >= 0 && onTrial <= budget;
    return sound && this.window + this.owed === this.target;
  }
}
