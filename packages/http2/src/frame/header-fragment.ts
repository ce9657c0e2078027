// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import { Flag, readUint31 } from "./frame-type.js";

/** Where the header block fragment lies in a HEADERS payload. */
export interface HeaderFragment {
  readonly start: number;
  readonly end: number;
}

/**
 * The header block fragment of a HEADERS frame, without padding and priority (RFC 9113 §6.2). The length is known to
 * hold both fixed parts.
 */
export function headerFragment(
  flags: number,
  streamId: number,
  b: Uint8Array,
  start: number,
  end: number,
): HeaderFragment {
  let from = start;
  let to = end;
  if ((flags & Flag.PADDED) !== 0) to -= b[from++]!;
  if ((flags & Flag.PRIORITY) !== 0) {
    // RFC 9113 dropped the rule of RFC 7540 §5.3.1; peers and h2spec keep it.
    if (readUint31(b, from) === streamId) {
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        `stream ${streamId} depends on itself (RFC 7540 §5.3.1)`,
      );
    }
    from += 5;
  }
  if (from > to) {
    throw new Http2ConnectionError(
      ErrorCode.PROTOCOL_ERROR,
      "padding is longer than the HEADERS frame (RFC 9113 §6.2)",
    );
  }
  return { start: from, end: to };
}
