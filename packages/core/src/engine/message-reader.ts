// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import type { Compression } from "../connect-private.js";
import { peerError } from "../protocol/peer-error.js";
import { reasonText } from "../protocol/printable.js";
import type { AsyncContext } from "./async-context.js";
import type { ByteStream } from "./byte-stream.js";
import { EnvelopeReader } from "./envelope-reader.js";
import { inflate } from "./inflate.js";
import type { MessageCodec } from "./message-codec.js";
import { type PackedMessage, PackedMessages } from "./packed-messages.js";
import { errorFromThrown } from "./thrown.js";

/** What the owner of a reader has to hear. */
export interface ReaderOwner {
  /** The context in which an application's compression runs. */
  readonly asyncContext: AsyncContext;
  /** The messages that are read: a server reads requests, a client responses. */
  readonly reads: "requests" | "responses";
  /** A message could not be read: the call has to fail with `error`. */
  readFailed(error: ConnectError): void;
  /** The application reads no further, by `return()`. */
  readStopped(): void;
  /** Every message has arrived; the one of a {@link MessageReader.single} reader can be taken. Not called after a failure. */
  readEnded(): void;
}

/**
 * Settles a read that waits; one that fails is settled by a rejected promise. (The function that rejects, and an object for both,
 * would be 96 bytes of each stream that is idle.)
 */
type Waiter<T> = (result: IteratorResult<T, undefined> | Promise<never>) => void;

/** The arrays of a reader that has none yet; never written. */
const none: never[] = [];
const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });
/** The largest message of a {@link MessageReader.single} reader that is credited when it is taken, as a quarter of the first window. */
const waitsForItsEnd = 16_384;
/** A chunk of the queue is dropped in one piece, so that taking a message costs the same with ten and with 10,000 waiting. */
const chunk = 1024;

/**
 * The reading half of a call: cuts the bytes of a stream into messages, parses, queues, inflates, and hands them out as
 * one async iterator, which is also what `for await` gets. Flow-control credit is given back for what was taken.
 *
 * A compressed message waits as it came, and what comes behind it too: it is inflated for a read that waits for it, one
 * at a time, so that what nobody has asked for takes no more room than the window has counted. What is wrong with it is
 * found then, behind all that came before.
 *
 * Hot path: one pass over a chunk for all messages in it; a message that lies whole in the chunk is parsed where it
 * lies. One promise a message. (Connect's pipeline has 23 to 32 promises here.)
 */
