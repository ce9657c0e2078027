// SPDX-License-Identifier: Apache-2.0

/** Something that has to be over at a time. The fields belong to the wheel. */
export interface DeadlineEntry {
  /** Time by `performance.now()`, ms. */
  dueAt: number;
  /** Links of the wheel; null when it is in none. */
  deadlineNext: DeadlineEntry | null;
  deadlinePrevious: DeadlineEntry | null;
  /** Whether it is in the wheel. */
  deadlineSet: boolean;
  /** The time has come. The entry is out of the wheel. */
  onDeadline(): void;
}

const slotMs = 4;
const slots = 1024;
/** What Infinity is to the wheel: some thousand years. */
const forEver = 2 ** 47;
/** What `setTimeout` takes at most, in milliseconds. */
export const longestDelay = 2 ** 31 - 1;

/**
 * All deadlines behind one timer: a hashed wheel of 4 ms slots. Adding and removing is a few assignments, where a
 * `setTimeout` per call costs a tenth of a unary call. An entry is never early, and at most one slot late.
 */
export class DeadlineWheel {
  private readonly heads: (DeadlineEntry | null)[] = new Array<DeadlineEntry | null>(slots).fill(null);
  private count = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerDue = Number.POSITIVE_INFINITY;
  /** First slot number that has not been swept. */
  private swept = 0;

  /** Entries in the wheel. */
  get size(): number {
    return this.count;
  }

  /** Calls `onDeadline` when `ms` have passed; 0 and less: at the next turn of the timers. */
  add(entry: DeadlineEntry, ms: number): void {
    const now = performance.now();
    entry.dueAt = now + Math.min(Math.max(0, ms), forEver);
    const slot = slotOf(entry.dueAt);
    this.count++;
    if (this.timer === undefined) this.swept = Math.floor(now / slotMs);
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
    clearTimeout(this.timer);
    this.timerDue = slot * slotMs;
    // A delay of 2^31 ms overflows in every runtime, and Node warns of it; waking early does no harm.
    const delay = Math.min(longestDelay, Math.max(1, Math.ceil(this.timerDue - now)));
    const timer: unknown = setTimeout(this.sweep, delay);
    this.timer = timer as ReturnType<typeof setTimeout>;
    // A call keeps its process alive by its connection; the timer, which outlives the call, must not (Node's Timeout).
    if (typeof timer === "object" && timer !== null && "unref" in timer) (timer as { unref(): void }).unref();
  }

  private readonly sweep = (): void => {
    this.timer = undefined;
    this.timerDue = Number.POSITIVE_INFINITY;
    const now = performance.now();
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
    // Before anybody is told: who is may add an entry, which then only moves the timer nearer.
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

/** The deadlines of this process. */
export const deadlines = new DeadlineWheel();
