// SPDX-License-Identifier: Apache-2.0
import { frameHeaderLength } from "../frame/frame-type.js";
import type { OutgoingHeaders } from "../hpack/header-block.js";
import { checkBytes } from "../hpack/string-literal.js";
import { outputSize } from "../send/output.js";
import { SendQueue } from "../send/send-queue.js";
import { endQueued, endSent, endWaits, headersSent, isClosed, maySend } from "./state.js";
import type { Stream } from "./stream.js";
import type { Streams } from "./streams.js";

/** A queued piece takes at least as much time of its turn as so many bytes. */
const pieceWork = 64;

/** Bytes that wait in a stream past which `write` says that it is full; below half of it the sink hears `writable`. */
const queueLimit = 65_536;

/** Whether a stream takes more to send. */
export const Room = {
  FREE: 0,
  /** A send returned false, and the sink has not heard `writable` since. */
  FULL: 1,
  /** The sink hears `writable` next turn, if there is room then. */
  WAKING: 2,
} as const;

/** The side of a stream that sends: what leaves at once, what waits for a window or for the link, and the end behind it. */
export class SendSide {
  /** The stream that has this side. */
  readonly stream: Stream;
  /** The chunks of input that had arrived when this side first sent headers; 0 if it has sent none, or before any input. */
  answeredAt = 0;
  /** The bytes that we may still send on this stream; may be negative (RFC 9113 §6.9.2). */
  window: number;
  /** Bytes waiting for a window or for the link. */
  queue: SendQueue | null = null;
  /** One of {@link Room}. */
  room: number = Room.FREE;
  /** The links of the list of streams that are ready to send; see scheduler.ts. */
  next: SendSide | null = null;
  previous: SendSide | null = null;
  /** Bytes that waited when the stream closed. */
  private neverSent = 0;

  constructor(stream: Stream, window: number) {
    this.stream = stream;
    this.window = window;
  }

  /** Bytes that wait for a window or for the link, or for the stream to be opened. Of a closed stream: those that never left. */
  get queuedBytes(): number {
    return this.queue === null ? this.neverSent : this.queue.length;
  }

  /**
   * Sends a header list; `end` half-closes. Use {@link SendSide.trailers} for the last one. Throws a `RangeError` for a field
   * that is not of bytes, and then nothing is sent.
   */
  headers(headers: OutgoingHeaders, end: boolean): void {
    if (!maySend(this.stream.state)) return;
    if (this.answeredAt === 0) this.answeredAt = this.streams.input.arrived;
    if (this.stream.id === 0) {
      checkFields(headers);
      if (end) this.stream.state = endQueued(this.stream.state);
      return;
    }
    this.writeHeaders(headers, end);
    this.stream.state = headersSent(this.stream.state);
    if (end) this.endLocal();
  }

  /**
   * A place for up to `length` bytes in {@link Output.buffer}, to be written at once and followed by
   * {@link SendSide.commit}. Returns -1 when there is none now: use {@link SendSide.write}. If anything else is sent on the
   * connection meanwhile, `buffer` is another one, and nothing can be committed.
   */
  reserve(length: number): number {
    const { output, sendWindow, peerSettings } = this.streams;
    if (
      this.queue !== null ||
      this.stream.id === 0 ||
      !maySend(this.stream.state) ||
      length > this.window ||
      length > sendWindow.left ||
      length > peerSettings.maxFrameSize ||
      length + frameHeaderLength > outputSize ||
      output.congested
    ) {
      return -1;
    }
    return output.reserveData(this.stream.id, length, peerSettings.maxFrameSize);
  }

  /** Sends the `length` bytes that were written at the reserved place. Returns whether there is room for more now. */
  commit(length: number, end: boolean): boolean {
    const { output, sendWindow, scheduler } = this.streams;
    this.window -= length;
    sendWindow.left -= length;
    output.commitData(this.stream.id, length, end);
    if (end) {
      this.endLocal();
      return true;
    }
    // Nothing is queued, or no place would have been given.
    return !scheduler.turnSpent || this.hasRoom();
  }

