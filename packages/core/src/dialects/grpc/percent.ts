// SPDX-License-Identifier: Apache-2.0

const encoder = new TextEncoder();

/**
 * Percent-encodes the text of a status: UTF-8 bytes outside visible ASCII, `%`, `+`, which dubbo-java would read as a
 * space, and a space at either end, which no field value may have (RFC 9113 §8.2.1). A lone surrogate becomes U+FFFD: an error's text must never make another error.
 */
export function encodePercent(text: string): string {
  if (/^[ !-$&-*,-~]*$/.test(text) && text === text.trim()) return text;
  const bytes = encoder.encode(text);
  let out = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    const inner = byte > 0x20 || (i > 0 && i < bytes.length - 1);
    const plain = inner && byte >= 0x20 && byte <= 0x7e && byte !== 0x25 && byte !== 0x2b;
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/**
 * Decodes a status text and never fails: a `%` that begins no escape stays as it is, as the gRPC specification asks;
 * raw bytes above ASCII, which dubbo-java sends, are read as UTF-8 if they are, else as Latin-1.
 */
export function decodePercent(value: string): string {
  if (/^[ -$&-~]*$/.test(value)) return value;
  const bytes = new Uint8Array(value.length);
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    const high = c === 0x25 ? hexDigit(value.charCodeAt(i + 1)) : -1;
    const low = high < 0 ? -1 : hexDigit(value.charCodeAt(i + 2));
    bytes[length++] = low < 0 ? c : high * 16 + low;
    if (low >= 0) i += 2;
  }
  const decoded = bytes.subarray(0, length);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(decoded);
  } catch {
    let text = "";
    for (const byte of decoded) text += String.fromCharCode(byte);
    return text;
  }
}

/** The value of a hexadecimal digit; -1 if it is none. */
function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const letter = c | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
