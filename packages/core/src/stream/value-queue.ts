// SPDX-License-Identifier: Apache-2.0
import { Fifo } from "./fifo.js";

/** A read that waits for a value. */
interface Read<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** The result of a read at the end. */
export const finished: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/** The values that wait for a reader, or the reads that wait for values, in order. The owner bounds the queue by `size`. */
export class ValueQueue<T> {
  private readonly values = new Fifo<T>();
  private readonly reads = new Fifo<Read<T>>();
  private readonly onTaken: () => void;
  private ending: { readonly error: unknown } | null = null;

  /** `onTaken` is called after a read took a value that waited: there is room for another one. */
  constructor(onTaken: () => void) {
    this.onTaken = onTaken;
  }

  /** The values that wait. */
  get size(): number {
    return this.values.size;
  }

  /** All values were read, and no more come. */
  get over(): boolean {
    return this.ending !== null && this.values.size === 0;
  }

  /** Gives a value to the read that waits longest, or lets the value wait. */
  push(value: T): void {
    const read = this.reads.shift();
    if (read === undefined) this.values.push(value);
    else read.resolve({ done: false, value });
  }

  /** Drops the oldest value that waits. */
  dropOldest(): void {
    this.values.shift();
  }

  /** Ends the queue behind the values that wait, with an error if one is given. The first end counts. */
  end(error: unknown): void {
    if (this.ending !== null) return;
    this.ending = { error };
    for (const read of this.reads.takeAll()) {
      if (error === undefined) read.resolve(finished);
      else read.reject(error);
    }
  }

  /** As {@link ValueQueue.end}, but drops the values that wait. Overrides an earlier end, unless a read has seen it. */
  discard(error: unknown): void {
    const unread = this.values.takeAll().length > 0;
    if (unread) this.ending = null;
    this.end(error);
  }

  /** The next value. Behind the last value: the end or the error, as often as asked. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.values.size > 0) {
      const value = this.values.shift() as T;
      this.onTaken();
      return Promise.resolve({ done: false, value });
    }
    if (this.ending === null) return new Promise((resolve, reject) => this.reads.push({ resolve, reject }));
    const { error } = this.ending;
    return error === undefined ? Promise.resolve(finished) : Promise.reject(error);
  }
}
