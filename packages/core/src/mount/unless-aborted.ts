// SPDX-License-Identifier: Apache-2.0
import { ConnectError } from "@connectrpc/connect";

/** A promise's outcome, or the reason of a signal that fires before. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Why a signal has fired, as an error of the call. */
export function reasonOf(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason);
}
