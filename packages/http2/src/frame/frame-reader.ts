// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import { clientPreface, Flag, FrameType, frameHeaderLength } from "./frame-type.js";
import { describeOtherProtocol } from "./other-protocol.js";

/** Within so many bytes a method of HTTP/1.1 differs from the preface, which begins like one. */
const methodTold = 3;

/** The receiver of the frames that a {@link FrameReader} finds. */
export interface FrameHandler {
  /**
   * A frame header was read. Throws the connection error that RFC 9113 asks for by it alone, before a payload is
   * waited for or kept.
   */
  frameHeader(type: number, flags: number, streamId: number, length: number): void;
  /** A frame other than DATA is here whole. */
  frame(type: number, flags: number, streamId: number, b: Uint8Array, start: number, end: number): void;
  /** A DATA frame begins; `length` is its whole payload. Returns the frame's target, or null to discard the payload. */
  data(flags: number, streamId: number, length: number): DataTarget | null;
  /** The DATA frame that has begun carries padding alone, and does not end its stream. */
  onlyPadding(): void;
}

/** The receiver of a DATA frame's payload, in pieces as they arrive. */
export interface DataTarget {
  /** `padding` bytes of the frame (length byte included) carry nothing; said once, before the payload. */
  dataPadding(padding: number): void;
  /** A piece of the payload. */
  dataPiece(b: Uint8Array, start: number, end: number): void;
  /** The frame is complete. */
  dataDone(endStream: boolean): void;
}

/**
 * Cuts a stream of bytes into frames. DATA is passed on piece by piece, where it lies in the chunk that arrived, so a
 * frame's size costs no memory; other frames are small by {@link FrameHandler.frameHeader} and handed over whole.
 */
export class FrameReader {
  private readonly handler: FrameHandler;
  private readonly header = new Uint8Array(frameHeaderLength);
  private headerFilled = 0;
  private prefaceLeft: number;
  private stopped = false;
  /** Nothing more of the range that is being read: {@link FrameReader.stop}, or {@link FrameReader.yield}. */
  private halted = false;
  private type = 0;
  private flags = 0;
  private streamId = 0;
  /** Frames that have begun. */
  frames = 0;
  /** Bytes of the current frame still to come; -1 between frames. */
  private left = -1;
  private collected: Uint8Array | null = null;
  private target: DataTarget | null = null;
  /** Bytes of padding at the end of the DATA frame; -1 while its length byte is still to come. */
  private padding = 0;

  /** `expectPreface`: the bytes begin with the client's connection preface, as a server's input does. */
  constructor(handler: FrameHandler, expectPreface: boolean) {
    this.handler = handler;
    this.prefaceLeft = expectPreface ? clientPreface.length : 0;
  }

  /** True if the whole preface has been seen. */
  get prefaceSeen(): boolean {
    return this.prefaceLeft === 0;
  }

  /** True if a frame has begun and not ended. */
  get insideFrame(): boolean {
    return this.left >= 0 || this.headerFilled > 0;
  }

  /** True if the payload of a DATA frame is under way. */
  get insideData(): boolean {
    return this.left >= 0 && this.type === FrameType.DATA;
  }

  /** The bytes of a frame header that is not complete yet. */
  get unfinishedHeader(): Uint8Array {
    return this.header.subarray(0, this.headerFilled);
  }

  /** Discards whatever comes from now on, the rest of the chunk being read included. */
  stop(): void {
    this.stopped = true;
    this.halted = true;
  }

  /** Reads no further than to the end of the current frame; the next {@link FrameReader.read} goes on. */
  yield(): void {
    this.halted = true;
  }

  /**
   * Reads a range of a chunk, by default all of it. Returns the offset behind what was read. Throws {@link Http2ConnectionError} for
   * what breaks the connection.
   */
  read(b: Uint8Array, start = 0, end: number = b.length): number {
    if (this.stopped) return end;
    this.halted = false;
    let at = start;
    if (this.prefaceLeft > 0) at = this.preface(b, start, end);
    if (this.left >= 0) at = this.payload(b, at, end);
    while (at < end && !this.halted) {
      if (this.headerFilled === 0 && end - at >= frameHeaderLength) {
        this.begin(b, at);
        at += frameHeaderLength;
      } else {
        while (at < end && this.headerFilled < frameHeaderLength) this.header[this.headerFilled++] = b[at++]!;
        if (this.headerFilled < frameHeaderLength) return at;
        this.headerFilled = 0;
        this.begin(this.header, 0);
      }
      at = this.payload(b, at, end);
    }
    return this.stopped ? end : at;
  }

