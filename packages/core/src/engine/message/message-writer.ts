// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { ByteStream } from "../../carrier/byte-stream.js";
import type { Peer } from "../../carrier/connection.js";
import type { Compression } from "../../connect-private.js";
import { compressedFlag, prefixLength, writePrefix } from "../../protocol/envelope.js";
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { isThenable, openIterator } from "../../runtime/iterator.js";
import type { BareBody } from "./bare-body.js";
import { choiceOf } from "./compress-choice.js";
import { compressions } from "./compression-queue.js";
import { type MessageCodec, serializeMessage } from "./message-codec.js";

/** The owner of a writer. */
export interface WriterOwner {
  /** The peer of the connection: connections take turns in compressing. */
  readonly peer: Peer;
  /** The context of the source. The writer keeps it up to date, and enters it wherever a shared callback resumes the source. */
  asyncContext: AsyncContext;
  /** A message is about to be sent: headers have to have left. Called before the first one. */
  beforeFirstMessage(): void;
  /** Of a {@link MessageWriter.bare} writer: sends its one message, or keeps it until the head can leave. Returns whether there is room. */
  sendBody(body: BareBody): boolean;
  /** The source that {@link MessageWriter.pump} reads is used up and all of it was written. */
  sourceEnded(): void;
  /** The source threw, or gave what can't be sent. */
  sourceFailed(error: unknown): void;
  /**
   * The source runs no more: it threw, or was left before its end and has come to rest. `error` is what it threw after it
   * was left, undefined if nothing. Not called for one that was used up.
   */
  sourceSettled(error: unknown): void;
}

/** How messages are compressed. */
export interface WriteCompression {
  readonly compression: Compression;
  /** Smaller messages are sent uncompressed unless a choice was made for them, in bytes; Infinity: all messages. */
  readonly minBytes: number;
}

/** A call of {@link MessageWriter.room} that waits. */
interface RoomWaiter {
  readonly resolve: (roomy: boolean) => void;
  /** The number of the message that it waits behind, and where that ends among all bytes written: Infinity while it is compressed. */
  readonly message: number;
  end: number;
}

/** A message of a source that may take so many bytes asks for its turn. Smaller ones are bounded by the room for them. */
const largeBytes = 16_384;

/** Copying short runs in a loop beats the call of `set` below about this many bytes. */
const loopUpTo = 48;

/**
 * The writing half of a call: serialises, compresses, frames, and sends as there is room. `write` is the engine's one
 * way out; `pump` feeds it from the application's iterable, one message at a time and only when there is room.
 *
 * Hot path: a message is framed straight into the connection's outgoing buffer; a pumped message costs the iterator's
 * own promise and one reaction. (Connect's pipeline has 27 to 37 promises here.)
 */
export class MessageWriter<T> {
  /** Messages that were written. */
  sent = 0;
  /** The one message is the whole body, without an envelope. Set before it is written. */
  bare = false;
  /** Compression of later messages; undefined: by their size. A message's own choice overrides this. */
  compress: boolean | undefined = undefined;
  /** The compression of messages; null: no message is compressed. Set before the headers leave. */
  compression: WriteCompression | null;
  private readonly stream: ByteStream;
  private codec: MessageCodec<T, unknown>;
  private readonly owner: WriterOwner;
  private readonly maxBytes: number;
  private source: AsyncIterator<T> | Iterator<T> | null = null;
  private blocked = false;
  private stopped = false;
  /** An answer of the source is awaited. */
  private asking = false;
  /** The source's message that waits for its turn. */
  private postponed: IteratorResult<T> | null = null;
  /** The source has given a message that is large, or whose size shows late: later messages ask for their turns, as the first one does. */
  private large = false;
  /** The source was left while its answer was awaited, and has no `return()` whose promise would settle. */
  private settlesWithAnswer = false;
  /** The messages that wait for a compression, and the end behind them. */
  private compressing: Promise<void> | null = null;
  private compressingCount = 0;
  private roomWaiters: RoomWaiter[] | null = null;
  /** Bytes that the stream was given, those that wait in its queue among them. */
  private written = 0;
  // The reactions to the source's promises; made when there is a source.
  private onResult: ((result: IteratorResult<T>) => void) | null = null;
  private onError: ((error: unknown) => void) | null = null;

