// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";

/**
 * The reason why one side resets a stream. A carrier translates it from and to its protocol's own codes:
 *
 * - `canceled`: the side wants no more of the stream.
 * - `complete`: the side has answered, and needs no more of the request.
 * - `refused`: the application did not see the request.
 * - `limit`: the other side passed a limit.
 * - `security`: the transport is not secure enough.
 * - `error`: every other reason.
 */
export type ResetReason = "canceled" | "complete" | "refused" | "limit" | "security" | "error";

/** The code of a call that the peer reset (grpc/grpc doc/PROTOCOL-HTTP2.md, "HTTP2 Transport Mapping"). */
export function codeFromReset(reason: ResetReason): Code {
  switch (reason) {
    case "canceled":
      return Code.Canceled;
    case "refused":
      return Code.Unavailable;
    case "limit":
      return Code.ResourceExhausted;
    case "security":
      return Code.PermissionDenied;
    case "complete":
    case "error":
      return Code.Internal;
  }
}

/** The code of a call that this side reset: the peer passed a limit, or it broke the protocol. */
export function codeFromLocalReset(reason: ResetReason): Code {
  return reason === "limit" ? Code.ResourceExhausted : Code.Internal;
}
