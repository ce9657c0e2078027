// SPDX-License-Identifier: Apache-2.0
import { needsFallback } from "./needs-fallback.js";

/**
 * The read position: one object for all decoders, so that a value is returned without an object around it. Decoding is synchronous. The
 * text encoding is the only call-back, and the position is restored after it.
 */
export const input = {
  /** The offset of the next byte. */
  at: 0,
  /** How many messages are open around the one that is being read. */
  depth: 0,
  /** True if the buffer that is read belongs to the message: no other code has it, or will use it. */
  owned: false,
  /** How many more elements the message may have. */
  elementsLeft: Number.POSITIVE_INFINITY,
  /** The numbers of 64 bits in lists that the message has so far, but for those of one byte. */
  longs: 0,
  /** How many elements the message that was parsed last has. */
  elements: 0,
  /** The upper half of what {@link readVarint64} has read. */
  high: 0,
};

/** The most bytes of a varint of 32 bits that is not negative, or of a length or a tag. */
export const varint32Bytes = 5;
/** The most bytes of any varint. */
export const varint64Bytes = 10;

/** How many bytes a length or an unsigned number takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes an unsigned number of 32 bits; returns the offset behind it. */
export function writeVarint32(b: Uint8Array, at: number, value: number): number {
  while (value > 0x7f) {
    b[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  b[at++] = value;
  return at;
}

/** Writes a number of 64 bits, in two halves; returns the offset behind it. */
export function writeVarint64(b: Uint8Array, at: number, low: number, high: number): number {
  while (high !== 0 || low >>> 7 !== 0) {
    b[at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  b[at++] = low;
  return at;
}

/**
 * Puts a length before what was written from `at + width` up to `end`, and moves that when its length takes another number of
 * bytes. Returns the offset behind it.
 */
export function putLength(b: Uint8Array, at: number, width: number, end: number): number {
  const start = at + width;
  const length = end - start;
  const needed = varintSize(length);
  if (needed !== width) b.copyWithin(at + needed, start, end);
  writeVarint32(b, at, length);
  return at + needed + length;
}

/** Reads a varint and returns its lower half, unsigned. */
export function readVarint32(b: Uint8Array, end: number): number {
  let at = input.at;
  if (end - at >= varint32Bytes) {
    // None of these can be behind the end.
    let byte = b[at++]!;
    let value = byte & 0x7f;
    if (byte < 0x80) {
      input.at = at;
      return value;
    }
    byte = b[at++]!;
    value |= (byte & 0x7f) << 7;
    if (byte < 0x80) {
      input.at = at;
      return value;
    }
    byte = b[at++]!;
    value |= (byte & 0x7f) << 14;
    if (byte < 0x80) {
      input.at = at;
      return value;
    }
    byte = b[at++]!;
    value |= (byte & 0x7f) << 21;
    if (byte < 0x80) {
      input.at = at;
      return value;
    }
  }
  return readVarint64(b, end);
}

/** Reads a varint: returns its lower half, unsigned, and leaves the upper one in `input.high`, signed. */
export function readVarint64(b: Uint8Array, end: number): number {
  let at = input.at;
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= end) throw needsFallback;
    const byte = b[at++]!;
    const bits = byte & 0x7f;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (shift - 32);
    if (byte < 0x80) {
      input.at = at;
      input.high = high;
      return low >>> 0;
    }
  }
  throw needsFallback;
}

/** Reads a tag; one above 32 bits, or in more bytes than those can take, is none. */
export function readTag(b: Uint8Array, end: number): number {
  const start = input.at;
  const tag = readVarint32(b, end);
  const length = input.at - start;
  if (length > varint32Bytes || (length === varint32Bytes && b[input.at - 1]! > 0x0f)) throw needsFallback;
  return tag;
}

/** Reads a length, and returns the offset where what it announces ends; that is not behind `end`. */
export function readStop(b: Uint8Array, end: number): number {
  const at = input.at;
  const byte = at < end ? b[at]! : 0x80;
  let length: number;
  if (byte < 0x80) {
    input.at = at + 1;
    length = byte;
  } else {
    length = readVarint32(b, end);
  }
  const stop = input.at + length;
  if (stop > end) throw needsFallback;
  return stop;
}
