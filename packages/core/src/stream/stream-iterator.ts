// SPDX-License-Identifier: Apache-2.0
import { finished } from "./value-queue.js";

/** The reader of a stream: an async iterator with the shape of a generator. `break`, `return()` and `await using` leave the stream. */
export interface StreamReader<T> extends AsyncGenerator<T, undefined, undefined> {
  return(value?: undefined): Promise<IteratorResult<T, undefined>>;
}

/** The two halves of an iterator: its reads, and its cleanup. */
export interface Reading<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** The reader has left. Called once; settles when all is closed that can be closed now. */
  leave(): Promise<void>;
}

/**
 * A reader as an object. `return()` cleans up even before the first read, while the `finally` of a
 * generator that never started doesn't run. `return()` also doesn't wait for a read that is under way.
 */
export class StreamIterator<T> implements StreamReader<T> {
  private readonly reading: Reading<T>;
  private leaving: Promise<void> | null = null;

  constructor(reading: Reading<T>) {
    this.reading = reading;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.leaving === null ? this.reading.next() : Promise.resolve(finished);
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.leaving ??= this.reading.leave();
    await this.leaving;
    return finished;
  }

  async throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
