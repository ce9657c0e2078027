// SPDX-License-Identifier: Apache-2.0

/** An async iterable that is fed by hand, with room for what one ping-pong stream has under way: a single value. */
export class Mailbox<T> implements AsyncIterableIterator<T, undefined> {
  #value: T | undefined;
  #waiting: ((result: IteratorResult<T, undefined>) => void) | undefined;
  #closed = false;

  /** Hands `value` to the reader, or keeps it until the reader asks. */
  put(value: T): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#value = value;
      return;
    }
    this.#waiting = undefined;
    waiting({ value, done: false });
  }

  /** Ends the iteration. */
  close(): void {
    this.#closed = true;
    this.#waiting?.({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#value;
    if (value !== undefined) {
      this.#value = undefined;
      return Promise.resolve({ value, done: false });
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** An iterable as connect-es needs it: its requests end with an error when the call fails. */
  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.close();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
