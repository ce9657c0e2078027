// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import {
  checkOptions,
  number,
  type OptionKind,
  type OptionKinds,
  signal as signalKind,
} from "../options/check-options.js";
import { nextTurn } from "../runtime/turns.js";
import { onAbort } from "./abort.js";
import {
  type BroadcastReader,
  PlaceIterator,
  type Places,
  ReaderPlace,
  type WhenSlow,
} from "./broadcast-reader.js";
import { capacityOption } from "./capacity.js";
import { Source, type StreamSource } from "./source.js";

/** Options of one reader of a broadcast. */
export interface SubscribeOptions {
  /** The values that may wait for the reader, from 1. Default: the broadcast's. */
  capacity?: number | undefined;
  /** What happens when the reader is slow. Default: the broadcast's. */
  whenSlow?: WhenSlow | undefined;
  /**
   * Ends the reader when it fires: values that wait are dropped, and reads reject with the signal's reason. In a handler, give
   * `context.signal`, or the handler waits for the next value although its call is over. Default none.
   */
  signal?: AbortSignal | undefined;
}

/** Options of `broadcast`. */
export interface BroadcastOptions {
  /** The values that may wait for each reader, from 1. Default 16. */
  capacity?: number | undefined;
  /** What happens when a reader is slow. Default "wait". */
  whenSlow?: WhenSlow | undefined;
  /**
   * What happens while there is no reader. With `"wait"`, the source is not read. With `"drop"`, the source is read, and its values
   * are dropped: for events that happen whether or not a reader listens. Default "wait".
   */
  withoutReaders?: "wait" | "drop" | undefined;
  /**
   * Ends the broadcast when it fires: the source is closed, values that wait are dropped, and reads reject with the signal's reason.
   * Default none.
   */
  signal?: AbortSignal | undefined;
}

/** One source with many readers. Each reader gets all values from the moment in which it subscribed, in order. */
export interface Broadcast<T> extends AsyncIterable<T>, AsyncDisposable {
  /** Adds a reader, at once: it gets each value that the source gives from now on. Throws `InvalidArgument` for a wrong option. */
  subscribe(options?: SubscribeOptions): BroadcastReader<T>;
  /** The readers now. */
  readonly readers: number;
  /**
   * Ends the broadcast: readers get the values that wait, then the end, or the error if one is given. Closes the source, and settles
   * as `return()` of `merge` does. The first end counts.
   */
  close(error?: unknown): Promise<void>;
  /** As `subscribe()`: each `for await` loop over the broadcast is a reader. */
  [Symbol.asyncIterator](): BroadcastReader<T>;
  /** As `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Reads one source for many readers. `capacity` bounds the values that wait for each reader, and `whenSlow` decides what happens at
 * that bound:
 *
 * - `"wait"`: the source is not read until the reader has room. One slow reader holds up all others.
 * - `"drop-oldest"`: the reader loses its oldest value; `reader.dropped` counts.
 * - `"drop-newest"`: the reader loses the new value; `reader.dropped` counts.
 * - `"end"`: the reader gets the values that wait, then `ResourceExhausted`.
 *
 * The source is opened at once, and read only while there are readers. A value that was asked for before the last reader left is kept
 * for the next one. With `withoutReaders: "drop"`, the source is read at all times, and values without a reader are dropped. A source
 * without readers stays open. When the source ends or fails, each reader gets the values that wait, then the end or the error;
 * so does a later reader. `break` and `return()` free a reader's place. Close the broadcast when it has served its purpose, by
 * `close()`, `await using` or `signal`: its source may be an open call.
 *
 * The source's code runs in the async context of this call, whichever reader reads. Throws `InvalidArgument` for a wrong option.
 *
 * ```ts
 * const prices = broadcast(client.prices({}), { capacity: 8, whenSlow: "drop-oldest" });
 * for await (const price of prices) … // each loop is a reader
 * ```
 */
export function broadcast<T>(source: StreamSource<T>, options: BroadcastOptions = {}): Broadcast<T> {
  checkOptions("broadcast", options, broadcastKinds);
  const defaults: Defaults = {
    capacity: capacityOption(options.capacity),
    whenSlow: options.whenSlow ?? "wait",
    withoutReaders: options.withoutReaders ?? "wait",
  };
  return new SourceBroadcast(new Source(source), defaults, options.signal);
}

const whenSlowKind: OptionKind = {
  accepts: (value) => ["wait", "drop-oldest", "drop-newest", "end"].includes(value as string),
  wanted: '"wait", "drop-oldest", "drop-newest" or "end"',
};
const subscribeKinds: OptionKinds<SubscribeOptions> = {
  capacity: number,
  whenSlow: whenSlowKind,
  signal: signalKind,
};
const broadcastKinds: OptionKinds<BroadcastOptions> = {
  ...subscribeKinds,
  withoutReaders: { accepts: (value) => value === "wait" || value === "drop", wanted: '"wait" or "drop"' },
};

interface Defaults {
  readonly capacity: number;
  readonly whenSlow: WhenSlow;
  readonly withoutReaders: "wait" | "drop";
}

/** Values of a source that is always ready, after which the event loop turns: without a slow reader to wait for, I/O would starve. */
const valuesPerTurn = 256;

class SourceBroadcast<T> implements Broadcast<T>, Places<T> {
  private readonly source: Source<T>;
  private readonly defaults: Defaults;
  private readonly places = new Set<ReaderPlace<T>>();
  private forgetSignal: () => void = () => {};
  /** The readers that hold up the source. */
  private blocking = 0;
  /** A read of the source is under way, or the event loop turns before the next one. */
  private busy = false;
  private valuesSinceTurn = 0;
  /** A value that came when there was no reader. */
  private kept: { readonly value: T } | null = null;
  private ending: { readonly error: unknown } | null = null;

