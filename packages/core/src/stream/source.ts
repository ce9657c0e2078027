// SPDX-License-Identifier: Apache-2.0
import { ContextIterator } from "../runtime/context-iterator.js";
import { isThenable, openIterator } from "../runtime/iterator.js";
import { finished } from "./value-queue.js";

/** An iterable that a stream helper reads. */
export type StreamSource<T> = AsyncIterable<T> | Iterable<T | PromiseLike<T>>;

/**
 * The iterator of a source, which this object owns: it is returned once, and never after it has ended or thrown. The source's code
 * runs in the context in which this was made, whichever code reads the source.
 */
export class Source<T> {
  private readonly iterator: ContextIterator<T>;
  private reads = 0;
  private isOver = false;

  /** Opens the source; throws a `TypeError` if the source is not iterable. */
  constructor(source: StreamSource<T>) {
    this.iterator = new ContextIterator(openIterator(source as AsyncIterable<T>));
  }

  /** The source has ended, failed, or was closed. */
  get over(): boolean {
    return this.isOver;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.isOver) return finished;
    this.reads++;
    try {
      const result = await this.iterator.next();
      if (result.done === true) {
        this.isOver = true;
        return finished;
      }
      // As `for await`, which awaits the values of a sync iterable.
      return isThenable(result.value) ? { done: false, value: await result.value } : result;
    } catch (error) {
      this.isOver = true;
      throw error;
    } finally {
      this.reads--;
    }
  }

  /**
   * Returns the iterator. Settles when the source's `finally` has run, and rejects if that throws. If a read is under way,
   * `close()` settles at once: a generator that awaits something can't be interrupted, and may wait for ever.
   */
  close(): Promise<void> {
    if (this.isOver) return Promise.resolve();
    this.isOver = true;
    const returned = this.iterator.return().then(() => {});
    if (this.reads === 0) return returned;
    returned.catch(() => {});
    return Promise.resolve();
  }
}

/** Closes sources at once; then throws the first error that one of them threw. */
export async function closeAll(sources: readonly Source<unknown>[]): Promise<void> {
  const closed = await Promise.allSettled(sources.map((source) => source.close()));
  for (const each of closed) if (each.status === "rejected") throw each.reason;
}
