// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import { FrameType } from "../frame/frame-type.js";
import { limitPassed } from "../guards/limits.js";

/**
 * Puts a header block together from HEADERS and CONTINUATION (RFC 9113 §4.3, §6.10). Its size is bounded before it is
 * kept: in bytes by the header list limit, in frames by what a block of that size needs (CVE-2024-27316).
 */
export class HeaderAssembly {
  /** The block, from `start` to `end`, once {@link HeaderAssembly.add} has returned true. */
  block: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** True if the HEADERS frame carried END_STREAM. */
  endStream = false;
  private readonly maxBytes: number;
  private readonly maxContinuations: number;
  /** The stream whose block is unfinished; 0 for none. */
  private streamId = 0;
  private frames = 0;
  private parts: Uint8Array[] = [];
  private length = 0;

  constructor(maxListSize: number, maxContinuations: number) {
    // An encoded block is hardly larger than its list; four times gives a sender that overdoes it an answer.
    this.maxBytes = 4 * maxListSize;
    this.maxContinuations = maxContinuations;
  }

  /** Checks a frame's header against an unfinished block. */
  frameHeader(type: number, streamId: number, length: number): void {
    if (this.streamId !== 0) {
      if (type !== FrameType.CONTINUATION || streamId !== this.streamId) {
        throw protocolError(
          `a header block of stream ${this.streamId} is unfinished, but no CONTINUATION of it follows (RFC 9113 §6.10)`,
        );
      }
      if (++this.frames > this.maxContinuations) {
        throw limitPassed(
          `more than ${this.maxContinuations} CONTINUATION frames in one header block`,
          "maxContinuations",
        );
      }
    } else if (type === FrameType.CONTINUATION) {
      throw protocolError("CONTINUATION without HEADERS before it (RFC 9113 §6.10)");
    }
    if (
      (type === FrameType.HEADERS || type === FrameType.CONTINUATION) &&
      this.length + length > this.maxBytes
    ) {
      throw limitPassed(`header block of more than ${this.maxBytes} bytes, four times`, "maxHeaderListSize");
    }
  }

  /** Adds a fragment; true when the block is complete. The bytes are referred to when one frame holds it all. */
  add(
    streamId: number,
    b: Uint8Array,
    start: number,
    end: number,
    endHeaders: boolean,
    endStream: boolean,
  ): boolean {
    if (this.streamId === 0) this.endStream = endStream;
    if (this.streamId === 0 && endHeaders) {
      this.block = b;
      this.start = start;
      this.end = end;
      return true;
    }
    if (start === end && !endHeaders && this.streamId !== 0)
      throw limitPassed("empty CONTINUATION", "maxContinuations");
    this.streamId = streamId;
    this.parts.push(new Uint8Array(b.subarray(start, end)));
    this.length += end - start;
    if (!endHeaders) return false;
    this.block = concat(this.parts, this.length);
    this.start = 0;
    this.end = this.length;
    return true;
  }

  /** True if a block has begun and not ended. */
  get unfinished(): boolean {
    return this.streamId !== 0;
  }

  /** Forgets the block. */
  clear(): void {
    this.streamId = 0;
    this.frames = 0;
    this.parts = [];
    this.length = 0;
  }
}

function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function protocolError(message: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
}
