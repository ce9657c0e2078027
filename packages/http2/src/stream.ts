// SPDX-License-Identifier: Apache-2.0
import { ClosedBy } from "./closed-streams.js";
import { ErrorCode } from "./error-code.js";
import type { DataTarget } from "./frame/frame-reader.js";
import { frameHeaderLength } from "./frame/frame-type.js";
import type { HeaderBlock } from "./hpack/header-block.js";
import { checkOctets } from "./hpack/string-literal.js";
import type { Output } from "./output.js";
import { outputSize } from "./output.js";
import { ReceivingHalf, type ReceivingHost } from "./receiving-half.js";
import { SendQueue } from "./send-queue.js";
import type { StreamReset, StreamSink } from "./stream-sink.js";

/** Header fields to send: a prepared block, or name, value, name, value … with lower-case names. */
export type OutgoingHeaders = HeaderBlock | readonly string[];

/** What a stream needs of its connection. */
export interface StreamHost extends ReceivingHost {
  readonly output: Output;
  readonly peerMaxFrameSize: number;
  sendWindow: number;
  writeHeaders(stream: Stream, headers: OutgoingHeaders, end: boolean): void;
  writeReset(stream: Stream, code: number): void;
  streamError(stream: Stream, code: number, message: string): void;
  streamClosed(stream: Stream, cause: number): void;
  /** A stream that closed while it was held is let go. */
  streamReleased(): void;
  /** Moves queued bytes as far as windows and link allow. */
  pump(stream: Stream): void;
  /** Calls the sink's `writable` next turn. */
  rest(stream: Stream): void;
  /** Resets the stream next turn, unless the peer ends it before. */
  linger(stream: Stream): void;
  /** Bytes that one turn may send before those who receive get a go; past it senders rest. */
  readonly turnSpent: boolean;
}

/** Bytes that wait in a stream past which `write` says that it is full; below half of it the sink hears `writable`. */
const queueLimit = 65_536;

/** A stream's queued end. */
const End = { OPEN: 0, END_STREAM: 1, TRAILERS: 2 } as const;

/** No sink is set yet, or nobody cares any more. */
const deaf: StreamSink = {
  headers() {},
  data() {},
  trailers() {},
  end() {},
  reset() {},
  writable() {},
};

/**
 * One HTTP/2 stream: its state, its windows, and what waits to be sent. A class with fixed fields because there may be
 * ten thousand of them and every message passes through: no closures, no promises.
 */
export class Stream extends ReceivingHalf<StreamHost> implements DataTarget {
  /** Who takes what arrives. Set it before returning to the connection. */
  sink: StreamSink = deaf;
  /** END_STREAM was sent, or is queued behind data. */
  localEnded = false;
  /** This side has sent headers. */
  answered = false;
  /** Whoever serves it has not settled: it counts against the limit on streams, also when it is closed. */
  held = false;
  /** The first header list arrived (client: the final response). */
  headersReceived = false;
  /** Octets of the interim responses so far, counted like a header list. */
  interimSize = 0;
  /** What the peer lets us send on this stream; may be negative (RFC 9113 §6.9.2). */
  sendWindow: number;
  /** Bytes waiting for a window or for the link. */
  queue: SendQueue | null = null;
  /** A send returned false and the sink has not heard `writable` since. */
  starved = false;
  /** Links of the list of streams that are ready to send; see scheduler.ts. */
  ready = false;
  next: Stream | null = null;
  /** Link of the table of open streams. */
  tableNext: Stream | null = null;
  /** It hears `writable` next turn. */
  resting = false;
  previous: Stream | null = null;
  /** Declared length of what arrives, -1 if none was. */
  contentLength = -1;
  /** The header fields that wait with the stream for its turn to be opened. */
  waitingHeaders: OutgoingHeaders | null = null;
  private whenClosed: (() => void) | null = null;
  private queuedEnd: number = End.OPEN;
  private queuedTrailers: OutgoingHeaders | null = null;
  private reservedAt = -1;
  constructor(host: StreamHost, id: number, sendWindow: number) {
    super(host);
    this.id = id;
    this.sendWindow = sendWindow;
  }

  /** The buffer that {@link Stream.reserve} gives a place in. */
  get buffer(): Uint8Array {
    return this.host.output.buffer;
  }

