// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import { TooManyElementsError } from "@tristream/codec";
import type { ByteStream } from "../../carrier/byte-stream.js";
import type { Peer } from "../../carrier/connection.js";
import type { Compression } from "../../connect-private.js";
import { errorFromThrown } from "../../log/thrown.js";
import { peerError } from "../../protocol/peer-error.js";
import { reasonText } from "../../protocol/printable.js";
import type { AsyncContext } from "../../runtime/async-context.js";
import { decompressions, type QueuedWork } from "./compression-queue.js";
import { decompress } from "./decompress.js";
import { EnvelopeReader } from "./envelope-reader.js";
import { memoryOf, uncountedBytes } from "./held-bytes.js";
import type { MessageCodec } from "./message-codec.js";
import { tooManyElements } from "./too-many-elements.js";
import { type ReadWatcher, UnreadMessages } from "./unread-messages.js";

/** The owner of a reader. */
export interface ReaderOwner {
  /** The context in which an application's compression runs. */
  readonly asyncContext: AsyncContext;
  /** The peer of the connection: connections are served round robin in decompressing. */
  readonly peer: Peer;
  /** The messages that are read: a server reads requests, a client responses. */
  readonly reads: "requests" | "responses";
  /** The header that names the compression, for an error. */
  readonly encodingHeader: string;
  /**
   * The application gets a message that takes so much memory, in the place of the message before; 0: it asks for the next one. Returns
   * the reason if there is not so much.
   */
  hold(bytes: number): ConnectError | null;
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

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });
/** The largest message of a {@link MessageReader.single} reader that is credited when it is taken, as a quarter of the first window. */
const waitsForItsEnd = 16_384;
/**
 * The largest message of a {@link MessageReader.single} reader that is parsed on arrival, with its prefix: its objects take less than
 * the first window, whatever it says. A copy of it would take 0.1 µs.
 */
const parsedOnArrival = 512;
/**
 * From this length on, the carrier hears of a message that is parsed. Last bytes of a thousand messages that came in earlier turns may
 * arrive in one, and smaller messages take 50 ms together.
 */
const countedWork = 1024;
/** An element takes as long as so many bytes more: 64 KiB of empty elements take 3 ms, of text 0.05 ms. */
const elementWork = 8;
/**
 * Small messages that waited are credited together, once they are so many bytes or none waits behind them. Credit for each would cost
 * 5 % of an upload's CPU.
 */
const creditedTogether = 4096;

/**
 * The reading half of a call: cuts the bytes of a stream into messages, and parses, decompresses and hands them out as
 * one async iterator, which is also what `for await` gets. Flow-control credit is given back for what was taken.
 *
 * A message for which no read waits is kept as it came, and so is a compressed one. A read decompresses and parses the next message, and at
 * most 512 bytes of small ones behind it, so unread messages take hardly more room than the window has counted. An invalid message is found
 * then, after all that came before it.
 *
 * Hot path: a message that lies whole in the chunk, and for which a read waits, is parsed where it lies. All others of a
 * chunk are copied at once. One promise a message. (Connect's pipeline has 23 to 32 promises here.)
 */
