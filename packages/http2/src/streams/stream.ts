// SPDX-License-Identifier: Apache-2.0

import { ErrorCode } from "../connection/error-code.js";
import type { DataTarget } from "../frame/frame-reader.js";
import type { OutgoingHeaders } from "../hpack/header-block.js";
import type { HeaderList } from "../hpack/header-list.js";
import { ClosedBy } from "./closed-streams.js";
import { ReceiveWindow } from "./receive-window.js";
import { type ResetReason, resetCode } from "./reset-codes.js";
import { SendSide } from "./send-side.js";
import { endReceived, endRewound, isClosed, isIdle, mayReceive, maySend, reset } from "./state.js";
import type { StreamReset, StreamSink } from "./stream-sink.js";
import type { Streams } from "./streams.js";

/** The sink of a stream before the application sets one, and after `close`. */
const ignoringSink: StreamSink = {
  headers() {},
  data() {},
  trailers() {},
  end() {},
  reset() {},
  writable() {},
};

/**
 * One HTTP/2 stream: its state, how it begins and ends, and what it gives to its sink. It holds the side that sends, and the window of
 * what it receives. A class with fixed fields because there may be ten thousand of them and every message passes through: no closures,
 * no promises.
 *
 * Two objects of its own cost a stream 24 bytes of heap, and a message 1 ns of about 500, beside one class that inherits both sides.
 */
export class Stream implements DataTarget {
  /** The connection's streams, and the parts that they share. */
  readonly streams: Streams;
  /** The stream's id; 0 while the peer's limit on concurrent streams holds it back. */
  id: number;
  /** The state (RFC 9113 §5.1), made by the functions of state.ts. */
  state: number;
  /** The side that sends. */
  readonly send: SendSide;
  /** What the peer may send. */
  readonly receiveWindow: ReceiveWindow;
  /** The receiver of all that arrives. Set the sink before returning to the connection. */
  sink: StreamSink = ignoringSink;
  /** The stream's handler has not settled: the stream counts against the limit on streams, also when closed. */
  held = false;
  /** Bytes of the interim responses so far, counted like a header list. */
  interimSize = 0;
  /** Link of the table of open streams. */
  tableNext: Stream | null = null;
  /** Bytes that the connection had received when this side opened the stream. */
  receivedBefore = 0;
  /**
   * Server: the time, by the link's clock, at which the deadline passes that the peer gave the call, 0 for none. A reset about then
   * or later is expected, and limited by `deadlineRate`.
   */
  dueAt = 0;
  /** Declared length of what arrives, -1 if none was. */
  contentLength = -1;
  private whenClosed: (() => void) | null = null;

  constructor(streams: Streams, id: number, state: number, sendWindow: number) {
    this.streams = streams;
    this.id = id;
    this.state = state;
    this.send = new SendSide(this, sendWindow);
    this.receiveWindow = new ReceiveWindow(this);
  }

  /** Nothing is sent or delivered any more. */
  get closed(): boolean {
    return isClosed(this.state);
  }

  /** Nothing more can be sent: END_STREAM was sent or is queued, or the stream is closed. */
  get localEnded(): boolean {
    return !maySend(this.state);
  }

  /** The peer can send nothing more: its END_STREAM arrived, or the stream is closed. */
  get remoteEnded(): boolean {
    return !mayReceive(this.state);
  }

  // ---- what the application sends

  /** The largest header list that the peer takes, as it counts (RFC 9113 §6.5.2); Infinity when it has not said. */
  get maxHeaderListSize(): number {
    return this.streams.peerSettings.maxHeaderListSize;
  }

  /** Bytes that wait for a window or for the link, or for the stream to be opened. Of a closed stream: those that never left. */
  get queuedBytes(): number {
    return this.send.queuedBytes;
  }

  /**
   * Sends a header list; `end` half-closes. Use {@link Stream.sendTrailers} for the last one. Throws a `RangeError` for a field
   * that is not of bytes, and then nothing is sent.
   */
  sendHeaders(headers: OutgoingHeaders, end: boolean): void {
    this.send.headers(headers, end);
  }

  /** The buffer that {@link Stream.reserve} gives a place in. */
  get buffer(): Uint8Array {
    return this.streams.output.buffer;
  }

