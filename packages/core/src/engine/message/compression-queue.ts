// SPDX-License-Identifier: Apache-2.0
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { type Clock, systemClock } from "../../runtime/clock.js";

/** Work that waits for a place. */
export interface QueuedWork {
  /** There is a place: begins the work. Must not throw. */
  beginWork(): void;
}

/**
 * Half of the time after which work gives its place to work that waits, in milliseconds. zlib takes less than a second for 4 GiB. A user's
 * `decompress` may never settle.
 */
const patienceMs = 5000;

/**
 * Runs a few compressions or decompressions at a time. Connections are served round robin: one with many pieces of work doesn't hold up another's. Each piece begins in
 * the context in which it was entered. Work that takes longer than 5 to 10 s while other work waits runs on without a place.
 */
export class CompressionQueue {
  private readonly most: number;
  private readonly clock: Clock;
  /** The work that runs, and how often the queue had looked for slow work when it began. */
  private readonly running = new Map<QueuedWork, number>();
  private looks = 0;
  private looksAgain = false;
  // The connections in the order in which they are served.
  private readonly waiting = new Map<object, Map<QueuedWork, AsyncContext>>();

  constructor(most: number, clock: Clock = systemClock) {
    this.most = most;
    this.clock = clock;
  }

  /** Begins the work now, or when the connection is served. Work that has begun has to say {@link CompressionQueue.done}, once. */
  enter(connection: object, work: QueuedWork): void {
    if (this.running.size < this.most) {
      this.running.set(work, this.looks);
      work.beginWork();
      return;
    }
    let mine = this.waiting.get(connection);
    if (mine === undefined) {
      mine = new Map();
      this.waiting.set(connection, mine);
    }
    mine.set(work, captureContext());
    this.lookLater();
  }

  /** Takes work out of the queue; false if it has begun. */
  leave(connection: object, work: QueuedWork): boolean {
    const mine = this.waiting.get(connection);
    if (!mine?.delete(work)) return false;
    if (mine.size === 0) this.waiting.delete(connection);
    return true;
  }

  /** Work that had begun is over: the next one begins. */
  done(work: QueuedWork): void {
    if (this.running.delete(work)) this.beginNext();
  }

  /** Runs `work` when the connection is served. */
  run<T>(connection: object, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const over = (): void => this.done(queued);
      const queued: QueuedWork = { beginWork: () => void work().finally(over).then(resolve, reject) };
      this.enter(connection, queued);
    });
  }

  private beginNext(): void {
    const first = this.waiting.entries().next().value;
    if (first === undefined) return;
    const [connection, mine] = first;
    const [work, context] = mine.entries().next().value!;
    mine.delete(work);
    // To the end of the order.
    this.waiting.delete(connection);
    if (mine.size > 0) this.waiting.set(connection, mine);
    this.running.set(work, this.looks);
    context.runInAsyncScope(work.beginWork, work);
  }

  /** The timer runs only while work waits. */
  private lookLater(): void {
    if (this.looksAgain) return;
    this.looksAgain = true;
    this.clock.after(patienceMs, this.look, { background: true });
  }

  private readonly look = (): void => {
    this.looksAgain = false;
    if (this.waiting.size === 0) return;
    this.looks++;
    for (const [work, seen] of this.running) if (seen < this.looks - 1) this.done(work);
    if (this.waiting.size > 0) this.lookLater();
  };
}

/**
 * As many threads as zlib gets from Node. More at once is no faster, and each holds what comes out of it: 512 messages of 4 KiB that
 * hold 4 MiB each took 2.4 GB all at once, and 179 MB four at a time.
 */
const atOnce = 4;

/** The decompressions of the process. */
export const decompressions = new CompressionQueue(atOnce);
/** The compressions of the process: each takes 268 KB of zlib's own from its first moment on, however small its message. */
export const compressions = new CompressionQueue(atOnce);