  /**
   * Sends bytes, or queues what the windows don't let out. Pieces above 8 KiB are referred to until they have left.
   * `more`: another write follows at once, so it may wait for that. Returns whether there is room for more; if not,
   * the sink hears `writable`. Bytes given all the same are queued.
   */
  write(bytes: Uint8Array, end: boolean, more: boolean): boolean {
    if (!maySend(this.stream.state)) return true;
    this.queue ??= new SendQueue();
    this.queue.push(bytes);
    this.streams.budget.queuedBytes += bytes.length;
    if (end) this.stream.state = endQueued(this.stream.state);
    if (more) return true;
    if (this.stream.id !== 0) {
      this.streams.scheduler.pump(this);
      if (this.queue !== null) this.streams.output.turnBytes += bytesOfTurn(bytes, this.queue);
    }
    return end || this.hasRoom();
  }

  /** Half-closes, behind what is queued. */
  end(): void {
    if (!maySend(this.stream.state)) return;
    if (this.queue !== null || this.stream.id === 0) {
      this.queue ??= new SendQueue();
      this.stream.state = endQueued(this.stream.state);
    } else {
      this.streams.output.endData(this.stream.id);
      this.endLocal();
    }
  }

  /** Sends trailers and half-closes, behind what is queued. Throws as {@link SendSide.headers}. */
  trailers(headers: OutgoingHeaders): void {
    if (!maySend(this.stream.state)) return;
    if (this.queue !== null || this.stream.id === 0) {
      checkFields(headers);
      this.queue ??= new SendQueue();
      this.queue.trailers = headers;
      this.stream.state = endQueued(this.stream.state);
    } else {
      this.writeHeaders(headers, true);
      this.endLocal();
    }
  }

  // ---- for the connection

  /** True if this side has sent headers since input arrived: a server's first headers always follow some. */
  get answered(): boolean {
    return this.answeredAt > 0;
  }

  /** The peer's limit lets the stream be opened, and it has its id: its headers leave, then what is queued. */
  leaveIdle(headers: OutgoingHeaders): void {
    const onlyHeaders = endWaits(this.stream.state) && this.queue === null;
    this.writeHeaders(headers, onlyHeaders);
    this.stream.state = headersSent(this.stream.state);
    if (onlyHeaders) this.endLocal();
    else this.streams.scheduler.pump(this);
  }

  /** Everything queued has been moved: the queued end follows. */
  queueEmptied(): void {
    const trailers = this.queue === null ? null : this.queue.trailers;
    this.queue = null;
    if (trailers !== null) this.writeHeaders(trailers, true);
    if (endWaits(this.stream.state)) this.endLocal();
    this.stream.queueEmptied();
  }

  /** True if the last byte of the queue carries END_STREAM. */
  get endsWithQueue(): boolean {
    return endWaits(this.stream.state) && this.queue !== null && this.queue.trailers === null;
  }

  /** True if so few bytes are queued that a starved sink hears `writable`. */
  get belowLowMark(): boolean {
    return this.queue === null || (this.queue.length * 2 < queueLimit && !this.streams.budget.crowded);
  }

  /** Drops the queue. */
  drop(): void {
    this.neverSent = this.queuedBytes;
    this.streams.budget.drop(this.neverSent);
    this.queue = null;
  }

  private get streams(): Streams {
    return this.stream.streams;
  }

  private writeHeaders(headers: OutgoingHeaders, end: boolean): void {
    const { writer, peerSettings } = this.streams;
    writer.headers(this.stream.id, headers, end, peerSettings.maxFrameSize);
  }

  private hasRoom(): boolean {
    const queued = this.queuedBytes;
    // A stream with an empty queue goes on beside streams that no peer reads.
    const full = queued >= queueLimit || (queued > 0 && this.streams.budget.crowded);
    if (!full && !this.streams.scheduler.turnSpent) return true;
    if (this.room === Room.FREE) this.room = Room.FULL;
    if (!full) this.streams.scheduler.wakeNextTurn(this);
    return false;
  }

  private endLocal(): void {
    this.streams.endsSent++;
    const { stream } = this;
    if (isClosed(stream.state)) return;
    stream.state = endSent(stream.state);
    if (isClosed(stream.state)) stream.bothEnded();
  }
}

/**
 * Queued bytes count for the turn, too: a hundred streams of small messages, whose peer grants no window, filled their queues in one turn
 * and held it up for 120 ms.
 */
function bytesOfTurn(piece: Uint8Array, queue: SendQueue): number {
  return Math.max(pieceWork, Math.min(piece.length, queue.length));
}

/** Checks queued fields now: they are encoded later, when no caller could catch the error. */
function checkFields(headers: OutgoingHeaders): void {
  checkBytes("fields" in headers ? headers.fields : headers);
}
