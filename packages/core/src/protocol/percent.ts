// SPDX-License-Identifier: Apache-2.0

const encoder = new TextEncoder();

/**
 * Percent-encodes the text of a status: UTF-8 octets outside visible ASCII, `%`, `+`, which dubbo-java would read as a
 * space, and a space at either end, which no field value may have (RFC 9113 §8.2.1). A lone surrogate becomes U+FFFD: an error's text must never make another error.
 */
export function encodePercent(text: string): string {
  if (/^[ !-$&-*,-~]*$/.test(text) && text === text.trim()) return text;
  const octets = encoder.encode(text);
  let out = "";
  for (const [i, octet] of octets.entries()) {
    const inner = octet > 0x20 || (i > 0 && i < octets.length - 1);
    const plain = inner && octet >= 0x20 && octet <= 0x7e && octet !== 0x25 && octet !== 0x2b;
    out += plain ? String.fromCharCode(octet) : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/**
 * Decodes a status text and never fails: a `%` that begins no escape stays as it is, as the gRPC specification asks;
 * raw octets above ASCII, which dubbo-java sends, are read as UTF-8 if they are, else as Latin-1.
 */
export function decodePercent(value: string): string {
  if (/^[ -$&-~]*$/.test(value)) return value;
  const octets: number[] = [];
  for (let i = 0; i < value.length; i++) {
    const hex = value[i] === "%" ? /^[0-9a-fA-F]{2}/.exec(value.slice(i + 1, i + 3)) : null;
    if (hex !== null) {
      octets.push(Number.parseInt(hex[0], 16));
      i += 2;
    } else {
      octets.push(value.charCodeAt(i) & 0xff);
    }
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(octets));
  } catch {
    // Not by one call with all of them: that has a limit, and a peer's text may be long.
    return octets.map((octet) => String.fromCharCode(octet)).join("");
  }
}
