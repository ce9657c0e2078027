// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/engine/call/keep-time.ts # if (isLate) => if (false)
// Mutant: core/src/engine/call/keep-time.ts # (this.wasLate ? tickMs : 0) => 0
// Mutant: core/src/engine/call/keep-time.ts # (this.wasLate ? tickMs : 0) => (this.wasLate ? passed : 0)
// Mutant: core/src/engine/call/keep-time.ts # (this.lost - lostBefore) => this.lost
import type { Clock } from "../../runtime/clock.js";
import { keepTime } from "./keep-time.js";

/** A clock with one timer, that fires when the test says so, however late. */
class LateClock implements Clock {
  time = 0;
  timer: (() => void) | null = null;

  now(): number {
    return this.time;
  }

  after(_ms: number, callback: () => void): () => void {
    this.timer = callback;
    return () => {
      this.timer = null;
    };
  }

  /** The timer fires, so much later than it was set. */
  fireAfter(ms: number): void {
    this.time += ms;
    this.timer!();
  }
}

/** A connection that records the times it is given. */
function connectionOf(clock: Clock) {
  const told: number[] = [];
  const stop = keepTime({ advance: (now) => told.push(now) }, clock);
  return { told, stop };
}

describe("the time that connections are told", () => {
  test("is the clock's while the process keeps up", () => {
    const clock = new LateClock();
    const { told, stop } = connectionOf(clock);
    clock.fireAfter(1000);
    clock.fireAfter(1900);
    clock.fireAfter(1000);
    expect(told).toEqual([1000, 2900, 3900]);
    stop();
  });

  test("leaves out a tick that comes late, since nothing was read before it", () => {
    const clock = new LateClock();
    const { told, stop } = connectionOf(clock);
    clock.fireAfter(1000);
    clock.fireAfter(60_000);
    clock.fireAfter(1000);
    expect(told).toEqual([1000, 1000, 2000]);
    stop();
  });

  test("grows by one tick for each late tick after another: several turns may be needed, and not for ever", () => {
    const clock = new LateClock();
    const { told, stop } = connectionOf(clock);
    for (let i = 0; i < 5; i++) clock.fireAfter(7000);
    expect(told).toEqual([0, 1000, 2000, 3000, 4000]);
    stop();
  });

  test("leaves out nothing that was before a connection began", () => {
    const clock = new LateClock();
    const first = connectionOf(clock);
    clock.fireAfter(60_000);
    const second = connectionOf(clock);
    clock.fireAfter(1000);
    expect(first.told).toEqual([0, 1000]);
    expect(second.told).toEqual([61_000]);
    first.stop();
    second.stop();
    expect(clock.timer).toBeNull();
  });
});
