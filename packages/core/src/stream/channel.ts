// SPDX-License-Identifier: Apache-2.0

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * A bounded queue between one who sends and one who iterates. `send` settles when there is room; when the reader leaves,
 * or the channel fails, what waits rejects.
 */
export class Channel<T> implements AsyncIterableIterator<T, undefined> {
  private readonly capacity: number;
  private readonly items: T[] = [];
  private readonly senders: Waiting[] = [];
  private readonly readers: {
    resolve(r: IteratorResult<T, undefined>): void;
    reject(error: unknown): void;
  }[] = [];
  private ended = false;
  private failure: { error: unknown } | null = null;
  private left = false;

  /** `capacity`: how many items may wait before `send` does. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Puts an item in. Settles when there is room for another one; rejects when nobody will read it. */
  send(item: T): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure.error);
    if (this.ended) return Promise.reject(new Error("the channel is closed: nothing more can be sent"));
    const reader = this.readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: item });
      return Promise.resolve();
    }
    this.items.push(item);
    if (this.items.length < this.capacity) return Promise.resolve();
    return new Promise((resolve, reject) => this.senders.push({ resolve, reject }));
  }

  /** No more items follow. */
  end(): void {
    this.ended = true;
    for (const reader of this.readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  /** Ends both sides with an error: what waits to be read is dropped. */
  fail(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = { error };
    this.items.length = 0;
    for (const reader of this.readers.splice(0)) reader.reject(error);
    for (const sender of this.senders.splice(0)) sender.reject(error);
  }

  /** The next item; `done` after the last one. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.items.length > 0) {
      const value = this.items.shift() as T;
      this.senders.shift()?.resolve();
      return Promise.resolve({ done: false, value });
    }
    if (this.left) return Promise.resolve({ done: true, value: undefined });
    if (this.failure !== null) return Promise.reject(this.failure.error);
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
  }

  /** The reader leaves: what waits and what comes is refused. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.items.length = 0;
    const gone = new Error("the reader of the channel has left");
    this.failure ??= { error: gone };
    this.left = true;
    this.end();
    for (const sender of this.senders.splice(0)) sender.reject(gone);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** As {@link Channel.return}, and senders reject with `error`. Connect's in-memory transport asks for this method. */
  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.fail(error);
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