  private preface(b: Uint8Array, start: number, end: number): number {
    const done = clientPreface.length - this.prefaceLeft;
    const n = Math.min(this.prefaceLeft, end - start);
    for (let i = 0; i < n; i++) {
      if (b[start + i] !== clientPreface[done + i]) {
        const otherProtocol =
          done + i < methodTold ? describeOtherProtocol(b.subarray(start + i, end), true) : undefined;
        throw new Http2ConnectionError(
          ErrorCode.PROTOCOL_ERROR,
          otherProtocol ?? "the client's connection preface is wrong (RFC 9113 §3.4)",
          { otherProtocol: otherProtocol !== undefined },
        );
      }
    }
    this.prefaceLeft -= n;
    return start + n;
  }

  private begin(b: Uint8Array, at: number): void {
    const length = (b[at]! << 16) | (b[at + 1]! << 8) | b[at + 2]!;
    const type = b[at + 3]!;
    const flags = b[at + 4]!;
    this.frames++;
    const streamId = ((b[at + 5]! & 0x7f) << 24) | (b[at + 6]! << 16) | (b[at + 7]! << 8) | b[at + 8]!;
    this.handler.frameHeader(type, flags, streamId, length);
    this.type = type;
    this.flags = flags;
    this.streamId = streamId;
    this.left = length;
    if (type === FrameType.DATA) {
      this.target = this.handler.data(flags, streamId, length);
      this.padding = (flags & Flag.PADDED) !== 0 ? -1 : 0;
    }
  }

  /** The payload of the current frame, as far as it is here; returns the offset behind it. */
  private payload(b: Uint8Array, at: number, end: number): number {
    if (this.type === FrameType.DATA) return this.dataPayload(b, at, end);
    const n = Math.min(this.left, end - at);
    const type = this.type;
    if (this.collected === null && n === this.left) {
      this.left = -1;
      this.handler.frame(type, this.flags, this.streamId, b, at, at + n);
      return at + n;
    }
    if (type > FrameType.CONTINUATION) {
      // RFC 9113 §5.5: unknown frames are ignored, so nothing of them is kept.
      this.left -= n;
      if (this.left === 0) {
        this.left = -1;
        this.handler.frame(type, this.flags, this.streamId, b, at, at);
      }
      return at + n;
    }
    if (n === 0 && this.left > 0) return at;
    this.collected ??= new Uint8Array(this.left);
    const whole = this.collected;
    whole.set(b.subarray(at, at + n), whole.length - this.left);
    this.left -= n;
    if (this.left === 0) {
      this.left = -1;
      this.collected = null;
      this.handler.frame(type, this.flags, this.streamId, whole, 0, whole.length);
    }
    return at + n;
  }

  private dataPayload(b: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.padding < 0) {
      if (at === end) return at;
      this.padding = b[at++]!;
      this.left--;
      if (this.padding > this.left) {
        throw new Http2ConnectionError(
          ErrorCode.PROTOCOL_ERROR,
          "padding is longer than the DATA frame (RFC 9113 §6.1)",
        );
      }
      if (this.padding === this.left && (this.flags & Flag.END_STREAM) === 0) this.handler.onlyPadding();
      this.target?.dataPadding(this.padding + 1);
    }
    const n = Math.min(this.left, end - at);
    const body = Math.min(n, this.left - this.padding);
    this.left -= n;
    const target = this.target;
    if (target !== null && body > 0) target.dataPiece(b, at, at + body);
    if (this.left === 0) {
      this.left = -1;
      this.target = null;
      target?.dataDone((this.flags & Flag.END_STREAM) !== 0);
    }
    return at + n;
  }
}
