// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "../connect-private.js";
import type { ByteStream } from "./byte-stream.js";
import { EnvelopeReader } from "./envelope-reader.js";
import { inflate } from "./inflate.js";
import type { MessageCodec } from "./message-codec.js";
import { errorFromThrown } from "./thrown.js";

/** What the owner of a reader has to hear. */
export interface ReaderOwner {
  /** A message could not be read: the call has to fail with `error`. */
  readFailed(error: ConnectError): void;
  /** The application reads no further, by `return()`. */
  readStopped(): void;
  /** Every message has arrived and can be taken. Not called after a failure. */
  readEnded(): void;
}

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** The arrays of a reader that has none yet; never written. */
const none: never[] = [];
const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });
/** A chunk of the queue is dropped in one piece, so that taking a message costs the same with ten and with 10,000 waiting. */
const chunk = 1024;

/**
 * The reading half of a call: cuts the bytes of a stream into messages, inflates, parses, queues, and hands them out as
 * one async iterator, which is also what `for await` gets. Flow-control credit is given back for what was taken.
 *
 * Hot path: one pass over a chunk for all messages in it; a message that lies whole in the chunk is parsed where it
 * lies. One promise a message. (Connect's pipeline has 23 to 32 promises here.)
 */
export class MessageReader<T> extends EnvelopeReader implements AsyncIterableIterator<T, undefined> {
  /** Messages that have arrived. */
  received = 0;
  private readonly codec: MessageCodec<never, T>;
  private readonly owner: ReaderOwner;
  private compression: Compression | null = null;
  // Messages that wait for the application, and the octets that each gives back when it is taken. The first one has a
  // place of its own, so that a call with one message makes no arrays.
  private first: T | undefined = undefined;
  private firstSize = 0;
  private queue: T[] = none;
  private sizes: number[] = none;
  private head = 0;
  private waiter: Waiter<T> | null = null;
  private moreWaiters: Waiter<T>[] | null = null;
  /** Who is kept from garbage collection while a read waits. */
  holder: unknown = null;
  private complete = false;
  private failure: ConnectError | null = null;
  // Messages that are being inflated come in order; the end waits for them.
  private inflating: Promise<void> | null = null;
  private inflatingCount = 0;
  private endPending = false;
  private failurePending: ConnectError | null = null;

  constructor(stream: ByteStream, codec: MessageCodec<never, T>, owner: ReaderOwner, maxBytes: number) {
    super(stream, maxBytes);
    this.codec = codec;
    this.owner = owner;
  }

  /** How messages that carry the compressed flag are inflated; null: they are an error. */
  setCompression(compression: Compression | null): void {
    this.compression = compression;
  }

  // ---- from the stream

  /** The peer has sent everything. */
  end(): void {
    if (this.ignoring) return;
    if (!this.wholeAtEnd()) return;
    if (this.inflating !== null) {
      this.endPending = true;
      return;
    }
    this.complete = true;
    this.settleWaiters();
    this.owner.readEnded();
  }

  /**
   * The call is over with an error: reads reject with it, after what has arrived was taken, or at once when `discard`
   * is set.
   */
  fail(error: ConnectError, discard: boolean): void {
    if (this.failure === null && (!this.complete || discard)) {
      if (!discard && this.inflating !== null) {
        this.failurePending ??= error;
        return;
      }
      this.failure = error;
    }
    if (discard) this.discard();
    this.settleWaiters();
  }

  /** Drops what waits and what comes. Reads end cleanly unless {@link MessageReader.fail} was called. */
  discard(): void {
    this.ignoreInput();
    let bytes = this.firstSize;
    for (let i = this.head; i < this.queue.length; i++) bytes += this.sizes[i]!;
    if (bytes > 0) this.stream.credit(bytes);
    this.first = undefined;
    this.firstSize = 0;
    this.queue = none;
    this.sizes = none;
    this.head = 0;
    if (this.failure === null) this.complete = true;
    this.settleWaiters();
  }

  // ---- to the application

