// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import type { ByteStream } from "../../carrier/byte-stream.js";
import { compressedFlag, prefixLength, readLength } from "../../protocol/envelope.js";
import { peerError } from "../../protocol/peer-error.js";

const noBytes = new Uint8Array(0);
/** A bare body up to this length fits the first window of each carrier. */
const smallBody = 16_384;

/**
 * Cuts the bytes of a stream into messages: the lower half of a {@link MessageReader}, a base class so that a call has
 * one object less.
 *
 * Hot path: one pass over a chunk for all messages in it; a message that lies whole in the chunk is passed on where it
 * lies. Otherwise it is put together in a buffer that grows with what arrives.
 */
export abstract class EnvelopeReader {
  protected readonly stream: ByteStream;
  protected readonly maxBytes: number;
  /** Nothing that comes is of interest any more. */
  protected ignoring = false;
  // The message that is being put together: its prefix, then its body.
  private prefixFilled = 0;
  private flag = 0;
  private announced = 0;
  private body: Uint8Array | null = null;
  private bodyFilled = 0;
  private bodyLength = -1;
  /** See {@link EnvelopeReader.expectBare}. Then `bodyLength` is the limit until the stream ends. */
  private bare = false;
  /** The carrier has been asked for the rest of a bare body. */
  private asked = false;

  constructor(stream: ByteStream, maxBytes: number) {
    this.stream = stream;
    this.maxBytes = maxBytes;
  }

  /**
   * A message has arrived, without its prefix. All `size` bytes are to be credited. `owned`: `b` was made for this message alone.
   */
  protected abstract message(
    compressed: boolean,
    b: Uint8Array,
    start: number,
    end: number,
    size: number,
    owned: boolean,
  ): void;

  /** True if whole messages are kept as they came: no read waits for them. */
  protected abstract get keepsUnread(): boolean;

  /** `count` whole messages have arrived, with their prefixes, that no read waits for. */
  protected abstract unreadArrived(b: Uint8Array, start: number, end: number, count: number): void;

  /** The stream can't be read any further. */
  protected abstract failed(error: ConnectError): void;

  /** True if compressed messages can be read. */
  protected abstract get decompresses(): boolean;

  /** The header that names the compression. */
  protected abstract get encodingHeader(): string;

  /** The code of a message that can't be read. */
  protected abstract get unreadableCode(): Code;

  /**
   * The whole body is one message, without an envelope. Called before anything arrives; `length`: what the head announces, undefined for
   * nothing.
   */
  expectBare(length?: number): void {
    this.bare = true;
    this.bodyLength = this.maxBytes;
    this.announced = Math.min(length ?? this.maxBytes, this.maxBytes);
  }

  /** Bytes arrived. */
  feed(b: Uint8Array, start: number, end: number): void {
    let at = start;
    if (this.bodyLength >= 0 && !this.ignoring)
      at = this.bare ? this.fillBare(b, at, end) : this.fillBody(b, at, end);
    while (at < end && !this.ignoring) {
      if (this.prefixFilled === 0 && this.keepsUnread) {
        at = this.keep(b, at, end);
        if (at === end) return;
      }
      if (this.prefixFilled === 0 && end - at >= prefixLength) {
        this.flag = b[at]!;
        this.announced = readLength(b, at);
        at += prefixLength;
      } else {
        while (at < end && this.prefixFilled < prefixLength) this.prefixByte(b[at++]!);
        if (this.prefixFilled < prefixLength) return;
        this.prefixFilled = 0;
      }
      at = this.begin(b, at, end);
    }
    if (at < end) this.stream.credit(end - at);
  }

  /** Keeps the messages from `at` on that are whole and may be read; returns the offset behind them. */
  private keep(b: Uint8Array, from: number, end: number): number {
    let at = from;
    let count = 0;
    while (end - at >= prefixLength) {
      const flag = b[at]!;
      const length = readLength(b, at);
      if (length > this.maxBytes || length > end - at - prefixLength) break;
      if (flag > 0 && (flag > compressedFlag || !this.decompresses)) break;
      at += prefixLength + length;
      count++;
    }
    if (count > 0) this.unreadArrived(b, from, at, count);
    return at;
  }

  /** Checks that the stream did not end inside a message; false when it did, and has failed for it. */
  protected wholeAtEnd(): boolean {
    if (this.prefixFilled === 0 && this.bodyLength < 0) return true;
    if (this.bare) return this.endBare();
    const inBody = this.bodyLength >= 0;
    const got = inBody ? this.bodyFilled : this.prefixFilled;
    const of = inBody ? `a message of ${this.bodyLength} bytes` : `a message prefix of ${prefixLength} bytes`;
    this.failed(peerError(`the stream ended inside ${of}, after ${got}`, this.unreadableCode));
    return false;
  }