  /** Bytes that wait for a window or for the link, or for the stream to be opened. */
  get queuedBytes(): number {
    return this.queue === null ? 0 : this.queue.length;
  }

  /**
   * Sends a header list; `end` half-closes. Use {@link Stream.sendTrailers} for the last one. Throws a `RangeError` for a field
   * that is not of octets, and then nothing is sent.
   */
  sendHeaders(headers: OutgoingHeaders, end: boolean): void {
    if (this.closed || this.localEnded) return;
    this.answered = true;
    if (this.id === 0) {
      checkFields(headers);
      this.waitingHeaders = headers;
    } else this.host.writeHeaders(this, headers, end);
    if (end) this.endLocal();
  }

  /**
   * A place for up to `length` bytes in {@link Stream.buffer}, to be written at once and followed by
   * {@link Stream.commit}. Returns -1 when there is none now: use {@link Stream.write}.
   */
  reserve(length: number): number {
    const host = this.host;
    if (
      this.queue !== null ||
      this.id === 0 ||
      this.closed ||
      this.localEnded ||
      length > this.sendWindow ||
      length > host.sendWindow ||
      length > host.peerMaxFrameSize ||
      length + frameHeaderLength > outputSize ||
      host.output.congested
    ) {
      return -1;
    }
    this.reservedAt = host.output.reserveData(this.id, length, host.peerMaxFrameSize);
    return this.reservedAt;
  }

  /** Sends the `length` bytes that were written at the reserved place. Returns whether there is room for more now. */
  commit(length: number, end: boolean): boolean {
    const host = this.host;
    this.sendWindow -= length;
    host.sendWindow -= length;
    host.output.commitData(this.id, this.reservedAt, length, end);
    if (end) {
      this.endLocal();
      return true;
    }
    return this.hasRoom();
  }

  /**
   * Sends bytes, or queues what the windows don't let out. Pieces above 8 KiB are referred to until they have left.
   * `more`: another write follows at once, so it may wait for that. Returns whether there is room for more; if not,
   * the sink hears `writable`. Bytes given all the same are queued.
   */
  write(bytes: Uint8Array, end: boolean, more = false): boolean {
    if (this.closed || this.localEnded) return true;
    this.queue ??= new SendQueue();
    this.queue.push(bytes);
    if (end) {
      this.queuedEnd = End.END_STREAM;
      this.localEnded = true;
    }
    if (more) return true;
    if (this.id !== 0) this.host.pump(this);
    return end || this.hasRoom();
  }

  /** Half-closes, behind what is queued. */
  sendEnd(): void {
    if (this.closed || this.localEnded) return;
    if (this.queue !== null || this.id === 0) {
      this.queue ??= new SendQueue();
      this.queuedEnd = End.END_STREAM;
      this.localEnded = true;
    } else {
      this.host.output.endData(this.id);
      this.endLocal();
    }
  }

  /** Sends trailers and half-closes, behind what is queued. Throws as {@link Stream.sendHeaders}. */
  sendTrailers(headers: OutgoingHeaders): void {
    if (this.closed || this.localEnded) return;
    if (this.queue !== null || this.id === 0) {
      checkFields(headers);
      this.queue ??= new SendQueue();
      this.queuedEnd = End.TRAILERS;
      this.queuedTrailers = headers;
      this.localEnded = true;
    } else {
      this.host.writeHeaders(this, headers, true);
      this.endLocal();
    }
  }

  /** Ends the stream at once with RST_STREAM; what is queued is dropped. The sink is not called. */
  reset(code: number): void {
    if (this.closed) return;
    if (this.id !== 0) this.host.writeReset(this, code);
    this.close(ClosedBy.LOCAL_RESET);
  }

  /** Server: keeps the stream's place in the limit on streams, even when it has closed, until {@link Stream.release}. */
  hold(): void {
    if (!this.closed) this.held = true;
  }

  /** Whoever serves the stream has settled. */
  release(): void {
    if (!this.held) return;
    this.held = false;
    if (this.closed) this.host.streamReleased();
  }

  /** Closes without a word, since nothing of the stream was ever sent. The sink is not called. */
  discard(): void {
    if (!this.closed) this.close(ClosedBy.LOCAL_RESET);
  }

