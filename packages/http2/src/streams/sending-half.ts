// SPDX-License-Identifier: Apache-2.0
import { frameHeaderLength } from "../frame/frame-type.js";
import type { HeaderBlock } from "../hpack/header-block.js";
import { checkBytes } from "../hpack/string-literal.js";
import { outputSize } from "../send/output.js";
import { SendQueue } from "../send/send-queue.js";
import { ReceivingHalf } from "./receiving-half.js";
import { endQueued, endSent, endWaits, headersSent, isClosed, maySend } from "./state.js";
import type { Streams } from "./streams.js";

/** Header fields to send: a prepared block, or name, value, name, value … with lower-case names. */
export type OutgoingHeaders = HeaderBlock | readonly string[];

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

/**
 * The sending half of a stream: what leaves at once, what waits for a window or for the link, and the end behind it. The
 * middle one of the three layers of a `Stream`, on the receiving half.
 */
export abstract class SendingHalf extends ReceivingHalf {
  /** The chunks of input that had arrived when this side first sent headers; 0 if it has sent none, or before any input. */
  answeredAt = 0;
  /** The bytes that we may still send on this stream; may be negative (RFC 9113 §6.9.2). */
  sendWindow: number;
  /** Bytes waiting for a window or for the link. */
  queue: SendQueue | null = null;
  /** One of {@link Room}. */
  room: number = Room.FREE;
  /** The header fields that wait with the stream for its turn to be opened. */
  waitingHeaders: OutgoingHeaders | null = null;
  /** Bytes that waited when the stream closed. */
  private neverSent = 0;
  private queuedTrailers: OutgoingHeaders | null = null;
  private reservedAt = -1;

  constructor(streams: Streams, id: number, state: number, sendWindow: number) {
    super(streams, state);
    this.id = id;
    this.sendWindow = sendWindow;
  }

  /** The buffer that {@link SendingHalf.reserve} gives a place in. */
  get buffer(): Uint8Array {
    return this.streams.output.buffer;
  }

  /** The largest header list that the peer takes, as it counts (RFC 9113 §6.5.2); Infinity when it has not said. */
  get maxHeaderListSize(): number {
    return this.streams.peerSettings.maxHeaderListSize;
  }

  /** Bytes that wait for a window or for the link, or for the stream to be opened. Of a closed stream: those that never left. */
  get queuedBytes(): number {
    return this.queue === null ? this.neverSent : this.queue.length;
  }

  /**
   * Sends a header list; `end` half-closes. Use {@link SendingHalf.sendTrailers} for the last one. Throws a `RangeError` for a field
   * that is not of bytes, and then nothing is sent.
   */
  sendHeaders(headers: OutgoingHeaders, end: boolean): void {
    if (!maySend(this.state)) return;
    if (this.answeredAt === 0) this.answeredAt = this.streams.input.arrived;
    if (this.id === 0) {
      checkFields(headers);
      this.waitingHeaders = headers;
      if (end) this.state = endQueued(this.state);
      return;
    }
    this.writeHeaders(headers, end);
    this.state = headersSent(this.state);
    if (end) this.endLocal();
  }

  /**
   * A place for up to `length` bytes in {@link SendingHalf.buffer}, to be written at once and followed by
   * {@link SendingHalf.commit}. Returns -1 when there is none now: use {@link SendingHalf.write}. If anything else is sent on the
   * connection meanwhile, `buffer` is another one, and nothing can be committed.
   */
  reserve(length: number): number {
    const { output, sendWindow, peerSettings } = this.streams;
    if (
      this.queue !== null ||
      this.id === 0 ||
      !maySend(this.state) ||
      length > this.sendWindow ||
      length > sendWindow.left ||
      length > peerSettings.maxFrameSize ||
      length + frameHeaderLength > outputSize ||
      output.congested
    ) {
      return -1;
    }
    this.reservedAt = output.reserveData(this.id, length, peerSettings.maxFrameSize);
    return this.reservedAt;
  }

  /** Gives the reserved place back: nothing of it is sent. */
  unreserve(): void {
    this.streams.output.unreserve();
  }

