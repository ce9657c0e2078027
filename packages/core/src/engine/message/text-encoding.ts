// SPDX-License-Identifier: Apache-2.0
import { configureTextEncoding, getTextEncoding } from "@bufbuild/protobuf/wire";

/** Texts up to this length are encoded in a loop; above it the runtime's encoder is as fast. */
const loopUpTo = 64;

let done = false;

/**
 * Has protobuf-es encode short ASCII texts in a loop instead of by `TextEncoder`, whose call costs more than such a text:
 * a message with one short string is serialised in half the time. The setting is protobuf-es's own and holds for the whole
 * process; the bytes are the same, and every other text goes to the encoder that was set before.
 */
export function speedUpTextEncoding(): void {
  if (done) return;
  done = true;
  const before = getTextEncoding();
  configureTextEncoding({
    encodeUtf8: (text) => encodeAscii(text) ?? before.encodeUtf8(text),
    decodeUtf8: before.decodeUtf8,
    checkUtf8: before.checkUtf8,
  });
}

function encodeAscii(text: string): Uint8Array<ArrayBuffer> | null {
  // The encoder refuses a value that is not a string.
  if (typeof text !== "string" || text.length > loopUpTo) return null;
  const { length } = text;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0x7f) return null;
    bytes[i] = c;
  }
  return bytes;
}
