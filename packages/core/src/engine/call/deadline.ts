// SPDX-License-Identifier: Apache-2.0

import { type Clock, longestDelay, systemClock } from "../../runtime/clock.js";

/** Something that has to be over at a time. The fields belong to the wheel. */
export interface DeadlineEntry {
  /** Time by the wheel's clock, ms. */
  dueAt: number;
  /** Links of the wheel; null when it is in none. */
  deadlineNext: DeadlineEntry | null;
  deadlinePrevious: DeadlineEntry | null;
  /** True if it is in the wheel. */
  deadlineSet: boolean;
  /** The time has come. The entry is out of the wheel. */
  onDeadline(): void;
}

const slotMs = 4;
const slots = 1024;
/** The wheel's Infinity: some thousand years. */
export const forEver = 2 ** 47;

/**
 * All deadlines behind one timer: a hashed wheel of 4 ms slots. Adding and removing is a few assignments, where a
 * `setTimeout` per call costs a tenth of a unary call. An entry is never early, and at most one slot late.
 */
export class DeadlineWheel {
  private readonly heads: (DeadlineEntry | null)[] = new Array<DeadlineEntry | null>(slots).fill(null);
  private count = 0;
  private readonly clock: Clock;
  private cancelTimer: (() => void) | null = null;
  private timerDue = Number.POSITIVE_INFINITY;
  /** First slot number that has not been swept. */
  private swept = 0;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  /** Entries in the wheel. */
  get size(): number {
    return this.count;
  }

  /** The time by which entries are due. */
  now(): number {
    return this.clock.now();
  }

  /** Calls `onDeadline` when `ms` have passed; 0 and less: at the next turn of the timers. */
  add(entry: DeadlineEntry, ms: number): void {
    const now = this.clock.now();
    entry.dueAt = now + Math.min(Math.max(0, ms), forEver);
    const slot = slotOf(entry.dueAt);
    this.count++;
    if (this.cancelTimer === null) this.swept = Math.floor(now / slotMs);
    const head = this.heads[slot % slots] ?? null;
    entry.deadlineSet = true;
    entry.deadlinePrevious = null;
    entry.deadlineNext = head;
    if (head !== null) head.deadlinePrevious = entry;
    this.heads[slot % slots] = entry;
    if (slot * slotMs < this.timerDue) this.arm(slot, now);
  }

  /** Takes an entry out; nothing if it is in none. */
  remove(entry: DeadlineEntry): void {
    if (!entry.deadlineSet) return;
    entry.deadlineSet = false;
    this.count--;
    const { deadlineNext: next, deadlinePrevious: previous } = entry;
    if (previous === null) this.heads[slotOf(entry.dueAt) % slots] = next;
    else previous.deadlineNext = next;
    if (next !== null) next.deadlinePrevious = previous;
    entry.deadlineNext = null;
    entry.deadlinePrevious = null;
  }

  private arm(slot: number, now: number): void {
    this.cancelTimer?.();
    this.timerDue = slot * slotMs;
    // A delay of 2^31 ms overflows in every runtime, and Node warns of it; waking early does no harm.
    const delay = Math.min(longestDelay, Math.max(1, Math.ceil(this.timerDue - now)));
    // A call keeps its process alive by its connection. The timer outlives the call, so it must not.
    this.cancelTimer = this.clock.after(delay, this.sweep, { background: true });
  }

  private readonly sweep = (): void => {
    this.cancelTimer = null;
    this.timerDue = Number.POSITIVE_INFINITY;
    const now = this.clock.now();
    const current = Math.floor(now / slotMs);
    const due: DeadlineEntry[] = [];
    const last = Math.min(current, this.swept + slots - 1);
    for (let slot = this.swept; slot <= last; slot++) {
      for (let entry = this.heads[slot % slots] ?? null; entry !== null; ) {
        const next = entry.deadlineNext;
        if (entry.dueAt <= now) {
          this.remove(entry);
          due.push(entry);
        }
        entry = next;
      }
    }
    this.swept = current;
    // Before the calls: one of them may add an entry, which then only moves the timer nearer.
    if (this.count > 0) this.armNext(now);
    tellAll(due);
  };

  /** Arms for the next slot that holds an entry of this round, or for the end of the round. */
  private armNext(now: number): void {
    for (let slot = this.swept; slot < this.swept + slots; slot++) {
      for (let entry = this.heads[slot % slots] ?? null; entry !== null; entry = entry.deadlineNext) {
        if (slotOf(entry.dueAt) === slot) {
          this.arm(slot, now);
          return;
        }
      }
    }
    this.arm(this.swept + slots, now);
  }
}

/** Tells every entry, also when one throws; then throws the first error. */
function tellAll(due: readonly DeadlineEntry[]): void {
  for (let i = 0; i < due.length; i++) {
    try {
      due[i]!.onDeadline();
    } catch (error) {
      tellAll(due.slice(i + 1));
      throw error;
    }
  }
}

/** The first slot that begins at or after the time, so that no entry is early. */
function slotOf(time: number): number {
  return Math.ceil(time / slotMs);
}

const wheels = new WeakMap<Clock, DeadlineWheel>();

/** All deadlines by a clock. */
export function deadlinesOf(clock: Clock): DeadlineWheel {
  let wheel = wheels.get(clock);
  if (wheel === undefined) {
    wheel = new DeadlineWheel(clock);
    wheels.set(clock, wheel);
  }
  return wheel;
}

/** The deadlines of this process, by the runtime's clock. */
export const deadlines: DeadlineWheel = deadlinesOf(systemClock);
