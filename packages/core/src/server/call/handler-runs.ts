// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { isReplayable } from "../../engine/message/replayable.js";

/**
 * The runs of a call's handler: one for each time that an interceptor calls `next()`. Requests are read once, so one run has
 * all of them. The loop of another run throws: an empty stream would look like a complete request.
 */
export class HandlerRuns implements AsyncIterable<unknown> {
  private readonly requests: AsyncIterableIterator<unknown>;
  private readonly name: string;
  private count = 0;
  /** The run that reads the requests; 0 while no run does. */
  private reading = 0;
  /** The messages that each run got. */
  private readonly given: unknown[] = [];

  /** `name` is `package.Service/Method`. */
  constructor(requests: AsyncIterableIterator<unknown>, name: string) {
    this.requests = requests;
    this.name = name;
  }

  /** Begins a run of the handler: gives the messages for it, made from `messages` of its request. */
  begin(messages: unknown): unknown {
    const run = ++this.count;
    if (messages === this) return new RunRequests(() => this.open(run));
    if (this.given.includes(messages) && !isReplayable(messages))
      return new RunRequests(() => this.refusing());
    this.given.push(messages);
    return messages;
  }

  /** Opens the requests for an interceptor, on behalf of the current run. */
  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    // With two runs, a second reader can't be assigned to one of them.
    if (this.count > 1 && this.reading !== 0) return this.refusing();
    return this.open(Math.max(1, this.count));
  }

  private open(run: number): AsyncIterableIterator<unknown> {
    if (this.reading === 0) this.reading = run;
    return this.reading === run ? this.requests : this.refusing();
  }

  private refusing(): AsyncIterableIterator<unknown> {
    const error = new ConnectError(
      `an interceptor of ${this.name} called next() again: the requests were read by an earlier run of the handler and can't be read again`,
      Code.FailedPrecondition,
    );
    const iterator: AsyncIterableIterator<unknown> = {
      next: () => Promise.reject(error),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }
}

/** The requests for one run's handler; the first use decides which run reads them. */
class RunRequests implements AsyncIterableIterator<unknown> {
  private readonly open: () => AsyncIterableIterator<unknown>;

  constructor(open: () => AsyncIterableIterator<unknown>) {
    this.open = open;
  }

  next(): Promise<IteratorResult<unknown>> {
    return this.open().next();
  }

  return(value?: unknown): Promise<IteratorResult<unknown>> {
    return this.open().return?.(value) ?? Promise.resolve({ done: true, value });
  }

  throw(error?: unknown): Promise<IteratorResult<unknown>> {
    return this.open().throw?.(error) ?? Promise.reject(error);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return this.open();
  }
}