export class MessageReader<T> extends EnvelopeReader implements AsyncIterableIterator<T, undefined> {
  /** Messages that have arrived. */
  received = 0;
  /** One message is expected, and taken by {@link MessageReader.shift}: the stream's end asks for it. */
  single = false;
  /** Whether the last message that was handed out came compressed; undefined before the first message. */
  compressed: boolean | undefined = undefined;
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
  // Compressed messages, and all behind them: they come after those that wait parsed.
  private packed: PackedMessages | null = null;

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
    if (this.single && this.hasPacked) {
      this.packed!.endPending = true;
      this.unpackInContext();
      return;
    }
    this.ended();
  }

  /**
   * The call is over with an error: reads reject with it, after what has arrived was taken, or at once when `discard`
   * is set.
   */
  fail(error: ConnectError, discard: boolean): void {
    if (this.failure === null && (!this.complete || discard)) this.failure = error;
    if (discard) this.discard();
    this.settleWaiters();
  }

  /** Drops what waits and what comes. Reads end cleanly unless {@link MessageReader.fail} was called. */
  discard(): void {
    this.ignoreInput();
    let bytes = this.firstSize;
    for (let i = this.head; i < this.queue.length; i++) bytes += this.sizes[i]!;
    if (this.packed !== null) bytes += this.packed.clear();
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
    if (this.firstSize > 0) {
      // Messages that wait parsed were not compressed, except for a single message, for which `parse` has set the flag.
      if (this.compressed !== false && !this.single) this.compressed = false;
      return Promise.resolve({ done: false, value: this.take() });
    }
    const { hasPacked } = this;
    if (!hasPacked && this.failure !== null) return Promise.reject(this.failure);
    if (!hasPacked && this.complete) return Promise.resolve(finished);
    this.holder = holder;
    return new Promise((resolve) => {
      if (this.waiter === null) this.waiter = resolve;
      else {
        this.moreWaiters ??= [];
        this.moreWaiters.push(resolve);
      }
      if (hasPacked) void this.unpack();
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

  /** Takes a message that waits parsed, without a promise; undefined if none does. For the unary kinds. */
  shift(): T | undefined {
    return this.firstSize > 0 ? this.take() : undefined;
  }

  /** Messages that wait to be taken. */
  get waiting(): number {
    const packed = this.packed === null ? 0 : this.packed.length;
    return this.firstSize === 0 ? packed : 1 + this.queue.length - this.head + packed;
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

  /**
   * The code of an unreadable message. An unreadable request is the client's fault. An unreadable response is never the fault of
   * the client that asked for it (grpc/grpc doc/statuscodes.md).
   */
  protected get unreadableCode(): Code {
    return this.owner.reads === "requests" ? Code.InvalidArgument : Code.Internal;
  }

  protected message(
    compressed: boolean,
    b: Uint8Array,
    start: number,
    end: number,
    size: number,
    owned: boolean,
  ): void {
    this.received++;
    let owed = size;
    if (this.single && size > waitsForItsEnd) {
      // Only the stream's end asks for this message, and the peer may need window to send that end.
      this.stream.credit(size - 1);
      owed = 1;
    }
    if (compressed || this.hasPacked) {
      this.packed ??= new PackedMessages();
      this.packed.push(compressed, b, start, end, owed);
      if (this.waiter !== null) this.unpackInContext();
    } else {
      this.parse(b, start, end, owed, false, owned);
    }
  }

  protected failed(error: ConnectError): void {
    this.failure ??= error;
    this.ignoreInput();
    this.settleWaiters();
    this.owner.readFailed(error);
  }

  /**
   * The message whose turn it was can't be read: its `size` is given back, with what waits behind it. Reads reject with
   * this, though the call may have failed for something that came later.
   */
  private unreadable(size: number, error: ConnectError): void {
    const known = this.failure !== null;
    this.stream.credit(size + (this.packed === null ? 0 : this.packed.clear()));
    this.failure = error;
    this.ignoreInput();
    this.settleWaiters();
    if (!known) this.owner.readFailed(error);
  }

  private parse(
    b: Uint8Array,
    start: number,
    end: number,
    size: number,
    compressed: boolean,
    owned: boolean,
  ): void {
    let message: T;
    try {
      message = this.codec.parse(b, start, end, owned);
    } catch (cause) {
      this.unreadable(
        size,
        peerError(
          `message of ${end - start} bytes can't be parsed: ${reasonText(cause)}`,
          this.unreadableCode,
          undefined,
          cause,
        ),
      );
      return;
    }
    const waiter = this.waiter;
    if (waiter !== null || this.single) this.compressed = compressed;
    if (waiter !== null) {
      this.waiter = this.moreWaiters?.shift() ?? null;
      if (this.waiter === null) this.holder = null;
      this.stream.credit(size);
      waiter({ done: false, value: message });
    } else {
      this.push(message, size);
    }
  }

  /** For bytes that have arrived: their event runs in a context that calls share. */
  private unpackInContext(): void {
    void this.owner.asyncContext.runInAsyncScope(this.unpack, this);
  }

  /** Whether messages wait as they came. */
  private get hasPacked(): boolean {
    return this.packed !== null && this.packed.length > 0;
  }

  /**
   * Inflates and parses packed messages as long as one is asked for. Whoever drops them meanwhile gives their credit, that of
   * the one at hand too.
   */
  private async unpack(): Promise<void> {
    const packed = this.packed!;
    if (packed.unpacking) return;
    packed.unpacking = true;
    for (let next = packed.first; next !== undefined; next = packed.first) {
      if (this.waiter === null && !packed.endPending) break;
      // An empty message is not inflated, whatever its flag.
      const inflates = next.compressed && next.bytes.length > 0;
      const bytes = inflates ? await this.inflated(next) : next.bytes;
      if (packed.first !== next || bytes === null) continue;
      packed.shift();
      // Not owned: a compression may return the same bytes to several callers.
      this.parse(bytes, 0, bytes.length, next.owed, next.compressed, false);
    }
    packed.unpacking = false;
    if (packed.endPending && this.failure === null) this.ended();
    else this.settleWaiters();
  }

  /** A message, inflated; null if it can't be, and the call has failed, or nobody wants to know. */
  private async inflated(message: PackedMessage): Promise<Uint8Array | null> {
    try {
      return await inflate(this.compression!, message.bytes, this.maxBytes, this.unreadableCode);
    } catch (cause) {
      if (this.packed!.first === message) this.unreadable(0, errorFromThrown(cause, Code.Internal));
      return null;
    }
  }

  private ended(): void {
    if (this.packed !== null) this.packed.endPending = false;
    this.complete = true;
    this.settleWaiters();
    this.owner.readEnded();
  }

  private settleWaiters(): void {
    if (this.hasPacked) return;
    for (let waiter = this.waiter; waiter !== null; waiter = this.moreWaiters?.shift() ?? null) {
      if (this.failure !== null) waiter(Promise.reject(this.failure));
      else if (this.complete) waiter(finished);
      else return;
    }
    this.waiter = null;
    this.moreWaiters = null;
    this.holder = null;
  }
}
