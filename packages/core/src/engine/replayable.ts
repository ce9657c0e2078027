// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { describeValue } from "./describe-value.js";
import { openIterator } from "./iterator.js";

/**
 * Marks the messages of a request as ones that can be sent again from the first one: each attempt of a call, by an
 * interceptor that calls `next()` again, calls `make` for an iterable of its own. An array, a `Set` and a `Map` need no
 * mark. Without it a second attempt fails with `FailedPrecondition` once messages were consumed.
 *
 * `make` returns a new iterable each time: the call fails with `FailedPrecondition` if one is returned twice that isn't
 * replayable itself, and with the error that `make` throws. Throws `InvalidArgument` for what is not a function.
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

/** Says of messages whether each reader gets all of them. */
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
    // A reader awaits what a synchronous iterator gives, too.
    return openIterator(messages) as AsyncIterator<T>;
  }
}

/** Calls the user's function when it is asked for a message: Connect opens an iterator just to throw into it. */
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
 * Whether messages give all of themselves to each reader: what {@link replayable} has marked, and built-in collections that
 * iterate as the language says. A new iterator alone proves nothing: a `Readable` gives one over what is left of it.
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
