// SPDX-License-Identifier: Apache-2.0
import { getTextEncoding } from "@bufbuild/protobuf/wire";
import { unusual } from "./unusual.js";
import { input, putLength, readStop, varint32Bytes, varintSize } from "./varint.js";

/** Up to so many UTF-16 units a loop here beats the call of the runtime's encoder. */
const writtenInLoop = 32;
/** Up to so many octets a loop here beats the call of the runtime's decoder. */
const readInLoop = 48;

const encoder = new TextEncoder();

/** The most octets that a text takes, with its length. */
export function textBound(text: unknown): number {
  if (typeof text !== "string") throw unusual;
  return text.length * 3 + varint32Bytes;
}

/** Writes the length of a text and the text in UTF-8; returns the offset behind it. */
export function writeText(text: unknown, b: Uint8Array, at: number): number {
  if (typeof text !== "string") throw unusual;
  const units = text.length;
  // Right for ASCII; what is longer in UTF-8 is moved if its length takes more octets.
  const width = varintSize(units);
  const start = at + width;
  let end = units > writtenInLoop ? -1 : writeShort(text, b, start);
  if (end < 0) {
    const room = new Uint8Array(b.buffer, b.byteOffset + start, Math.min(units * 3, b.length - start));
    const { read, written } = encoder.encodeInto(text, room);
    if (read !== units) throw unusual;
    end = start + written;
  }
  return putLength(b, at, width, end);
}

/** Writes a short text; -1 if a surrogate is in it, which the runtime's encoder treats as it should be. */
function writeShort(text: string, b: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      b[at++] = unit;
    } else if (unit < 0x800) {
      b[at++] = 0xc0 | (unit >>> 6);
      b[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      b[at++] = 0xe0 | (unit >>> 12);
      b[at++] = 0x80 | ((unit >>> 6) & 0x3f);
      b[at++] = 0x80 | (unit & 0x3f);
    } else {
      return -1;
    }
  }
  return at;
}

/** Reads a length and a text, and refuses what is no UTF-8. */
export function readCheckedText(b: Uint8Array, end: number): string {
  return readText(b, end, true);
}

/** Reads a length and a text; U+FFFD takes the place of what is no UTF-8. */
export function readUncheckedText(b: Uint8Array, end: number): string {
  return readText(b, end, false);
}

function readText(b: Uint8Array, end: number, strict: boolean): string {
  const stop = readStop(b, end);
  const start = input.at;
  input.at = stop;
  if (stop - start <= readInLoop) {
    const text = asciiText(b, start, stop);
    if (text !== null) return text;
  }
  // As protobuf-es does it, which is as the user may have set it: what that calls may parse too.
  const { depth } = input;
  const text = getTextEncoding().decodeUtf8(
    new Uint8Array(b.buffer, b.byteOffset + start, stop - start),
    strict,
  );
  input.at = stop;
  input.depth = depth;
  return text;
}

/** A text of ASCII; null if it is none. Eight at a time: one call of `fromCharCode` with eight costs what one with one does. */
function asciiText(b: Uint8Array, at: number, end: number): string | null {
  let text = "";
  for (; end - at >= 8; at += 8) {
    const c0 = b[at]!;
    const c1 = b[at + 1]!;
    const c2 = b[at + 2]!;
    const c3 = b[at + 3]!;
    const c4 = b[at + 4]!;
    const c5 = b[at + 5]!;
    const c6 = b[at + 6]!;
    const c7 = b[at + 7]!;
    if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) > 0x7f) return null;
    text += String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7);
  }
  if (end - at >= 4) {
    const c0 = b[at]!;
    const c1 = b[at + 1]!;
    const c2 = b[at + 2]!;
    const c3 = b[at + 3]!;
    if ((c0 | c1 | c2 | c3) > 0x7f) return null;
    text += String.fromCharCode(c0, c1, c2, c3);
    at += 4;
  }
  for (; at < end; at++) {
    const c = b[at]!;
    if (c > 0x7f) return null;
    text += String.fromCharCode(c);
  }
  return text;
}
