// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import { errorFromThrown } from "../log/thrown.js";
import { SharedSignal } from "../runtime/shared-signal.js";

/**
 * Calls back with the reason, as an error, when a signal fires; at once if the signal has fired already. Returns a function that
 * takes the listener off. Many callbacks share one listener, since Node warns of more than ten.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  callback: (error: ConnectError) => void,
): () => void {
  if (signal === undefined) return () => {};
  const ended = { signalFired: () => callback(errorFromThrown(signal.reason, Code.Canceled)) };
  if (signal.aborted) {
    ended.signalFired();
    return () => {};
  }
  const shared = SharedSignal.of(signal);
  shared.add(ended);
  return () => shared.delete(ended);
}
