// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { describeValue } from "../../options/describe-value.js";
import { openIterator } from "../../runtime/iterator.js";

/**
 * Marks the messages of a request as replayable: they can be sent again from the first one. Each attempt of a call, as by an
 * interceptor that calls `next()` again, calls `make` for an iterable of its own. Arrays, `Set`s and `Map`s need no mark. Other
 * messages fail a second attempt with `FailedPrecondition` once some were consumed.
 *
 * `make` returns a new iterable each time. The call fails with `FailedPrecondition` if `make` returns one twice that isn't
 * replayable itself, and with the error that `make` throws. Throws `InvalidArgument` for an argument that is not a function.
 *
 * ```ts
 * await client.upload(replayable(() => lines(createReadStream(path))));
 * ```
 */
export function replayable<T>(make: () => AsyncIterable<T> | Iterable<T>): AsyncIterable<T> {
  if (typeof make === "function") return new Replayable(make);
  throw new ConnectError(
    `replayable() was given ${describeValue(make)}: give a function that makes a new iterable for each attempt`,
    Code.InvalidArgument,
  );
}

/** The key of a method that says whether each reader gets all messages. */
export const replays: unique symbol = Symbol("tristream.replays");

class Replayable<T> implements AsyncIterable<T> {
  readonly [replays] = true;
  private readonly make: () => AsyncIterable<T> | Iterable<T>;
  private readonly made = new WeakSet<object>();

  constructor(make: () => AsyncIterable<T> | Iterable<T>) {
    this.make = make;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return new ReplayIterator(() => this.open());
  }

  private open(): AsyncIterator<T> {
    const messages = this.make();
    if (!isReplayable(messages) && typeof messages === "object" && messages !== null) {
      if (this.made.has(messages)) throw madeTwice();
      this.made.add(messages);
    }
    // Readers also await the messages of a synchronous iterator.
    return openIterator(messages) as AsyncIterator<T>;
  }
}

/** Calls the user's function at the first read: Connect opens an iterator just to throw into it. */
class ReplayIterator<T> implements AsyncIterator<T> {
  private readonly open: () => AsyncIterator<T>;
  private source: AsyncIterator<T> | null = null;

  constructor(open: () => AsyncIterator<T>) {
    this.open = open;
  }

  next(): Promise<IteratorResult<T>> {
    this.source ??= this.open();
    return this.source.next();
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    return (await this.source?.return?.(value)) ?? { done: true, value };
  }

  async throw(error?: unknown): Promise<IteratorResult<T>> {
    if (this.source?.throw === undefined) throw error;
    return this.source.throw(error);
  }
}

/**
 * True if each reader gets all messages: for iterables that {@link replayable} has marked, and built-in collections with the
 * language's own iterators. A new iterator alone proves nothing: a `Readable` opens one over the rest of its data.
 */
export function isReplayable(messages: unknown): boolean {
  if (typeof messages !== "object" || messages === null) return false;
  if ((messages as { readonly [replays]?: boolean })[replays] === true) return true;
  if (Symbol.asyncIterator in messages) return false;
  const iterate: unknown = (messages as Partial<Iterable<unknown>>)[Symbol.iterator];
  if (Array.isArray(messages)) return iterate === Array.prototype[Symbol.iterator];
  if (messages instanceof Set) return iterate === Set.prototype[Symbol.iterator];
  return messages instanceof Map && iterate === Map.prototype[Symbol.iterator];
}

function madeTwice(): ConnectError {
  return new ConnectError(
    "the function that replayable() was given returned the same iterable twice: make a new one on each call",
    Code.FailedPrecondition,
  );
}
