// SPDX-License-Identifier: Apache-2.0
import { getTextEncoding } from "@bufbuild/protobuf/wire";
import { needsFallback } from "./needs-fallback.js";
import { input, putLength, readStop, varint32Bytes, varintSize } from "./varint.js";

/** Up to so many UTF-16 units a loop here beats the call of the runtime's encoder. */
const writtenInLoop = 32;
/**
 * Up to so many bytes one call of `fromCharCode` beats the runtime's decoder. No more: what is put together of pieces, or is a
 * piece of something longer, is kept with all of that, at several times its size.
 */
const shortText = 12;

const encoder = new TextEncoder();

/** The most bytes that a text takes, with its length. */
export function textBound(text: unknown): number {
  if (typeof text !== "string") throw needsFallback;
  return text.length * 3 + varint32Bytes;
}

/** Writes the length of a text and the text in UTF-8; returns the offset behind it. */
export function writeText(text: unknown, b: Uint8Array, at: number): number {
  if (typeof text !== "string") throw needsFallback;
  const units = text.length;
  // Right for ASCII; what is longer in UTF-8 is moved if its length takes more bytes.
  const width = varintSize(units);
  const start = at + width;
  let end = units > writtenInLoop ? -1 : writeShort(text, b, start);
  if (end < 0) {
    const room = new Uint8Array(b.buffer, b.byteOffset + start, Math.min(units * 3, b.length - start));
    const { read, written } = encoder.encodeInto(text, room);
    if (read !== units) throw needsFallback;
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

/** Reads a length and a text, and refuses what is not UTF-8. */
export function readCheckedText(b: Uint8Array, end: number): string {
  return readText(b, end, true);
}

/** Reads a length and a text; U+FFFD takes the place of what is not UTF-8. */
export function readUncheckedText(b: Uint8Array, end: number): string {
  return readText(b, end, false);
}

function readText(b: Uint8Array, end: number, strict: boolean): string {
  const stop = readStop(b, end);
  const start = input.at;
  input.at = stop;
  return quickText(b, start, stop) ?? decodedText(b, start, stop, strict);
}

/** A text, without the text encoding of protobuf-es; null if only that can give it. */
export function quickText(b: Uint8Array, start: number, stop: number): string | null {
  return stop - start <= shortText ? asciiText(b, start, stop) : runtimeText(b, start, stop);
}

/** As protobuf-es does it, which is as the user may have set it: what that calls may parse too. */
function decodedText(b: Uint8Array, start: number, stop: number, strict: boolean): string {
  const { depth, owned, elementsLeft } = input;
  const view = new Uint8Array(b.buffer, b.byteOffset + start, stop - start);
  const text = getTextEncoding().decodeUtf8(view, strict);
  input.at = stop;
  input.depth = depth;
  input.owned = owned;
  input.elementsLeft = elementsLeft;
  return text;
}

/** Reads the UTF-8 of a range of the array that it is called on. */
type Utf8Slice = (this: Uint8Array, start: number, end: number) => string;

/** Node's reader of texts, which needs no view of the bytes: half of the time of a `TextDecoder` for a short text. Null elsewhere. */
const utf8Slice = runtimeReader();

function runtimeReader(): Utf8Slice | null {
  const { Buffer } = globalThis as { Buffer?: { prototype?: { utf8Slice?: Utf8Slice } } };
  const slice = Buffer?.prototype?.utf8Slice;
  if (typeof slice !== "function") return null;
  try {
    // A runtime that only resembles Node may take its own buffers alone.
    return slice.call(Uint8Array.of(0x61, 0xc3, 0xa9), 1, 3) === "\u00e9" ? slice : null;
  } catch {
    return null;
  }
}

/**
 * A text, by the runtime's reader. Null without such a reader, or if a decoder may give something else: for a byte order mark at the
 * beginning, or for U+FFFD, which stands for bytes that are not UTF-8.
 */
function runtimeText(b: Uint8Array, start: number, stop: number): string | null {
  if (utf8Slice === null || b[start] === 0xef) return null;
  const text = utf8Slice.call(b, start, stop);
  return text.includes("\ufffd") ? null : text;
}

/** A text of up to {@link shortText} ASCII characters; null if it is none. A call with twelve costs what one with one does. */
function asciiText(b: Uint8Array, at: number, end: number): string | null {
  const length = end - at;
  if (length === 0) return "";
  const c0 = b[at]!;
  const c1 = length > 1 ? b[at + 1]! : 0;
  const c2 = length > 2 ? b[at + 2]! : 0;
  const c3 = length > 3 ? b[at + 3]! : 0;
  const c4 = length > 4 ? b[at + 4]! : 0;
  const c5 = length > 5 ? b[at + 5]! : 0;
  const c6 = length > 6 ? b[at + 6]! : 0;
  const c7 = length > 7 ? b[at + 7]! : 0;
  const c8 = length > 8 ? b[at + 8]! : 0;
  const c9 = length > 9 ? b[at + 9]! : 0;
  const c10 = length > 10 ? b[at + 10]! : 0;
  const c11 = length > 11 ? b[at + 11]! : 0;
  if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11) > 0x7f) return null;
  const text = String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11);
  return length === shortText ? text : text.slice(0, length);
}