  constructor(
    stream: ByteStream,
    codec: MessageCodec<T, unknown>,
    owner: WriterOwner,
    maxBytes: number,
    compression: WriteCompression | null,
  ) {
    this.stream = stream;
    this.codec = codec;
    this.owner = owner;
    this.maxBytes = maxBytes;
    this.compression = compression;
  }

  /** Writes later messages by another codec, which `wrap` makes of the codec. */
  wrapCodec(wrap: (codec: MessageCodec<T, unknown>) => MessageCodec<T, unknown>): void {
    this.codec = wrap(this.codec);
  }

  /**
   * Sends a message; `end` half-closes behind it. Returns whether there is room for more; if not, `writable` comes.
   * A stopped writer sends nothing and returns false, and `room()` gives false.
   * Throws a `ConnectError` for a message that is too large, a `TypeError` for one that can't be serialised.
   */
  write(message: T, end: boolean): boolean {
    if (this.stopped) return false;
    if (this.sent++ === 0) this.owner.beforeFirstMessage();
    const { direct } = this.codec;
    let bound = -1;
    if (direct !== undefined && this.compression === null && !this.bare) {
      bound = direct.bound(message);
      const fits = bound >= 0 && bound <= this.maxBytes;
      const { stream } = this;
      const place = fits ? stream.reserve(bound + prefixLength) : -1;
      if (place >= 0) {
        const b = stream.buffer;
        const length = direct.write(message, b, place + prefixLength) - place - prefixLength;
        // A getter may have ended the call, sent something on the connection, or given more than before.
        if (length >= 0 && length <= bound && stream.buffer === b && !this.stopped) {
          writePrefix(b, place, 0, length);
          this.written += length + prefixLength;
          return stream.commit(length + prefixLength, end);
        }
        stream.unreserve();
        if (this.stopped) return false;
      }
    }
    return this.writeSlowly(message, end, bound);
  }

  /** `bound`: the most bytes that the message may take, -1 if only serialization shows them. */
  private writeSlowly(message: T, end: boolean, bound: number): boolean {
    if (this.source !== null && !this.large && (bound < 0 || bound >= largeBytes)) {
      this.large = true;
      if (bound > 0 && this.sent > 1 && this.stream.answerWaits?.(false) === true) {
        this.sent--;
        this.postpone({ done: false, value: message });
        return false;
      }
    }
    const bytes = this.serialize(message);
    if (this.stopped) return false;
    if (this.compression === null) return this.writeBytes(bytes, 0, end);
    return this.writeChosen(bytes, end, choiceOf(message) ?? this.compress, this.compression);
  }

  /** A message that can't be serialised was not sent. */
  private serialize(message: T): ReturnType<typeof serializeMessage> {
    try {
      return serializeMessage(this.codec, message, this.maxBytes);
    } catch (error) {
      this.sent--;
      throw error;
    }
  }

  /** Sends the body of a bare request. */
  writeBody(body: BareBody): void {
    if (this.stopped) return;
    this.sent++;
    const { bytes, compression } = body;
    if (compression === null) this.writeBytes(bytes, 0, true);
    else this.writeChosen(bytes, true, true, { compression, minBytes: 0 });
  }

  /** Half-closes, behind what is being compressed; not if the writer stops meanwhile. */
  end(then: () => void): void {
    const { compressing } = this;
    if (compressing === null) then();
    else
      compressing.then(
        () => {
          if (!this.stopped) then();
        },
        () => {},
      );
  }

  /**
   * True at the next `writable`: there is room for more. When the writer stops before: whether the message that was written
   * last has left the stream's queue, so that it is on its way. The owner of the writer sees to it that the rest never leaves.
   */
  room(): Promise<boolean> {
    if (this.stopped) return Promise.resolve(false);
    const end = this.compressing === null ? this.written : Number.POSITIVE_INFINITY;
    return new Promise((resolve) => {
      this.roomWaiters ??= [];
      this.roomWaiters.push({ resolve, message: this.sent, end });
    });
  }