  /** Sends the `length` bytes that were written at the reserved place. Returns whether there is room for more now. */
  commit(length: number, end: boolean): boolean {
    const { output, sendWindow, scheduler } = this.streams;
    this.sendWindow -= length;
    sendWindow.left -= length;
    output.commitData(this.id, this.reservedAt, length, end);
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
  write(bytes: Uint8Array, end: boolean, more = false): boolean {
    if (!maySend(this.state)) return true;
    this.queue ??= new SendQueue();
    this.queue.push(bytes);
    this.streams.budget.queuedBytes += bytes.length;
    if (end) this.state = endQueued(this.state);
    if (more) return true;
    if (this.id !== 0) this.pump();
    return end || this.hasRoom();
  }

  /**
   * Why a message of `length` bytes must not wait to be sent: with those that wait it would pass `maxQueuedBytes`. Null if it may. Ask
   * before a message is queued or compressed; {@link SendingHalf.write} does not.
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
    if (!maySend(this.state)) return;
    if (this.queue !== null || this.id === 0) {
      this.queue ??= new SendQueue();
      this.state = endQueued(this.state);
    } else {
      this.streams.output.endData(this.id);
      this.endLocal();
    }
  }

  /** Sends trailers and half-closes, behind what is queued. Throws as {@link SendingHalf.sendHeaders}. */
  sendTrailers(headers: OutgoingHeaders): void {
    if (!maySend(this.state)) return;
    if (this.queue !== null || this.id === 0) {
      checkFields(headers);
      this.queue ??= new SendQueue();
      this.queuedTrailers = headers;
      this.state = endQueued(this.state);
    } else {
      this.writeHeaders(headers, true);
      this.endLocal();
    }
  }

  // ---- for the connection

  /** True if nothing more can be sent: END_STREAM was sent or is queued, or the stream is closed. */
  get localEnded(): boolean {
    return !maySend(this.state);
  }

  /** True if this side has sent headers since input arrived: a server's first headers always follow some. */
  get answered(): boolean {
    return this.answeredAt > 0;
  }

  /** The peer's limit lets the stream be opened, and it has its id: its headers leave, then what is queued. */
  leaveIdle(changed: OutgoingHeaders | null): void {
    const headers = changed ?? this.waitingHeaders;
    this.waitingHeaders = null;
    const onlyHeaders = endWaits(this.state) && this.queue === null;
    if (headers !== null) this.writeHeaders(headers, onlyHeaders);
    this.state = headersSent(this.state);
    if (onlyHeaders) this.endLocal();
    else this.pump();
  }

  /** Everything queued has been moved: the queued end follows. */
  queueEmptied(): void {
    this.queue = null;
    if (this.queuedTrailers !== null) {
      this.writeHeaders(this.queuedTrailers, true);
      this.queuedTrailers = null;
    }
    if (endWaits(this.state)) this.endLocal();
  }

  /** True if the last byte of the queue carries END_STREAM. */
  get endsWithQueue(): boolean {
    return endWaits(this.state) && this.queuedTrailers === null;
  }

  /** True if so few bytes are queued that a starved sink hears `writable`. */
  get belowLowMark(): boolean {
    return this.queue === null || (this.queue.length * 2 < queueLimit && !this.streams.budget.crowded);
  }

  /** Drops the queue. */
  protected dropQueue(): void {
    this.neverSent = this.queuedBytes;
    this.streams.budget.drop(this.neverSent);
    this.queue = null;
    this.queuedTrailers = null;
    this.waitingHeaders = null;
  }

  private writeHeaders(headers: OutgoingHeaders, end: boolean): void {
    const { writer, peerSettings } = this.streams;
    writer.headers(this.id, headers, end, peerSettings.maxFrameSize);
  }

  /** Both sides have ended. */
  protected abstract bothEnded(): void;

  /** Moves queued bytes as far as windows and link allow. */
  protected abstract pump(): void;

  /** Calls the sink's `writable` next turn. */
  protected abstract wakeNextTurn(): void;

  private hasRoom(): boolean {
    const queued = this.queuedBytes;
    // A stream with an empty queue goes on beside streams that no peer reads.
    const full = queued >= queueLimit || (queued > 0 && this.streams.budget.crowded);
    if (!full && !this.streams.scheduler.turnSpent) return true;
    if (this.room === Room.FREE) this.room = Room.FULL;
    if (!full) this.wakeNextTurn();
    return false;
  }

  private endLocal(): void {
    this.streams.endsSent++;
    if (isClosed(this.state)) return;
    this.state = endSent(this.state);
    if (isClosed(this.state)) this.bothEnded();
  }
}

/** Checks queued fields now: they are encoded later, when no caller could catch the error. */
function checkFields(headers: OutgoingHeaders): void {
  checkBytes("fields" in headers ? headers.fields : headers);
}
