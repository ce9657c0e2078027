// SPDX-License-Identifier: Apache-2.0

/**
 * Writes an integer with a prefix of bits (RFC 7541 §5.1) and returns the offset behind it. `mask` is the prefix all
 * ones, `pattern` what the bits above it say.
 */
export function writeInteger(
  value: number,
  mask: number,
  pattern: number,
  out: Uint8Array,
  at: number,
): number {
  if (value < mask) {
    out[at++] = pattern | value;
    return at;
  }
  out[at++] = pattern | mask;
  value -= mask;
  for (; value >= 0x80; value >>>= 7) out[at++] = value | 0x80;
  out[at++] = value;
  return at;
}
