// SPDX-License-Identifier: Apache-2.0
import { isThenable, openIterator } from "../../runtime/iterator.js";
import type { DrivenLoops } from "./driven-loops.js";

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/** The requests of a driven call: one queue for `receive()` and all `for await` loops. */
export class DrivenRequests<I> {
  private readonly messages: AsyncIterable<I>;
  private readonly loops: DrivenLoops;
  private source: AsyncIterator<I> | Iterator<I> | null = null;
  private complete = false;

  constructor(messages: AsyncIterable<I>, loops: DrivenLoops) {
    this.messages = messages;
    this.loops = loops;
  }

  /** The next message, or undefined at the end. A rejection that no code awaits is not unhandled. */
  receive(): Promise<I | undefined> {
    const received = this.ask().then(this.valueOf);
    received.catch(nothing);
    return received;
  }

  /** An iterator of the messages. Leaving its loop leaves the rest for other readers. */
  loop(): AsyncIterableIterator<I, undefined> {
    const iterator: AsyncIterableIterator<I, undefined> = {
      next: () => this.ask().then(this.resultOf),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** The handler and its loops have ended: the source is returned, unless it has ended itself. */
  close(): void {
    const { source } = this;
    if (source === null || this.complete) return;
    this.complete = true;
    try {
      // Not awaited: the source may be a generator that waits for ever.
      const left: unknown = source.return?.();
      if (isThenable(left)) Promise.resolve(left).then(undefined, nothing);
    } catch {
      // The handler has ended; an error of its requests no longer matters.
    }
  }

  private ask(): Promise<IteratorResult<I>> {
    if (!this.loops.open) return this.loops.refuse();
    try {
      this.source ??= openIterator(this.messages);
      return Promise.resolve(this.source.next());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private readonly valueOf = (result: IteratorResult<I>): I | undefined =>
    result.done === true ? this.end() : result.value;

  private readonly resultOf = (result: IteratorResult<I>): IteratorResult<I, undefined> => {
    if (result.done !== true) return result;
    this.end();
    return finished;
  };

  /** Throws if the call is over: a response that an interceptor left early must not make the request look complete. */
  private end(): undefined {
    if (!this.loops.open) throw this.loops.reason;
    this.complete = true;
  }
}

function nothing(): void {}
