// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { checkOptions, number, type OptionKinds, signal as signalKind } from "../options/check-options.js";
import { type AsyncContext, captureContext } from "../runtime/async-context.js";
import { onAbort } from "./abort.js";
import { capacityOption } from "./capacity.js";
import { Fifo } from "./fifo.js";
import { type Reading, StreamIterator, type StreamReader } from "./stream-iterator.js";
import { ValueQueue } from "./value-queue.js";

/** Options of `createChannel`. */
export interface ChannelOptions {
  /** The values that may wait for the reader, from 1. Default 16. */
  capacity?: number | undefined;
  /**
   * Ends the channel when it fires: values that wait are dropped, and reads and sends reject with the signal's reason. In a
   * handler, give `context.signal`. Default none.
   */
  signal?: AbortSignal | undefined;
}

/**
 * A bounded queue between code that sends values and one reader. Anything that takes an `AsyncIterable` can read a channel: a
 * `for await` loop, a call's requests, `yield*` of a handler, `merge`, `broadcast`.
 */
export interface Channel<T> extends AsyncIterable<T> {
  /**
   * Sends a value. Settles when the channel has room for the value, so `await` it: sends without `await` queue up without a bound.
   * Values are read in the order of the calls.
   *
   * Rejects with `FailedPrecondition` after `close()`, with `Canceled` if the reader has left, and with the reason of the signal.
   * A value whose `send()` rejects is not read. Handle each rejection.
   */
  send(value: T): Promise<void>;
  /** Sends a value if there is room now. Returns false if the channel is full or `closed`; the value is then not sent. */
  trySend(value: T): boolean;
  /**
   * Reads the next value; `undefined` is the end. Several `receive()`s are answered in the order of the calls, also beside a loop:
   * workers that share a channel use `receive()`. Rejects with the error of `close(error)` or of the signal, and with
   * `FailedPrecondition` if the loop over the channel was left.
   */
  receive(): Promise<T | undefined>;
  /**
   * Ends the channel behind all values that were sent, those of waiting `send()`s too. With an error, the reader gets the values,
   * then the error. The first `close` counts.
   */
  close(error?: unknown): void;
  /** True if no value can be sent any more: after `close()`, after the reader has left, after the signal. */
  readonly closed: boolean;
  /**
   * Fires when `closed` becomes true, with the error of a `send()` as its reason: for a sender that waits for something else than
   * room. Its listeners run in the async context in which this field was first read.
   */
  readonly closedSignal: AbortSignal;
  /** The values that wait for the reader. */
  readonly size: number;
  /**
   * Opens the one loop over the channel. `break` and `return()` end the channel: values that wait are dropped, and sends reject.
   * Throws `FailedPrecondition` if another loop is open or was left. Use `broadcast` for several readers of all values.
   */
  [Symbol.asyncIterator](): StreamReader<T>;
}

/**
 * Creates a channel. The queue is bounded by `capacity`. Throws `InvalidArgument` for an unknown or wrong option.
 *
 * ```ts
 * const names = createChannel<{ name: string }>({ capacity: 8 });
 * const replies = client.greetStream(names); // reads the channel; leaves it when the call ends
 * await names.send({ name: "a" }); // settles when there is room
 * names.close(); // the call's half-close
 * ```
 */
export function createChannel<T>(options: ChannelOptions = {}): Channel<T> {
  checkOptions("createChannel", options, optionKinds);
  return new BoundedChannel(capacityOption(options.capacity), options.signal);
}

const optionKinds: OptionKinds<ChannelOptions> = { capacity: number, signal: signalKind };
const settled: Promise<void> = Promise.resolve();

/** A value that waits for room. */
interface WaitingSend<T> {
  readonly value: T;
  resolve(): void;
  reject(error: ConnectError): void;
}

