// SPDX-License-Identifier: Apache-2.0
import { type Code, ConnectError } from "@connectrpc/connect";

/** What was thrown, if it is a `ConnectError`; else null. It may be anything: a proxy whose every access throws. */
export function thrownConnectError(thrown: unknown): ConnectError | null {
  try {
    return thrown instanceof ConnectError ? thrown : null;
  } catch {
    return null;
  }
}

/** What was thrown as the error of a call: `ConnectError.from`, also for what has no text, on which that throws. */
export function errorFromThrown(thrown: unknown, code?: Code): ConnectError {
  try {
    return ConnectError.from(thrown, code);
  } catch {
    return new ConnectError(`a thrown ${typeof thrown} that has no text`, code, undefined, undefined, thrown);
  }
}