  /**
   * A place for up to `length` bytes in {@link Stream.buffer}, to be written at once and followed by {@link Stream.commit}. Returns -1
   * when there is none now: use {@link Stream.write}. If anything else is sent on the connection meanwhile, `buffer` is another one, and
   * nothing can be committed.
   */
  reserve(length: number): number {
    return this.send.reserve(length);
  }

  /** Gives the reserved place back: nothing of it is sent. */
  unreserve(): void {
    this.streams.output.unreserve();
  }

  /** Sends the `length` bytes that were written at the reserved place. Returns whether there is room for more now. */
  commit(length: number, end: boolean): boolean {
    return this.send.commit(length, end);
  }

  /**
   * Sends bytes, or queues what the windows don't let out. Pieces above 8 KiB are referred to until they have left.
   * `more`: another write follows at once, so it may wait for that. Returns whether there is room for more; if not,
   * the sink hears `writable`. Bytes given all the same are queued.
   */
  write(bytes: Uint8Array, end: boolean, more = false): boolean {
    return this.send.write(bytes, end, more);
  }

  /**
   * Why a message of `length` bytes must not wait to be sent: with those that wait it would pass `maxQueuedBytes`. Null if it may. Ask
   * before a message is queued or compressed; {@link Stream.write} does not.
   */
  refuseMessage(length: number): string | null {
    return this.streams.budget.refuseMessage(length);
  }

  /** So many bytes of a message wait outside of the queue, since it is being compressed; negative when they no longer do. */
  compressing(bytes: number): void {
    this.streams.budget.queuedBytes += bytes;
  }

  /** Half-closes, behind what is queued. */
  sendEnd(): void {
    this.send.end();
  }

  /** Sends trailers and half-closes, behind what is queued. Throws as {@link Stream.sendHeaders}. */
  sendTrailers(headers: OutgoingHeaders): void {
    this.send.trailers(headers);
  }

  // ---- what the application receives

  /** The application took or dropped `n` received bytes: the peer may send as many more. */
  credit(n: number): void {
    this.receiveWindow.credit(n);
  }

  /**
   * A message of `whole` bytes, of which `length` are still to come, can only be taken whole: lets the peer send them, as soon as
   * half of the window is used and flow control has room for it. The caller has checked the size against its limit. 0 when the
   * message is whole, or will not be waited for.
   */
  messageNeeds(length: number, whole: number = length): void {
    this.receiveWindow.messageNeeds(length, whole);
  }

  // ---- how the stream ends

  /**
   * Ends the stream at once with RST_STREAM; what is queued is dropped. The peer hears nothing of a stream that is idle. The sink is not
   * called. `reason`: a reason, or an error code of HTTP/2.
   */
  reset(reason: ResetReason | number): void {
    if (this.closed) return;
    const code = typeof reason === "number" ? reason : resetCode(reason);
    if (!isIdle(this.state)) this.streams.writer.reset(this.id, code);
    this.enterClosed(ClosedBy.LOCAL_RESET);
  }

  /**
   * The deadline of the stream's call has passed. A client sends the peer a PING if nothing was received since; a server counts it
   * against `deadlineRate`, and may end the connection. Reset or answer the stream next.
   */
  deadlinePassed(): void {
    if (!this.closed) this.streams.deadlinePassed(this);
  }

  /**
   * A message of so many bytes is parsed, in one go. Once one turn has parsed `maxBytesPerTurn`, the connection reads the rest of
   * its input in the next turns.
   */
  parses(bytes: number): void {
    this.streams.input.parsed(bytes);
  }

  /**
   * Server: whether the answer has to wait for a later event-loop turn, since this one has made its share (`maxBytesPerTurn`). If so,
   * the sink hears `answerTurn`. Ask before the `first` message, and before later ones that are large; a client's messages never wait.
   * The connection reads nothing while first messages wait.
   */
  answerWaits(first = true): boolean {
    return !this.closed && this.streams.isServer && this.streams.answers.postpone(this, first);
  }

  /** Server: keeps the stream's place in the limit on streams, even when it has closed, until {@link Stream.release}. */
  hold(): void {
    if (!this.closed) this.held = true;
  }

  /** The stream's handler has settled. */
  release(): void {
    if (!this.held) return;
    this.held = false;
    if (this.closed) this.streams.released();
  }

