// SPDX-License-Identifier: Apache-2.0
import { writeVarint32 } from "./varint.js";

/** The lower three bits of a tag (protobuf.dev/programming-guides/encoding). Groups, 3 and 4, fall back to protobuf-es. */
export const WireType = { Varint: 0, Bit64: 1, LengthDelimited: 2, Bit32: 5 } as const;

/** The tag of a field. */
export function tagOf(fieldNumber: number, wireType: number): number {
  return ((fieldNumber << 3) | wireType) >>> 0;
}

/** Writes a tag; returns the offset behind it. */
export function putTag(b: Uint8Array, at: number, tag: number): number {
  if (tag < 0x80) {
    b[at] = tag;
    return at + 1;
  }
  return writeVarint32(b, at, tag);
}
