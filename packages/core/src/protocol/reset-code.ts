// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";

/** The HTTP/2 error codes that calls end streams with (RFC 9113 §7). */
export const ResetCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
} as const;

/** The code of a call that the peer's RST_STREAM ended (grpc/grpc doc/PROTOCOL-HTTP2.md, "HTTP2 Transport Mapping"). */
export function codeFromReset(code: number): Code {
  switch (code) {
    case ResetCode.CANCEL:
      return Code.Canceled;
    case ResetCode.REFUSED_STREAM:
      return Code.Unavailable;
    case ResetCode.ENHANCE_YOUR_CALM:
      return Code.ResourceExhausted;
    case ResetCode.INADEQUATE_SECURITY:
      return Code.PermissionDenied;
    default:
      return Code.Internal;
  }
}

/** The code of a call that this side reset: the peer passed a limit, or it broke the protocol. */
export function codeFromLocalReset(code: number): Code {
  return code === ResetCode.ENHANCE_YOUR_CALM ? Code.ResourceExhausted : Code.Internal;
}