  /**
   * This side is through with the exchange: what is still open is ended by RST_STREAM(NO_ERROR) (RFC 9113 §8.1), once
   * what is queued has left, and only if the peer doesn't end it within the turn. The sink is not called any more.
   */
  close(whenClosed?: () => void): void {
    this.sink = ignoringSink;
    this.receiveWindow.messageNeeds(0, 0);
    if (this.closed) {
      whenClosed?.();
      return;
    }
    this.whenClosed = whenClosed ?? null;
    if (!this.closed && this.send.queue === null) this.streams.resetNextTurn(this);
  }

  /** True if {@link Stream.close} was called. */
  get closing(): boolean {
    return this.sink === ignoringSink;
  }

  // ---- for the connection

  /** @inheritdoc */
  dataPadding(padding: number): void {
    this.receiveWindow.padding(padding);
  }

  /** @inheritdoc */
  dataPiece(b: Uint8Array, start: number, end: number): void {
    const { receiveWindow } = this;
    receiveWindow.arrived(end - start);
    if (this.closed || this.sink === ignoringSink) {
      receiveWindow.credit(end - start);
      return;
    }
    if (this.contentLength >= 0 && receiveWindow.bodyReceived > this.contentLength)
      this.overrun(b, start, end);
    else {
      receiveWindow.delivering = end - start;
      this.sink.data(b, start, end);
      receiveWindow.delivering = 0;
    }
  }

  /** @inheritdoc */
  dataDone(endStream: boolean): void {
    if (!endStream || this.closed || !this.bodyComplete()) return;
    this.endRemote();
    this.sink.end();
  }

  /** The peer's trailers end its side. */
  endWithTrailers(list: HeaderList): void {
    if (!this.bodyComplete()) return;
    this.endRemote();
    this.sink.trailers(list);
  }

  /** The peer ended its side. */
  endRemote(): void {
    this.receiveWindow.messageNeeds(0, 0);
    this.state = endReceived(this.state);
    if (this.closed) this.bothEnded();
  }

  /** Undoes the arrival of `bytes`, and of the end: a postponed stream delivers them again. */
  rewind(bytes: number, end: boolean): void {
    this.receiveWindow.rewind(bytes);
    if (end) this.state = endRewound(this.state);
  }

  /** Everything queued has been moved. */
  queueEmptied(): void {
    if (this.sink === ignoringSink && !this.closed) this.streams.resetNextTurn(this);
  }

  /** A message that was let in beyond the window has stopped: the sink may answer, and the stream is over in any case. */
  stopped(message: string): void {
    if (this.closed) return;
    this.sink.stopped?.(message);
    if (!this.closing) this.streams.streamError(this, ErrorCode.ENHANCE_YOUR_CALM, message);
  }

  /** Ends the stream by an error: closes, then calls the sink's `reset`. */
  fail(reset: StreamReset, cause: number): void {
    if (this.closed) return;
    const sink = this.sink;
    this.enterClosed(cause);
    sink.reset(reset);
  }

  /** Checks the declared length when the peer ends; resets the stream and returns false when it differs. */
  private bodyComplete(): boolean {
    if (
      this.contentLength < 0 ||
      this.contentLength === this.receiveWindow.bodyReceived ||
      this.sink === ignoringSink
    )
      return true;
    this.streams.streamError(
      this,
      ErrorCode.PROTOCOL_ERROR,
      `content-length is ${this.contentLength}, but the body has ${this.receiveWindow.bodyReceived} bytes`,
    );
    return false;
  }

  /** The body passes its declared length: what it declared is delivered, however it was cut, and then the error. */
  private overrun(b: Uint8Array, start: number, end: number): void {
    const over = this.receiveWindow.bodyReceived - this.contentLength;
    this.receiveWindow.credit(over);
    if (end - over > start) this.sink.data(b, start, end - over);
    this.bodyComplete();
  }

  /** END_STREAM was sent and received. */
  bothEnded(): void {
    this.leave(ClosedBy.ENDED, true);
  }

  private enterClosed(cause: number): void {
    const peerEnded = this.remoteEnded;
    this.state = reset(this.state);
    this.leave(cause, peerEnded);
  }

  /** The stream is closed: it gives back what it has of the connection's. */
  private leave(cause: number, peerEnded: boolean): void {
    this.send.drop();
    this.receiveWindow.close();
    this.streams.closed(this, cause, peerEnded);
    this.whenClosed?.();
  }
}
