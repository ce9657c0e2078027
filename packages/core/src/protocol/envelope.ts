// SPDX-License-Identifier: Apache-2.0

/** Bytes before each message: a flag and the length, big endian (grpc/grpc doc/PROTOCOL-HTTP2.md). */
export const prefixLength = 5;

/** The flag of a compressed message. */
export const compressedFlag = 1;

/** Writes the prefix of a message of `length` bytes at `at`. */
export function writePrefix(b: Uint8Array, at: number, flag: number, length: number): void {
  b[at] = flag;
  b[at + 1] = length >>> 24;
  b[at + 2] = length >>> 16;
  b[at + 3] = length >>> 8;
  b[at + 4] = length;
}

/** The length that a prefix at `at` announces. */
export function readLength(b: Uint8Array, at: number): number {
  return ((b[at + 1]! << 24) | (b[at + 2]! << 16) | (b[at + 3]! << 8) | b[at + 4]!) >>> 0;
}
