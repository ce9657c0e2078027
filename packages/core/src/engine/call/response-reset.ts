// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { StreamReset } from "../../carrier/byte-stream.js";
import { codeFromLocalReset, codeFromReset } from "../../carrier/reset-reason.js";

/** The error of a call whose response was reset. `where`: the peer. `progress`: what had arrived. */
export function errorFromResponseReset(reset: StreamReset, where: string, progress: string): ConnectError {
  if (reset.source === "local") {
    const code = codeFromLocalReset(reset.reason);
    const what = code === Code.Internal ? `${where} broke the protocol` : `the call to ${where} was ended`;
    return new ConnectError(`${what}: ${reset.message}`, code);
  }
  if (reset.source === "connection") {
    const how =
      reset.disposition === "maybe-processed"
        ? `connection to ${where} lost after ${progress}`
        : `request not processed by ${where}`;
    return new ConnectError(`${how}: ${reset.message}`, Code.Unavailable);
  }
  return new ConnectError(
    `${where} ended the call after ${progress}: ${reset.message}`,
    codeFromReset(reset.reason),
  );
}
