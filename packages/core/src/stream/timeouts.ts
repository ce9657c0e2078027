// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import {
  checkOptions,
  clock as clockKind,
  type OptionKinds,
  wrongArgument,
} from "../options/check-options.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import { Source, type StreamSource } from "./source.js";
import { type Reading, StreamIterator, type StreamReader } from "./stream-iterator.js";
import { startTimer } from "./timer.js";
import { finished } from "./value-queue.js";

/** Options of `withTimeout` and `idleTimeout`. */
export interface StreamTimeoutOptions {
  /** The source of time. Default: the runtime's; a test gives `createClock()` of `@tristream/testing`. */
  clock?: Clock | undefined;
}

/**
 * Limits the time of a whole stream, from the first read to its end, in milliseconds above 0; `Infinity` for no limit. The reader's
 * own time between two reads counts.
 *
 * If the time passes, the source is closed, and reads reject with `DeadlineExceeded` and a text that names `withTimeout`. A source
 * in the middle of an `await` runs its `finally` when that `await` settles. `break` closes the source and cancels the timer. The
 * source's code runs in the async context of this call. Throws `InvalidArgument` for another `ms`.
 */
export function withTimeout<T>(
  source: StreamSource<T>,
  ms: number,
  options: StreamTimeoutOptions = {},
): StreamReader<T> {
  return limited("withTimeout", source, ms, options);
}

/**
 * Limits the time that each read of a stream waits for its value or the end, in milliseconds above 0; `Infinity` for no limit. The
 * reader's own time between two reads doesn't count.
 *
 * If the time passes, the source is closed, and reads reject with `DeadlineExceeded` and a text that names `idleTimeout`. All else
 * is as with {@link withTimeout}.
 */
export function idleTimeout<T>(
  source: StreamSource<T>,
  ms: number,
  options: StreamTimeoutOptions = {},
): StreamReader<T> {
  return limited("idleTimeout", source, ms, options);
}

type Limit = "withTimeout" | "idleTimeout";

const optionKinds: OptionKinds<StreamTimeoutOptions> = { clock: clockKind };

function limited<T>(
  limit: Limit,
  source: StreamSource<T>,
  ms: number,
  options: StreamTimeoutOptions,
): StreamReader<T> {
  checkOptions(limit, options, optionKinds);
  if (typeof ms !== "number" || !(ms > 0))
    throw wrongArgument(`the time of ${limit}`, ms, "milliseconds above 0, or Infinity for no limit");
  return new StreamIterator(new LimitedReading(limit, new Source(source), ms, options.clock ?? systemClock));
}

class LimitedReading<T> implements Reading<T> {
  private readonly limit: Limit;
  private readonly source: Source<T>;
  private readonly ms: number;
  private readonly clock: Clock;
  /** The reads that wait, each by the function that rejects it. */
  private readonly reads = new Set<(error: ConnectError) => void>();
  private cancelTimer: (() => void) | null = null;
  private values = 0;
  private failure: ConnectError | null = null;

  constructor(limit: Limit, source: Source<T>, ms: number, clock: Clock) {
    this.limit = limit;
    this.source = source;
    this.ms = ms;
    this.clock = clock;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.source.over) return Promise.resolve(finished);
    this.cancelTimer ??= startTimer(this.clock, this.ms, this.expire);
    return new Promise((resolve, reject) => {
      this.reads.add(reject);
      this.source.next().then(
        (result) => {
          this.arrived(reject, result);
          resolve(result);
        },
        (error) => {
          this.settled(reject);
          reject(error);
        },
      );
    });
  }

  leave(): Promise<void> {
    this.stopTimer();
    return this.source.close();
  }

  private arrived(read: (error: ConnectError) => void, result: IteratorResult<T, undefined>): void {
    if (result.done !== true) this.values++;
    this.settled(read);
  }

  private settled(read: (error: ConnectError) => void): void {
    this.reads.delete(read);
    if (this.source.over) this.stopTimer();
    else if (this.limit === "idleTimeout") {
      this.stopTimer();
      // A read that was asked for together with this one waits from now on.
      if (this.reads.size > 0) this.cancelTimer = startTimer(this.clock, this.ms, this.expire);
    }
  }

  private stopTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private readonly expire = (): void => {
    this.cancelTimer = null;
    const error = this.error();
    this.failure = error;
    this.source.close().catch(() => {});
    for (const reject of this.reads) reject(error);
    this.reads.clear();
  };

  private error(): ConnectError {
    const { limit, ms, values } = this;
    const seen = `${values} ${values === 1 ? "value" : "values"}`;
    const text =
      limit === "withTimeout" ? `the stream has not ended within ${ms} ms` : `no value came within ${ms} ms`;
    return new ConnectError(
      `${text}, after ${seen}: raise the time of ${limit} if it is too short`,
      Code.DeadlineExceeded,
    );
  }
}
