// SPDX-License-Identifier: Apache-2.0
// Hot path: see encoder.ts.
import { encodeHuffman } from "./huffman.js";
import { CODE_LENGTHS } from "./huffman-codes.js";
import { writeInteger } from "./integer.js";

/**
 * Writes a string literal (RFC 7541 §5.2), Huffman-coded if that is strictly shorter, and returns the offset behind it.
 * Throws a `RangeError`, before anything is written, for a text that is not of bytes (char codes 0 to 255).
 */
export function writeStringLiteral(text: string, out: Uint8Array, at: number): number {
  const length = text.length;
  let bits = 0;
  let codes = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    codes |= code;
    bits += CODE_LENGTHS[code & 0xff]!;
  }
  // Cut to its low byte, a character could become a line feed: better no message than another one.
  if (codes > 0xff) throw notBytes();
  const coded = (bits + 7) >>> 3;
  if (coded < length) return encodeHuffman(text, out, writeInteger(coded, 0x7f, 0x80, out, at));
  at = writeInteger(length, 0x7f, 0, out, at);
  for (let i = 0; i < length; i++) out[at++] = text.charCodeAt(i);
  return at;
}

/** Returns the bytes of a string literal. */
export function stringLiteral(text: string): Uint8Array {
  const out = new Uint8Array(text.length + 6);
  return out.slice(0, writeStringLiteral(text, out, 0));
}

/** Throws a `RangeError`, as encoding does, if a field has what is no byte: for fields that are encoded later. */
export function checkBytes(fields: readonly string[]): void {
  for (const text of fields) {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) throw notBytes();
  }
}

function notBytes(): RangeError {
  return new RangeError("a header field has characters above U+00FF: encode them first");
}