class BoundedChannel<T> implements Channel<T>, Reading<T> {
  private readonly capacity: number;
  private readonly queue = new ValueQueue<T>(() => this.taken());
  private readonly waiting = new Fifo<WaitingSend<T>>();
  private forgetSignal: () => void = () => {};
  /** The error of further sends; null while the channel is open. */
  private refusal: ConnectError | null = null;
  private reader: "none" | "open" | "left" = "none";
  private controller: AbortController | null = null;
  private signalContext: AsyncContext | null = null;

  constructor(capacity: number, signal: AbortSignal | undefined) {
    this.capacity = capacity;
    this.forgetSignal = onAbort(signal, (reason) => this.abort(reason));
  }

  get closed(): boolean {
    return this.refusal !== null;
  }

  get size(): number {
    return this.queue.size;
  }

  get closedSignal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      this.signalContext = captureContext();
      if (this.refusal !== null) this.controller.abort(this.refusal);
    }
    return this.controller.signal;
  }

  send(value: T): Promise<void> {
    if (this.trySend(value)) return settled;
    if (this.refusal !== null) return Promise.reject(this.refusal);
    return new Promise((resolve, reject) => this.waiting.push({ value, resolve, reject }));
  }

  trySend(value: T): boolean {
    if (this.refusal !== null || this.queue.size >= this.capacity) return false;
    this.queue.push(value);
    return true;
  }

  async receive(): Promise<T | undefined> {
    const result = await this.queue.next();
    if (result.done === true && this.reader === "left") throw loopLeft();
    return result.value;
  }

  close(error?: unknown): void {
    if (this.refusal !== null) return;
    this.refuse(
      new ConnectError("the channel is closed: nothing can be sent after close()", Code.FailedPrecondition),
    );
    // Sends that wait are read before the end: each read of a value lets the next one in.
    this.queue.end(error);
    this.forgetSignalIfOver();
  }

  [Symbol.asyncIterator](): StreamReader<T> {
    if (this.reader === "left") throw loopLeft();
    if (this.reader === "open" && !this.queue.over)
      throw new ConnectError(
        "a loop over this channel is open: use receive() to share the values, or broadcast() to give all values to each reader",
        Code.FailedPrecondition,
      );
    this.reader = "open";
    return new StreamIterator(this);
  }

  // ---- for the loop

  next(): Promise<IteratorResult<T, undefined>> {
    return this.queue.next();
  }

  leave(): Promise<void> {
    if (this.queue.over) return settled;
    const unread = this.queue.size + this.waiting.size;
    this.reader = "left";
    const error = new ConnectError(
      `the channel's reader has left: ${unread} ${unread === 1 ? "value was" : "values were"} not read`,
      Code.Canceled,
    );
    this.drop(error, undefined);
    return settled;
  }

  // ---- both ends

  private taken(): void {
    const next = this.waiting.shift();
    if (next === undefined) {
      this.forgetSignalIfOver();
      return;
    }
    this.queue.push(next.value);
    next.resolve();
  }

  /** Behind `close()`, the signal still drops values that no reader takes. */
  private forgetSignalIfOver(): void {
    if (this.queue.over) this.forgetSignal();
  }

  private abort(error: ConnectError): void {
    this.drop(error, error);
  }

  /** Drops the values that wait: `refusal` is the error of sends, `outcome` that of reads. */
  private drop(refusal: ConnectError, outcome: ConnectError | undefined): void {
    this.queue.discard(outcome);
    for (const each of this.waiting.takeAll()) each.reject(refusal);
    this.refuse(refusal);
    this.forgetSignal();
  }

  private refuse(error: ConnectError): void {
    if (this.refusal !== null) return;
    this.refusal = error;
    const { controller, signalContext } = this;
    if (controller !== null) signalContext!.runInAsyncScope(controller.abort, controller, error);
  }
}

function loopLeft(): ConnectError {
  return new ConnectError(
    "the loop over this channel was left: its values were dropped, so create a new channel",
    Code.FailedPrecondition,
  );
}
