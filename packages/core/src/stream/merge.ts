// SPDX-License-Identifier: Apache-2.0
import { Fifo } from "./fifo.js";
import { closeAll, Source, type StreamSource } from "./source.js";
import { type Reading, StreamIterator, type StreamReader } from "./stream-iterator.js";
import { finished } from "./value-queue.js";

/** The values of any of these sources. */
export type MergedValue<Sources extends readonly StreamSource<unknown>[]> = Sources[number] extends infer Each
  ? Each extends AsyncIterable<infer Value>
    ? Value
    : Each extends Iterable<infer Value>
      ? Awaited<Value>
      : never
  : never;

/**
 * Merges sources into one stream, which has each value when it comes. The values of one source keep their order; no source holds up
 * another.
 *
 * The sources are opened at once and read from the first read on. At most one value of each source waits for the reader.
 * A source is asked for its next value at the first read after its last value was taken. The stream ends when all sources have ended.
 *
 * If a source fails, the values that wait come first, then its error; the other sources are closed. `break` and `return()` close all
 * sources. Both wait for the `finally` of each source that stands at a `yield`, and throw its error if nothing else failed. They
 * don't wait for a source in the middle of an `await`, whose `finally` runs when that `await` settles: give such a source a signal.
 *
 * The sources' code runs in the async context of this call.
 *
 * ```ts
 * for await (const event of merge(requests, ticks(signal))) …
 * ```
 */
export function merge<const Sources extends readonly StreamSource<unknown>[]>(
  ...sources: Sources
): StreamReader<MergedValue<Sources>> {
  return merged<MergedValue<Sources>>(sources, false);
}

/**
 * As {@link merge}, but ends with the source that ends first: the values that wait come before the end, and the other sources are
 * closed. For a handler that ends when its client has sent all.
 *
 * ```ts
 * for await (const event of mergeUntilFirst(requests, ticks)) …
 * ```
 */
export function mergeUntilFirst<const Sources extends readonly StreamSource<unknown>[]>(
  ...sources: Sources
): StreamReader<MergedValue<Sources>> {
  return merged<MergedValue<Sources>>(sources, true);
}

function merged<T>(sources: readonly StreamSource<unknown>[], endsWithFirst: boolean): StreamReader<T> {
  const opened: Source<T>[] = [];
  try {
    for (const source of sources) opened.push(new Source(source as StreamSource<T>));
  } catch (error) {
    closeAll(opened).catch(() => {});
    throw error;
  }
  return new StreamIterator(new Merging(opened, endsWithFirst));
}

interface Read<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

class Merging<T> implements Reading<T> {
  private readonly sources: readonly Source<T>[];
  /** The sources without a read under way and without a value that waits. */
  private idle: Source<T>[];
  private readonly ready = new Fifo<{ readonly source: Source<T>; readonly value: T }>();
  private readonly reads = new Fifo<Read<T>>();
  private open: number;
  private readonly endsWithFirst: boolean;
  /** The end or the error, behind the values that wait; settles when the other sources are closed. */
  private outcome: Promise<IteratorResult<T, undefined>> | null = null;

  constructor(sources: readonly Source<T>[], endsWithFirst: boolean) {
    this.sources = sources;
    this.endsWithFirst = endsWithFirst;
    this.idle = [...sources];
    this.open = sources.length;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    this.askIdle();
    const first = this.ready.shift();
    if (first !== undefined) {
      this.idle.push(first.source);
      return Promise.resolve({ done: false, value: first.value });
    }
    if (this.outcome !== null) return this.outcome;
    if (this.open === 0) return Promise.resolve(finished);
    return new Promise((resolve, reject) => this.reads.push({ resolve, reject }));
  }

  leave(): Promise<void> {
    for (const read of this.reads.takeAll()) read.resolve(finished);
    this.ready.takeAll();
    return closeAll(this.sources);
  }

  private askIdle(): void {
    if (this.outcome !== null || this.idle.length === 0) return;
    const asked = this.idle;
    this.idle = [];
    for (const source of asked) {
      source.next().then(
        (result) => this.arrived(source, result),
        (error) => this.failed(error),
      );
    }
  }

  private arrived(source: Source<T>, result: IteratorResult<T, undefined>): void {
    if (result.done === true) {
      this.open--;
      if (this.open === 0 || this.endsWithFirst) this.end(closeAll(this.sources).then(() => finished));
      return;
    }
    // A source that was closed meanwhile: another one failed, or the reader has left.
    if (source.over) return;
    const read = this.reads.shift();
    if (read === undefined) {
      this.ready.push({ source, value: result.value });
      return;
    }
    this.idle.push(source);
    read.resolve({ done: false, value: result.value });
    if (this.reads.size > 0) this.askIdle();
  }

  private failed(error: unknown): void {
    this.open--;
    const closing = closeAll(this.sources).catch(() => {});
    this.end(
      closing.then(() => {
        throw error;
      }),
    );
  }

  /** The first end counts. */
  private end(outcome: Promise<IteratorResult<T, undefined>>): void {
    outcome.catch(() => {});
    if (this.outcome !== null) return;
    this.outcome = outcome;
    for (const { resolve, reject } of this.reads.takeAll()) outcome.then(resolve, reject);
  }
}
