// SPDX-License-Identifier: Apache-2.0

/**
 * Says that a header block cannot be decoded: a COMPRESSION_ERROR, fatal for the connection (RFC 9113 §4.3), because
 * the dynamic tables of both ends no longer agree. The decoder that threw it must not be used again.
 */
export class HpackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "HpackError";
  }
}
