// SPDX-License-Identifier: Apache-2.0
import { holdForTwoTurns } from "../engine/call/held-ends.js";
import { isThenable, openIterator } from "../runtime/iterator.js";
import { reasonOf } from "./unless-aborted.js";

/** How a {@link GuardedIterator} deals with its source. */
export interface GuardOptions {
  /** Returns the source too when the signal fires. Default false: then it is only left. */
  readonly own?: boolean;
  /**
   * Hands the end out two turns of the event loop late, so that a signal that is under way comes before it. Default
   * false. For uploads: some clients send the end of the request just before the reset that cancels it.
   */
  readonly lateEnd?: boolean;
  /** The next value is asked for. Default: nothing is done. */
  readonly asked?: (() => void) | undefined;
  /** Is given what the source gave, before it is handed out. The read rejects with what it throws. Default: nothing is done. */
  readonly taken?: (value: unknown) => void;
  /** Called once, when nothing more is handed out. `error`: null at the source's end, and if the reader has left. Default: nothing is done. */
  readonly ended?: (error: unknown) => void;
  /** Converts an error of the source. Default: the error stays as it is. */
  readonly failure?: (error: unknown) => unknown;
}

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/**
 * An iterator over any iterable. When a signal fires, all reads reject with its reason. A pending read rejects, too, even if the source
 * never answers. After the signal the iterator hands out nothing of the source.
 */
export class GuardedIterator<T> implements AsyncIterableIterator<T, undefined> {
  private readonly source: AsyncIterator<T> | Iterator<T>;
  private readonly signal: AbortSignal;
  private readonly own: boolean;
  private readonly lateEnd: boolean;
  private readonly asked: (() => void) | undefined;
  private readonly taken: ((value: unknown) => void) | undefined;
  private readonly ended: ((error: unknown) => void) | undefined;
  private readonly failure: (error: unknown) => unknown;
  /** The reads that wait: how each rejects, and how it ends. */
  private readonly pending = new Map<(error: unknown) => void, () => void>();
  private over = false;

  /** Opens the source. Throws a `TypeError` if the source is not iterable. */
  constructor(source: AsyncIterable<T> | Iterable<T>, signal: AbortSignal, options: GuardOptions = {}) {
    this.source = openIterator(source);
    this.signal = signal;
    this.own = options.own === true;
    this.lateEnd = options.lateEnd === true;
    this.asked = options.asked;
    this.taken = options.taken;
    this.ended = options.ended;
    this.failure = options.failure ?? ((error) => error);
    if (signal.aborted) this.aborted();
    else signal.addEventListener("abort", this.aborted);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.signal.aborted) return Promise.reject(reasonOf(this.signal));
    if (this.over) return Promise.resolve(finished);
    this.asked?.();
    return new Promise((resolve, reject) => {
      this.pending.set(reject, () => resolve(finished));
      const ended = (): void => {
        if (!this.pending.delete(reject)) return;
        this.leave();
        resolve(finished);
      };
      const gave = (result: IteratorResult<T>): void => {
        if (result.done !== true) {
          if (!this.pending.delete(reject)) return;
          try {
            this.taken?.(result.value);
            resolve(result);
          } catch (error) {
            reject(error);
          }
        } else if (this.lateEnd) holdForTwoTurns({ deliverEnd: ended });
        else ended();
      };
      const threw = (error: unknown): void => {
        if (!this.pending.delete(reject)) return;
        const failure = this.failure(error);
        this.leave(failure);
        reject(failure);
      };
      try {
        const result = this.source.next();
        if (isThenable(result)) Promise.resolve(result).then(gave, threw);
        else gave(result);
      } catch (error) {
        threw(error);
      }
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    if (!this.over) this.returnSource();
    this.leave();
    for (const end of this.pending.values()) end();
    this.pending.clear();
    return Promise.resolve(finished);
  }

  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    void this.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private readonly aborted = (): void => {
    const error = reasonOf(this.signal);
    for (const reject of this.pending.keys()) reject(error);
    this.pending.clear();
    if (this.own && !this.over) this.returnSource();
    this.leave(error);
  };

  private leave(error: unknown = null): void {
    if (!this.over) this.ended?.(error);
    this.over = true;
    this.signal.removeEventListener("abort", this.aborted);
  }

  /** Runs the `finally` of a generator that waits at a `yield`. Not awaited: it may be pending for ever. */
  private returnSource(): void {
    try {
      const result: unknown = this.source.return?.();
      if (isThenable(result)) Promise.resolve(result).then(undefined, () => {});
    } catch {
      // The call is over; its outcome is known.
    }
  }
}
