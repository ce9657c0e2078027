// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import type { StreamReset } from "../../carrier/byte-stream.js";
import type { Peer } from "../../carrier/connection.js";
import { codeFromLocalReset } from "../../carrier/reset-reason.js";
import { peerError } from "../../protocol/peer-error.js";

/** The error of a call whose request was reset. It names the method: it may be all that the process prints of a rejection that a handler left unhandled. */
export function errorFromRequestReset(reset: StreamReset, peer: Peer, name: string): ConnectError {
  if (reset.source === "connection") {
    return peerError(`connection to ${peer.address} lost in ${name}: ${reset.message}`, Code.Unavailable);
  }
  if (reset.source === "local")
    return peerError(`${name}: ${reset.message}`, codeFromLocalReset(reset.reason));
  // Whatever code it comes with, a client that resets does not want the answer any more.
  return peerError(`the client at ${peer.address} canceled ${name}: ${reset.message}`, Code.Canceled);
}
