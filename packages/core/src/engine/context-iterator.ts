// SPDX-License-Identifier: Apache-2.0
import { type AsyncContext, captureContext } from "./async-context.js";
import { openIterator } from "./iterator.js";

type Result<T> = IteratorResult<T> | Promise<IteratorResult<T>>;

/**
 * An application's iterator, each step of which runs in the context in which this was made, whoever asks for it. A store that
 * the iterator enters before its first `await` holds for its later steps, as it does for a generator that the engine reads.
 */
export class ContextIterator<T> implements AsyncIterator<T> {
  private readonly source: AsyncIterator<T> | Iterator<T>;
  private context: AsyncContext;

  constructor(source: AsyncIterator<T> | Iterator<T>, context: AsyncContext = captureContext()) {
    this.source = source;
    this.context = context;
  }

  async next(): Promise<IteratorResult<T>> {
    return this.context.runInAsyncScope(this.step, this);
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    return this.context.runInAsyncScope(this.leave, this, value);
  }

  async throw(error?: unknown): Promise<IteratorResult<T>> {
    return this.context.runInAsyncScope(this.fail, this, error);
  }

  private leave(value: unknown): Result<T> {
    return this.source.return?.(value) ?? { done: true, value };
  }

  private fail(error: unknown): Result<T> {
    if (this.source.throw === undefined) throw error;
    return this.source.throw(error);
  }

  private step(): Result<T> {
    const result = this.source.next();
    // Newer Nodes keep nothing that is entered in a resource's scope on the resource.
    this.context = captureContext();
    return result;
  }
}

/** The answers of a handler behind interceptors, with the context in which it was called. */
export class ContextIterable<T> implements AsyncIterable<T> {
  /** What the handler returned. */
  readonly source: AsyncIterable<T> | Iterable<T>;
  readonly context: AsyncContext;

  constructor(source: AsyncIterable<T> | Iterable<T>, context: AsyncContext) {
    this.source = source;
    this.context = context;
  }

  /** For an interceptor that reads or wraps the answers. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return new ContextIterator(
      this.context.runInAsyncScope(openIterator<T>, undefined, this.source),
      this.context,
    );
  }
}