  /**
   * The next message; `done` when the stream ended well; rejects with the call's error. As often as asked. `holder` is
   * kept from garbage collection while the read waits.
   */
  next(holder: unknown = null): Promise<IteratorResult<T, undefined>> {
    if (this.firstSize > 0) return Promise.resolve({ done: false, value: this.take() });
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.complete) return Promise.resolve(finished);
    this.holder = holder;
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      if (this.waiter === null) this.waiter = waiter;
      else {
        this.moreWaiters ??= [];
        this.moreWaiters.push(waiter);
      }
    });
  }

  /** The application reads no further: what comes is dropped. Never rejects. */
  return(): Promise<IteratorResult<T, undefined>> {
    const stopped = !this.complete && this.failure === null;
    this.discard();
    if (stopped) this.owner.readStopped();
    return Promise.resolve(finished);
  }

  /** As {@link MessageReader.return}, and rejects with `error`. */
  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    void this.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Takes a message that waits, without a promise; undefined if none does. For the unary kinds. */
  shift(): T | undefined {
    return this.firstSize > 0 ? this.take() : undefined;
  }

  /** Messages that wait to be taken. */
  get waiting(): number {
    return this.firstSize === 0 ? 0 : 1 + this.queue.length - this.head;
  }

  private take(): T {
    const message = this.first as T;
    this.stream.credit(this.firstSize);
    if (this.head === this.queue.length) {
      this.first = undefined;
      this.firstSize = 0;
      return message;
    }
    const at = this.head++;
    this.first = this.queue[at]!;
    this.firstSize = this.sizes[at]!;
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.sizes.length = 0;
      this.head = 0;
    } else if (at >= chunk) {
      this.queue.splice(0, this.head);
      this.sizes.splice(0, this.head);
      this.head = 0;
    }
    return message;
  }

  private push(message: T, size: number): void {
    if (this.firstSize === 0) {
      this.first = message;
      this.firstSize = size;
      return;
    }
    if (this.queue === none) {
      this.queue = [];
      this.sizes = [];
    }
    this.queue.push(message);
    this.sizes.push(size);
  }

  // ---- EnvelopeReader

  protected get inflates(): boolean {
    return this.compression !== null;
  }

  protected message(compressed: boolean, b: Uint8Array, start: number, end: number, size: number): void {
    if (compressed && end > start) {
      this.enqueueInflated(inflate(this.compression!, b.subarray(start, end), this.maxBytes), size);
    } else if (this.inflating !== null) {
      this.enqueueInflated(Promise.resolve(b.subarray(start, end)), size);
    } else {
      this.parse(b, start, end, size);
    }
  }

  protected failed(error: ConnectError): void {
    this.failure ??= error;
    this.ignoreInput();
    this.settleWaiters();
    this.owner.readFailed(error);
  }

  private parse(b: Uint8Array, start: number, end: number, size: number): void {
    let message: T;
    try {
      message = this.codec.parse(b, start, end);
    } catch (cause) {
      this.stream.credit(size);
      const text = cause instanceof Error ? cause.message : String(cause);
      this.failed(
        new ConnectError(
          `message of ${end - start} bytes can't be parsed: ${text}`,
          Code.InvalidArgument,
          undefined,
          undefined,
          cause,
        ),
      );
      return;
    }
    this.received++;
    const waiter = this.waiter;
    if (waiter !== null) {
      this.waiter = this.moreWaiters?.shift() ?? null;
      if (this.waiter === null) this.holder = null;
      this.stream.credit(size);
      waiter.resolve({ done: false, value: message });
    } else {
      this.push(message, size);
    }
  }

  private enqueueInflated(inflated: Promise<Uint8Array>, size: number): void {
    this.inflatingCount++;
    const before = this.inflating;
    this.inflating = (async () => {
      try {
        const bytes = await inflated;
        await before;
        if (this.ignoring) this.stream.credit(size);
        else this.parse(bytes, 0, bytes.length, size);
      } catch (cause) {
        await before;
        this.stream.credit(size);
        if (!this.ignoring) this.failed(errorFromThrown(cause, Code.Internal));
      }
      if (--this.inflatingCount > 0) return;
      this.inflating = null;
      if (this.failurePending !== null) this.fail(this.failurePending, false);
      else if (this.endPending) this.end();
    })();
  }

  private settleWaiters(): void {
    for (let waiter = this.waiter; waiter !== null; waiter = this.moreWaiters?.shift() ?? null) {
      if (this.failure !== null) waiter.reject(this.failure);
      else if (this.complete) waiter.resolve(finished);
      else return;
    }
    this.waiter = null;
    this.moreWaiters = null;
    this.holder = null;
  }
}