  /** Drops what there is of an incomplete message, and what comes. */
  protected ignoreInput(): void {
    if (this.ignoring) return;
    this.ignoring = true;
    const partial =
      this.prefixFilled + (this.bodyLength >= 0 ? (this.bare ? 0 : prefixLength) + this.bodyFilled : 0);
    if (this.bodyLength >= 0) this.stream.messageNeeds(0);
    if (partial > 0) this.stream.credit(partial);
    this.body = null;
    this.bodyLength = -1;
    this.prefixFilled = 0;
  }

  private prefixByte(byte: number): void {
    if (this.prefixFilled++ === 0) {
      this.flag = byte;
      this.announced = 0;
    } else {
      this.announced = this.announced * 256 + byte;
    }
  }

  /** A prefix is complete; returns the offset behind what was used. */
  private begin(b: Uint8Array, at: number, end: number): number {
    const length = this.announced;
    if (length > this.maxBytes || this.flag > 0) {
      const error = this.refusal(length);
      if (error !== null) {
        this.stream.credit(prefixLength);
        this.failed(error);
        return at;
      }
    }
    if (end - at >= length) {
      this.message(this.flag === compressedFlag, b, at, at + length, length + prefixLength, false);
      return at + length;
    }
    this.bodyLength = length;
    this.bodyFilled = 0;
    this.stream.messageNeeds(length - (end - at), length + prefixLength);
    return this.fillBody(b, at, end);
  }

  private fillBody(b: Uint8Array, at: number, end: number): number {
    const n = Math.min(this.bodyLength - this.bodyFilled, end - at);
    if (n === 0) return at;
    const body = this.grownFor(n);
    body.set(b.subarray(at, at + n), this.bodyFilled);
    this.bodyFilled += n;
    if (this.bodyFilled === this.bodyLength) {
      this.body = null;
      this.bodyLength = -1;
      const length = this.bodyFilled;
      this.message(this.flag === compressedFlag, body, 0, length, length + prefixLength, true);
    }
    return at + n;
  }

  /** A body that announces no length is let in as if it were as large as the limit, once it is not small. */
  private fillBare(b: Uint8Array, at: number, end: number): number {
    const n = end - at;
    if (this.bodyFilled + n > this.maxBytes) {
      this.failed(
        peerError(
          `message of more than ${this.maxBytes} bytes: raise readMaxBytes where it is received`,
          Code.ResourceExhausted,
        ),
      );
      return at;
    }
    const body = this.grownFor(n);
    body.set(b.subarray(at, end), this.bodyFilled);
    this.bodyFilled += n;
    if (this.bodyFilled >= smallBody && !this.asked && this.announced > this.bodyFilled) {
      this.asked = true;
      this.stream.messageNeeds(this.announced - this.bodyFilled, this.announced);
    }
    return end;
  }

  /** The bare body is whole; false if it can't be read. */
  private endBare(): boolean {
    const body = this.body ?? noBytes;
    const length = this.bodyFilled;
    this.body = null;
    this.bodyLength = -1;
    if (this.asked) this.stream.messageNeeds(0);
    // A message keeps its buffer only if it fills most of it.
    this.message(this.decompresses, body, 0, length, length, length * 2 > body.length);
    return !this.ignoring;
  }

  /** The body's buffer: grows with what has arrived, at most eightfold, so that a prefix alone allocates nothing. */
  private grownFor(n: number): Uint8Array {
    const needed = this.bodyFilled + n;
    if (this.body !== null && this.body.length >= needed) return this.body;
    const most = this.bare && this.announced >= needed ? this.announced : this.bodyLength;
    const grown = new Uint8Array(Math.min(most, Math.max(needed * 8, 16_384)));
    if (this.body !== null) grown.set(this.body.subarray(0, this.bodyFilled));
    this.body = grown;
    return grown;
  }

  private refusal(length: number): ConnectError | null {
    if (length > this.maxBytes) {
      return peerError(
        `message of ${length} bytes is larger than the limit of ${this.maxBytes}: raise readMaxBytes where it is received`,
        Code.ResourceExhausted,
      );
    }
    if (this.flag > compressedFlag) {
      return peerError(
        `message with flag ${this.flag}: 0 (plain) and 1 (compressed) are allowed`,
        Code.Internal,
      );
    }
    if (this.decompresses) return null;
    return peerError(
      `compressed message without ${this.encodingHeader}: say which compression in the headers`,
      Code.Internal,
    );
  }
}
