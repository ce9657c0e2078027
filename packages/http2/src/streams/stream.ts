// SPDX-License-Identifier: Apache-2.0

import { ErrorCode } from "../connection/error-code.js";
import type { DataTarget } from "../frame/frame-reader.js";
import type { HeaderList } from "../hpack/header-list.js";
import { ClosedBy } from "./closed-streams.js";
import { type ResetReason, resetCode } from "./reset-reason.js";
import { SendingHalf } from "./sending-half.js";
import { endReceived, isIdle, reset } from "./state.js";
import type { StreamReset, StreamSink } from "./stream-sink.js";

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
 * One HTTP/2 stream: how it begins and ends, on a half that sends and one that receives. A class with fixed fields because
 * there may be ten thousand of them and every message passes through: no closures, no promises.
 */
export class Stream extends SendingHalf implements DataTarget {
  /** The receiver of all that arrives. Set the sink before returning to the connection. */
  sink: StreamSink = ignoringSink;
  /** The stream's handler has not settled: the stream counts against the limit on streams, also when closed. */
  held = false;
  /** Bytes of the interim responses so far, counted like a header list. */
  interimSize = 0;
  /** The links of the list of streams that are ready to send; see scheduler.ts. */
  next: Stream | null = null;
  previous: Stream | null = null;
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
    this.messageNeeds(0);
    if (this.closed) {
      whenClosed?.();
      return;
    }
    this.whenClosed = whenClosed ?? null;
    if (!this.closed && this.queue === null) this.streams.resetNextTurn(this);
  }

  /** True if {@link Stream.close} was called. */
  get closing(): boolean {
    return this.sink === ignoringSink;
  }

  // ---- for the connection

  /** @inheritdoc */
  dataPiece(b: Uint8Array, start: number, end: number): void {
    this.arrived(end - start);
    if (this.closed || this.sink === ignoringSink) {
      this.credit(end - start);
      return;
    }
    if (this.contentLength >= 0 && this.bodyReceived > this.contentLength) this.overrun(b, start, end);
    else {
      this.delivering = end - start;
      this.sink.data(b, start, end);
      this.delivering = 0;
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
    this.messageNeeds(0);
    this.state = endReceived(this.state);
    if (this.closed) this.bothEnded();
  }

  /** @inheritdoc */
  override queueEmptied(): void {
    super.queueEmptied();
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
    if (this.contentLength < 0 || this.contentLength === this.bodyReceived || this.sink === ignoringSink)
      return true;
    this.streams.streamError(
      this,
      ErrorCode.PROTOCOL_ERROR,
      `content-length is ${this.contentLength}, but the body has ${this.bodyReceived} bytes`,
    );
    return false;
  }

  /** The body passes its declared length: what it declared is delivered, however it was cut, and then the error. */
  private overrun(b: Uint8Array, start: number, end: number): void {
    const over = this.bodyReceived - this.contentLength;
    this.credit(over);
    if (end - over > start) this.sink.data(b, start, end - over);
    this.bodyComplete();
  }

  protected pump(): void {
    this.streams.scheduler.pump(this);
  }

  protected wakeNextTurn(): void {
    this.streams.scheduler.wakeNextTurn(this);
  }

  protected bothEnded(): void {
    this.leave(ClosedBy.ENDED, true);
  }

  private enterClosed(cause: number): void {
    const peerEnded = this.remoteEnded;
    this.state = reset(this.state);
    this.leave(cause, peerEnded);
  }

  /** The stream is closed: it gives back what it has of the connection's. */
  private leave(cause: number, peerEnded: boolean): void {
    this.dropQueue();
    this.returnWindow();
    this.streams.closed(this, cause, peerEnded);
    this.whenClosed?.();
  }
}