export class MessageReader<T>
  extends EnvelopeReader
  implements AsyncIterableIterator<T, undefined>, QueuedWork
{
  /** Messages that have arrived. */
  received = 0;
  /** One message is expected, and taken by {@link MessageReader.shift}: the stream's end asks for it. */
  single = false;
  /** True if the last message that was handed out came compressed; undefined before the first message. */
  compressed: boolean | undefined = undefined;
  private codec: MessageCodec<never, T>;
  private readonly owner: ReaderOwner;
  private compression: Compression | null = null;
  // The one message of a single reader, parsed, and the bytes that are credited when it is taken.
  private parsed: T | undefined = undefined;
  private parsedSize = 0;
  private unread: UnreadMessages | null = null;
  private waiter: Waiter<T> | null = null;
  private moreWaiters: Waiter<T>[] | null = null;
  /** The object that a waiting read keeps from garbage collection. */
  holder: unknown = null;
  /** The owner counts the memory of the message that was decoded last. */
  private counted = false;
  private complete = false;
  private failure: ConnectError | null = null;

  constructor(stream: ByteStream, codec: MessageCodec<never, T>, owner: ReaderOwner, maxBytes: number) {
    super(stream, maxBytes);
    this.codec = codec;
    this.owner = owner;
  }

  /** Reads later messages by another codec, which `wrap` makes of the codec. */
  wrapCodec(wrap: (codec: MessageCodec<never, T>) => MessageCodec<never, T>): void {
    this.codec = wrap(this.codec);
  }

  /** How messages that carry the compressed flag are decompressed; null: they are an error. */
  setCompression(compression: Compression | null): void {
    this.compression = compression;
  }

  // ---- from the stream

  /** The peer has sent everything. */
  end(): void {
    if (this.ignoring) return;
    if (!this.wholeAtEnd()) return;
    if (this.single && this.hasUnread) {
      this.unread!.endPending = true;
      this.handOutInContext();
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
    const bytes = this.parsedSize + this.clearUnread();
    if (bytes > 0) this.stream.credit(bytes);
    this.parsed = undefined;
    this.parsedSize = 0;
    if (this.failure === null) this.complete = true;
    this.settleWaiters();
  }

  // ---- to the application

  /**
   * The next message; `done` when the stream ended well; rejects with the call's error. As often as asked. `holder` is
   * kept from garbage collection while the read waits.
   */
  next(holder: unknown = null): Promise<IteratorResult<T, undefined>> {
    const { unread } = this;
    if (unread !== null && unread.length > 0) {
      if (unread.isParsed) return this.resultOf(this.takeAhead(unread));
      if (this.waiter !== null || unread.decompressing) return this.wait(holder);
      unread.look();
      if (!unread.decompresses) {
        const message = this.parseUnread(unread);
        unread.parseAhead(this.codec);
        return this.resultOf(message);
      }
      const result = this.wait(holder);
      this.handOut();
      return result;
    }
    if (this.parsed !== undefined) return this.resultOf(this.take());
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.complete) return Promise.resolve(finished);
    return this.wait(holder);
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

  /** True if a read waits for a decompression. Then `watcher.readsSettled` is called once no read waits for one any more. */
  watch(watcher: ReadWatcher): boolean {
    const { unread } = this;
    if (unread === null || !unread.decompressing || this.waiter === null) return false;
    unread.watcher = watcher;
    return true;
  }

  /** Takes a message that waits and is not compressed, without a promise; undefined if none does. For the unary kinds. */
  shift(): T | undefined {
    if (this.parsed !== undefined) return this.take();
    const { unread } = this;
    if (unread?.isParsed) return this.takeAhead(unread);
    return unread?.look() && !unread.decompresses ? this.parseUnread(unread) : undefined;
  }

  /** Messages that wait to be taken. */
  get waiting(): number {
    return (this.parsed !== undefined ? 1 : 0) + (this.unread === null ? 0 : this.unread.length);
  }

  private take(): T {
    const message = this.parsed as T;
    this.stream.credit(this.parsedSize);
    this.parsed = undefined;
    this.parsedSize = 0;
    return message;
  }

  private wait(holder: unknown): Promise<IteratorResult<T, undefined>> {
    this.holder = holder;
    if (this.counted) this.release();
    return new Promise((resolve) => {
      if (this.waiter === null) this.waiter = resolve;
      else {
        this.moreWaiters ??= [];
        this.moreWaiters.push(resolve);
      }
    });
  }

  private resultOf(message: T | undefined): Promise<IteratorResult<T, undefined>> {
    return message === undefined
      ? Promise.reject(this.failure)
      : Promise.resolve({ done: false, value: message });
  }

  // ---- EnvelopeReader

  protected get encodingHeader(): string {
    return this.owner.encodingHeader;
  }

  protected get decompresses(): boolean {
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
    if (!compressed && !this.hasUnread) {
      if (this.waiter !== null) {
        const message = this.decode(b, start, end, owed, owned);
        if (message !== undefined) this.resolveWaiter(message, owed, false);
        return;
      }
      if (this.single && size <= parsedOnArrival && this.parsed === undefined) {
        const message = this.decode(b, start, end, owed, owned);
        if (message !== undefined) this.keepParsed(message, owed, false);
        return;
      }
    }
    this.unread ??= new UnreadMessages();
    this.unread.add(compressed, b, start, end, owed, owned, this.single);
    if (this.waiter !== null) this.handOutInContext();
  }

  protected get keepsUnread(): boolean {
    return !this.single && (this.waiter === null || this.hasUnread);
  }

  protected unreadArrived(b: Uint8Array, start: number, end: number, count: number): void {
    this.received += count;
    this.unread ??= new UnreadMessages();
    this.unread.append(b, start, end, count);
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
    this.stream.credit(size + this.clearUnread());
    this.failure = error;
    this.ignoreInput();
    this.settleWaiters();
    if (!known) this.owner.readFailed(error);
  }

  /** Parses a message; undefined if it can't be read, and the call has failed. */
  private decode(b: Uint8Array, start: number, end: number, owed: number, owned: boolean): T | undefined {
    let message: T;
    if (end - start >= countedWork) this.stream.parses?.(end - start);
    try {
      message = this.codec.parse(b, start, end, owned);
    } catch (cause) {
      if (cause instanceof TooManyElementsError) {
        this.unreadable(owed, tooManyElements(end - start, cause));
        return undefined;
      }
      this.unreadable(
        owed,
        peerError(
          `message of ${end - start} bytes can't be parsed: ${reasonText(cause)}`,
          this.unreadableCode,
          undefined,
          cause,
        ),
      );
      return undefined;
    }
    if (end - start <= uncountedBytes) {
      if (this.counted) this.release();
      return message;
    }
    this.counted = true;
    const elements = this.codec.elements();
    if (elements > 0 && end - start >= countedWork) this.stream.parses?.(elements * elementWork);
    const refusal = this.owner.hold(memoryOf(end - start, elements));
    if (refusal === null) return message;
    this.unreadable(owed, refusal);
    return undefined;
  }

  /** The application does not have the message any more that was counted last. */
  private release(): void {
    this.counted = false;
    this.owner.hold(0);
  }

  /** Takes and parses the first unread message, which is not compressed; undefined if it can't be read. */
  private parseUnread(unread: UnreadMessages): T | undefined {
    const { b, start, end, owed, owned } = unread;
    unread.shift();
    const message = this.decode(b, start, end, owed, owned);
    if (message === undefined) return undefined;
    this.compressed = unread.compressed;
    unread.uncredited += owed;
    this.creditTogether(unread);
    return message;
  }

  /** Takes the first unread message, which was parsed ahead. */
  private takeAhead(unread: UnreadMessages): T {
    const message = unread.takeParsed() as T;
    this.compressed = false;
    if (this.counted) this.release();
    this.creditTogether(unread);
    return message;
  }

  private handedOut(owed: number, cameCompressed: boolean): void {
    this.compressed = cameCompressed;
    this.credit(owed);
  }

  /** Credits the small messages that were taken, if they are enough or none waits behind them. */
  private creditTogether(unread: UnreadMessages): void {
    if (unread.length === 0 || unread.uncredited >= creditedTogether) this.credit(0);
  }

  /** Credits `owed` bytes, and those of the messages that were taken and not credited. */
  private credit(owed: number): void {
    const { unread } = this;
    const credit = unread === null ? owed : unread.uncredited + owed;
    if (unread !== null) unread.uncredited = 0;
    this.stream.credit(credit);
  }

  private resolveWaiter(message: T, owed: number, compressed: boolean): void {
    const waiter = this.waiter!;
    this.waiter = this.moreWaiters?.shift() ?? null;
    if (this.waiter === null) this.holder = null;
    this.handedOut(owed, compressed);
    waiter({ done: false, value: message });
  }

  /** True if messages wait as they came. */
  private get hasUnread(): boolean {
    return this.unread !== null && this.unread.length > 0;
  }

  private clearUnread(): number {
    const { unread } = this;
    if (unread === null) return 0;
    if (unread.decompressing && decompressions.leave(this.owner.peer, this)) unread.decompressing = false;
    return unread.clear();
  }

  /** For bytes that have arrived: their event runs in a context that calls share. */
  private handOutInContext(): void {
    this.owner.asyncContext.runInAsyncScope(this.handOut, this);
  }

  /** Decompresses and parses unread messages as long as one is asked for. */
  private handOut(): void {
    const unread = this.unread!;
    if (unread.decompressing) return;
    while (unread.look() && (this.waiter !== null || (unread.endPending && this.parsed === undefined))) {
      if (unread.decompresses) {
        unread.decompressing = true;
        decompressions.enter(this.owner.peer, this);
        return;
      }
      const { b, start, end, owed, owned, compressed } = unread;
      unread.shift();
      this.handOutOne(b, start, end, owed, owned, compressed);
    }
    unread.watcher?.readsSettled();
    unread.watcher = null;
    if (unread.endPending && this.failure === null) this.ended();
    else this.settleWaiters();
  }

  /** The first unread message may be decompressed. @inheritdoc */
  beginWork(): void {
    void this.decompress();
  }

  private async decompress(): Promise<void> {
    const unread = this.unread!;
    unread.look();
    const { dropped, b, start, end } = unread;
    try {
      const bytes = await decompress(
        this.compression!,
        unread.owned ? b : new Uint8Array(b.subarray(start, end)),
        this.maxBytes,
        this.unreadableCode,
      );
      unread.decompressing = false;
      if (dropped === unread.dropped) {
        unread.look();
        const { owed } = unread;
        unread.shift();
        // Not owned: a compression may return the same bytes to several callers.
        this.handOutOne(bytes, 0, bytes.length, owed, false, true);
      }
    } catch (cause) {
      unread.decompressing = false;
      if (dropped === unread.dropped) this.unreadable(0, errorFromThrown(cause, Code.Internal));
    } finally {
      decompressions.done(this);
    }
    this.handOut();
  }

  private handOutOne(
    b: Uint8Array,
    start: number,
    end: number,
    owed: number,
    owned: boolean,
    compressed: boolean,
  ): void {
    const message = this.decode(b, start, end, owed, owned);
    if (message === undefined) return;
    if (this.waiter === null) this.keepParsed(message, owed, compressed);
    else this.resolveWaiter(message, owed, compressed);
  }

  private keepParsed(message: T, owed: number, compressed: boolean): void {
    this.parsed = message;
    this.parsedSize = owed;
    this.compressed = compressed;
  }

  private ended(): void {
    if (this.unread !== null) this.unread.endPending = false;
    this.complete = true;
    this.settleWaiters();
    this.owner.readEnded();
  }

  private settleWaiters(): void {
    if (this.hasUnread) return;
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
