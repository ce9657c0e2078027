// SPDX-License-Identifier: Apache-2.0

/** The lower three bits of a tag (protobuf.dev/programming-guides/encoding). Groups, 3 and 4, are left to protobuf-es. */
export const WireType = { Varint: 0, Bit64: 1, LengthDelimited: 2, Bit32: 5 } as const;

/** The tag of a field. */
export function tagOf(fieldNumber: number, wireType: number): number {
  return ((fieldNumber << 3) | wireType) >>> 0;
}