  constructor(source: Source<T>, defaults: Defaults, signal: AbortSignal | undefined) {
    this.source = source;
    this.defaults = defaults;
    this.forgetSignal = onAbort(signal, (error) => this.abort(error));
    this.pump();
  }

  get readers(): number {
    return this.places.size;
  }

  subscribe(options: SubscribeOptions = {}): BroadcastReader<T> {
    checkOptions("subscribe", options, subscribeKinds);
    const { capacity, whenSlow } = this.defaults;
    const own = options.capacity === undefined ? capacity : capacityOption(options.capacity);
    const place = new ReaderPlace<T>(this, own, options.whenSlow ?? whenSlow);
    if (this.ending !== null) place.end(this.ending.error);
    else this.places.add(place);
    place.endOn(options.signal);
    if (this.kept !== null && this.places.size > 0) {
      const { value } = this.kept;
      this.kept = null;
      place.give(value);
    }
    this.pump();
    return new PlaceIterator(place);
  }

  async close(error?: unknown): Promise<void> {
    if (this.ending !== null) return;
    this.end(error);
    await this.source.close();
  }

  [Symbol.asyncIterator](): BroadcastReader<T> {
    return this.subscribe();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- for the places

  setBlocking(blocking: boolean): void {
    this.blocking += blocking ? 1 : -1;
    if (!blocking) this.pump();
  }

  free(place: ReaderPlace<T>): void {
    this.places.delete(place);
  }

  // ---- the source

  /** True if no reader takes a value, and the source has to wait for one. */
  private get waitsForReader(): boolean {
    return this.places.size === 0 && this.defaults.withoutReaders === "wait";
  }

  /** Asks the source for a value, unless the source has to wait for a reader. */
  private pump(): void {
    if (this.busy || this.ending !== null || this.waitsForReader || this.blocking > 0) return;
    this.busy = true;
    if (this.valuesSinceTurn < valuesPerTurn) {
      this.source.next().then(this.arrived, this.failed);
      return;
    }
    nextTurn(() => {
      this.valuesSinceTurn = 0;
      this.busy = false;
      this.pump();
    });
  }

  private readonly arrived = (result: IteratorResult<T, undefined>): void => {
    this.busy = false;
    this.valuesSinceTurn++;
    if (this.ending !== null) return;
    if (result.done === true) {
      this.end(undefined);
      return;
    }
    const { value } = result;
    if (this.waitsForReader) this.kept = { value };
    for (const place of this.places) place.give(value);
    this.pump();
  };

  private readonly failed = (error: unknown): void => {
    this.busy = false;
    this.end(error);
  };

  private end(error: unknown): void {
    if (this.ending !== null) return;
    this.ending = { error };
    this.kept = null;
    this.forgetSignal();
    for (const place of this.places) place.end(error);
    this.places.clear();
  }

  private abort(error: ConnectError): void {
    this.ending = { error };
    this.kept = null;
    for (const place of this.places) place.drop(error);
    this.source.close().catch(() => {});
  }
}
