// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";

/** The thrown value if it is a `ConnectError`, else null. The value may be anything, as a proxy whose every access throws. */
export function thrownConnectError(thrown: unknown): ConnectError | null {
  try {
    return thrown instanceof ConnectError ? thrown : null;
  } catch {
    return null;
  }
}

/** The thrown value as the error of a call. `ConnectError.from` does this, but throws for a value without a text. */
export function errorFromThrown(thrown: unknown, code?: Code): ConnectError {
  try {
    return ConnectError.from(thrown, code);
  } catch {
    return new ConnectError(`a thrown ${typeof thrown} that has no text`, code, undefined, undefined, thrown);
  }
}

/**
 * The error of a call whose signal has fired with a reason. `ConnectError.from` drops the reason of a bare `abort()` and of
 * `AbortSignal.timeout()`; here the reason is the `cause`.
 */
export function errorFromReason(reason: unknown): ConnectError {
  const error = errorFromThrown(reason, Code.Canceled);
  if (error !== reason) error.cause ??= reason;
  return error;
}
