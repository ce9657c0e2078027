// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../connection/error-code.js";

/**
 * The reason why one side resets a stream, in words that any carrier of streams has:
 *
 * - `canceled`: the side wants no more of the stream (CANCEL).
 * - `complete`: the side has answered, and needs no more of the request (NO_ERROR, RFC 9113 §8.1).
 * - `refused`: the application did not see the request (REFUSED_STREAM).
 * - `limit`: the other side passed a limit (ENHANCE_YOUR_CALM).
 * - `security`: the transport is not secure enough (INADEQUATE_SECURITY).
 * - `error`: every other error code.
 */
export type ResetReason = "canceled" | "complete" | "refused" | "limit" | "security" | "error";

const codes: Readonly<Record<ResetReason, number>> = {
  canceled: ErrorCode.CANCEL,
  complete: ErrorCode.NO_ERROR,
  refused: ErrorCode.REFUSED_STREAM,
  limit: ErrorCode.ENHANCE_YOUR_CALM,
  security: ErrorCode.INADEQUATE_SECURITY,
  error: ErrorCode.INTERNAL_ERROR,
};

const reasons = new Map(Object.entries(codes).map(([reason, code]) => [code, reason as ResetReason]));

/** The error code that RST_STREAM carries for a reason. */
export function resetCode(reason: ResetReason): number {
  return codes[reason];
}

/** The reason for an error code of RST_STREAM (RFC 9113 §7). */
export function resetReason(code: number): ResetReason {
  return reasons.get(code) ?? "error";
}
