// SPDX-License-Identifier: Apache-2.0
import { type AsyncContext, captureContext } from "./async-context.js";
import { openIterator } from "./iterator.js";

type Result<T> = IteratorResult<T> | Promise<IteratorResult<T>>;

/**
 * An application's iterator whose steps all run in the context in which this was made, whichever code reads it. A store that
 * the iterator enters before its first `await` holds for its later steps, as for a generator that the engine reads.
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
    // From Node 24 on, a resource does not keep the stores that are entered in its scope.
    this.context = captureContext();
    return result;
  }
}

/** A handler's answers behind interceptors, with the context in which the handler was called. */
export class ContextIterable<T> implements AsyncIterable<T> {
  /** The iterable that the handler returned. */
  readonly source: AsyncIterable<T> | Iterable<T>;
  readonly context: AsyncContext;

  constructor(source: AsyncIterable<T> | Iterable<T>, context: AsyncContext) {
    this.source = source;
    this.context = context;
  }

  /** Opens the answers for an interceptor that reads or wraps them. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return new ContextIterator(
      this.context.runInAsyncScope(openIterator<T>, undefined, this.source),
      this.context,
    );
  }
}