  /**
   * This side is through with the exchange: what is still open is ended by RST_STREAM(NO_ERROR) (RFC 9113 §8.1), once
   * what is queued has left, and only if the peer doesn't end it within the turn. The sink is not called any more.
   */
  abandon(whenClosed?: () => void): void {
    this.sink = deaf;
    this.expect(0);
    if (this.closed) {
      whenClosed?.();
      return;
    }
    this.whenClosed = whenClosed ?? null;
    if (!this.closed && this.queue === null) this.host.linger(this);
  }

  /** Whether {@link Stream.abandon} was called. */
  get abandoned(): boolean {
    return this.sink === deaf;
  }

  // ---- for the connection

  /** @inheritdoc */
  dataPadding(padding: number): void {
    this.credit(padding);
  }

  /** @inheritdoc */
  dataPiece(b: Uint8Array, start: number, end: number): void {
    if (this.closed || this.sink === deaf) {
      this.credit(end - start);
      return;
    }
    this.arrived(end - start);
    if (this.contentLength >= 0 && this.bodyReceived > this.contentLength) this.overrun(b, start, end);
    else this.sink.data(b, start, end);
  }

  /** @inheritdoc */
  dataDone(endStream: boolean): void {
    if (!endStream || this.closed || !this.bodyComplete()) return;
    this.endRemote();
    this.sink.end();
  }

  /** Checks the declared length when the peer ends; resets the stream and returns false when it differs. */
  bodyComplete(): boolean {
    if (this.contentLength < 0 || this.contentLength === this.bodyReceived || this.sink === deaf) return true;
    this.host.streamError(
      this,
      ErrorCode.PROTOCOL_ERROR,
      `content-length is ${this.contentLength}, but the body has ${this.bodyReceived} bytes`,
    );
    return false;
  }

  /** The peer ended its side. */
  endRemote(): void {
    this.remoteEnded = true;
    if (this.localEnded && this.queue === null && !this.closed) this.close(ClosedBy.ENDED);
  }

  /** The bad end: closes, then tells the sink. */
  fail(reset: StreamReset, cause: number): void {
    if (this.closed) return;
    const sink = this.sink;
    this.close(cause);
    sink.reset(reset);
  }

  /** Everything queued has been moved: the queued end follows. */
  queueEmptied(): void {
    this.queue = null;
    const end = this.queuedEnd;
    if (end === End.OPEN) {
      if (this.sink === deaf) this.host.linger(this);
      return;
    }
    if (end === End.TRAILERS && this.queuedTrailers !== null) {
      this.host.writeHeaders(this, this.queuedTrailers, true);
      this.queuedTrailers = null;
    }
    this.endLocal();
    if (this.sink === deaf && !this.closed) this.host.linger(this);
  }

  /** Whether the last byte of the queue carries END_STREAM. */
  get endsWithQueue(): boolean {
    return this.queuedEnd === End.END_STREAM;
  }

  /** Below this many queued bytes a starved sink hears `writable`. */
  get belowLowMark(): boolean {
    return this.queue === null || this.queue.length * 2 < queueLimit;
  }

  /** The body passes its declared length: what it declared is delivered, however it was cut, and then the error. */
  private overrun(b: Uint8Array, start: number, end: number): void {
    const over = this.bodyReceived - this.contentLength;
    this.credit(over);
    if (end - over > start) this.sink.data(b, start, end - over);
    this.bodyComplete();
  }

  private hasRoom(): boolean {
    const full = this.queue !== null && this.queue.length >= queueLimit;
    if (!full && !this.host.turnSpent) return true;
    this.starved = true;
    if (!full) this.host.rest(this);
    return false;
  }

  private endLocal(): void {
    this.localEnded = true;
    if (this.remoteEnded && !this.closed) this.close(ClosedBy.ENDED);
  }

  private close(cause: number): void {
    this.closed = true;
    this.queue = null;
    this.queuedTrailers = null;
    this.waitingHeaders = null;
    this.returnWindow();
    this.host.streamClosed(this, cause);
    this.whenClosed?.();
  }
}

/** What is queued is encoded later, where nobody could be told of it. */
function checkFields(headers: OutgoingHeaders): void {
  checkOctets("fields" in headers ? headers.fields : headers);
}