  /** Sends what an iterable gives, as there is room. The owner hears how it ends. A stopped writer opens it just to leave it. */
  pump(source: AsyncIterable<T> | Iterable<T>): void {
    try {
      this.source = openIterator(source);
    } catch (error) {
      this.owner.sourceSettled(undefined);
      this.owner.sourceFailed(error);
      return;
    }
    if (this.stopped) {
      const late = this.source;
      this.source = null;
      this.leave(late);
      return;
    }
    this.onResult = (result) => this.sourceGave(result);
    this.onError = (error) => this.sourceThrew(error);
    this.step();
    // With the stores that the source has entered before its first await.
    if (this.source !== null) this.owner.asyncContext = captureContext();
  }

  /** The stream has room again. */
  writable(): void {
    if (this.compressing !== null) return;
    this.wakeRoomWaiters(Number.POSITIVE_INFINITY);
    if (!this.blocked) return;
    this.blocked = false;
    this.owner.asyncContext.runInAsyncScope(this.step, this);
  }

  /** The turn of the source's message has come. */
  answerTurn(): void {
    const { postponed } = this;
    this.postponed = null;
    if (postponed !== null && !this.stopped)
      this.owner.asyncContext.runInAsyncScope(this.sourceGave, this, postponed);
  }

  /**
   * The call is over: nothing is sent any more, and the source gets `return()`, which runs the `finally` of a
   * generator that waits at a `yield`. Its answer is not awaited: it may be pending for ever.
   */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    const { source } = this;
    this.source = null;
    this.wakeRoomWaiters(this.written - this.stream.queuedBytes);
    if (source !== null) this.owner.asyncContext.runInAsyncScope(this.leave, this, source);
  }

  /** Tells a source that nothing more is wanted of it; the owner hears when it has come to rest. */
  private leave(source: AsyncIterator<T> | Iterator<T>): void {
    const settled = (error?: unknown): void => this.owner.sourceSettled(error);
    try {
      const leave: unknown = source.return;
      if (typeof leave !== "function") {
        if (this.asking) this.settlesWithAnswer = true;
        else settled();
        return;
      }
      const result: unknown = leave.call(source);
      if (isThenable(result)) Promise.resolve(result).then(() => settled(), settled);
      else settled();
    } catch (error) {
      settled(error);
    }
  }

  /** True for those whose message ends within the first `left` bytes. */
  private wakeRoomWaiters(left: number): void {
    const waiters = this.roomWaiters;
    if (waiters === null) return;
    this.roomWaiters = null;
    for (const { resolve, end } of waiters) resolve(end <= left);
  }

  private step(): void {
    const { source } = this;
    if (source === null || this.stopped) return;
    try {
      for (;;) {
        const result = source.next();
        if (isThenable(result)) {
          this.asking = true;
          // The runtime restores the context for reactions of its own promises. The thenable of another library calls back in any context.
          const promise = result.constructor === Promise ? result : Promise.resolve(result);
          promise.then(this.onResult, this.onError);
          return;
        }
        if (!this.take(result)) return;
      }
    } catch (error) {
      this.sourceThrew(error);
    }
  }

  private sourceGave(result: IteratorResult<T>): void {
    this.asking = false;
    if (this.stopped) {
      if (this.settlesWithAnswer) this.owner.sourceSettled(undefined);
      return;
    }
    try {
      if (this.take(result)) this.step();
    } catch (error) {
      this.sourceThrew(error);
    }
  }

  private sourceThrew(error: unknown): void {
    this.asking = false;
    if (this.stopped) {
      // A generator that throws has run to its end.
      this.owner.sourceSettled(error);
      return;
    }
    this.source = null;
    this.owner.sourceSettled(undefined);
    this.owner.sourceFailed(error);
  }

  /** A message of the source can't be sent. */
  private refuse(error: unknown): void {
    const { source } = this;
    this.source = null;
    this.owner.sourceFailed(error);
    if (source !== null) this.leave(source);
  }

  /** One result of the source; true when the next one may be asked for at once. */
  private take(result: IteratorResult<T>): boolean {
    if (result.done === true) {
      this.sourceDone();
      return false;
    }
    if ((this.sent === 0 || this.large) && this.stream.answerWaits?.(this.sent === 0) === true) {
      this.postpone(result);
      return false;
    }
    let roomy: boolean;
    try {
      roomy = this.write(result.value, false);
    } catch (error) {
      this.refuse(error);
      return false;
    }
    if (!roomy && this.postponed === null) this.waitForRoom();
    return roomy && !this.stopped;
  }

  /** A message of the source waits for its turn. */
  private postpone(result: IteratorResult<T>): void {
    this.postponed = result;
    this.owner.asyncContext = captureContext();
  }

  private sourceDone(): void {
    this.source = null;
    this.end(() => {
      if (!this.stopped) this.owner.sourceEnded();
    });
  }

  private waitForRoom(): void {
    this.blocked = true;
    this.owner.asyncContext = captureContext();
  }

  /** Throws a `ConnectError` if too many bytes wait to be sent for a message of `length` bytes to wait, too. */
  private admit(length: number): void {
    const refusal = this.stream.refuseMessage?.(length + prefixLength);
    if (typeof refusal === "string") throw new ConnectError(refusal, Code.ResourceExhausted);
  }

  /** `admitted`: the message has waited for its compression, and may wait on. */
  private writeBytes(bytes: Uint8Array, flag: number, end: boolean, admitted = false): boolean {
    const { stream } = this;
    const length = bytes.length;
    if (this.bare) {
      if (!admitted) this.admit(length);
      const { compression } = this;
      const compressed = flag === compressedFlag && compression !== null;
      return this.owner.sendBody({ bytes, compression: compressed ? compression.compression : null });
    }
    const place = stream.reserve(length + prefixLength);
    if (place < 0 && !admitted) this.admit(length);
    this.written += length + prefixLength;
    if (place < 0) {
      const prefix = new Uint8Array(prefixLength);
      writePrefix(prefix, 0, flag, length);
      stream.write(prefix, false, true);
      return stream.write(bytes, end);
    }
    const b = stream.buffer;
    writePrefix(b, place, flag, length);
    const at = place + prefixLength;
    if (length > loopUpTo) b.set(bytes, at);
    else for (let i = 0; i < length; i++) b[at + i] = bytes[i]!;
    return stream.commit(length + prefixLength, end);
  }

  /** Sends a message, compressed or not, behind messages that are being compressed. */
  private writeChosen(
    bytes: Uint8Array,
    end: boolean,
    chosen: boolean | undefined,
    how: WriteCompression,
  ): boolean {
    const before = this.compressing;
    const compresses = chosen ?? bytes.length >= how.minBytes;
    const message = this.sent;
    if (!compresses && before === null) return this.writeBytes(bytes, 0, end);
    const { stream } = this;
    const { length } = bytes;
    this.admit(bytes.length);
    stream.compressing?.(length);
    const running: Promise<void> = (async () => {
      let sent = bytes;
      try {
        // A call that has ended meanwhile leaves its turn to others.
        const compress = async () => (this.stopped ? bytes : how.compression.compress(bytes));
        if (compresses) sent = await compressions.run(this.owner.peer, compress);
        await before;
      } finally {
        stream.compressing?.(-length);
      }
      if (this.stopped) return;
      const roomy = this.writeBytes(sent, compresses ? compressedFlag : 0, end, true);
      const waiter = this.roomWaiters?.find((each) => each.message === message);
      if (waiter !== undefined) waiter.end = this.written;
      if (--this.compressingCount > 0) return;
      this.compressing = null;
      if (roomy) this.writable();
    })();
    this.compressingCount++;
    this.compressing = running;
    running.catch((error: unknown) => {
      this.compressing = null;
      if (!this.stopped) this.refuse(error);
    });
    return false;
  }
}
