// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import type { Peer } from "../../carrier/connection.js";
import type { AsyncContext } from "../../runtime/async-context.js";
import type { DeadlineWheel } from "./deadline.js";
import type { HeldEnds } from "./held-ends.js";
import type { ServerCall } from "./server-call.js";

/** The server's half of one connection, as its calls see it. */
export interface ServerCallHost {
  readonly peer: Peer;
  readonly owner: ServerCallOwner;
  /** The ends of request streams that may still be reset. */
  readonly heldEnds: HeldEnds;
  /** Why a call has to be refused now, before its handler runs; null if it need not. */
  refuseCall(): ConnectError | null;
}

/** The owner of all calls: the server. */
export interface ServerCallOwner {
  /** Most memory that the request messages of all handlers in this process may take. */
  readonly maxHeldBytes: number;
  /** The deadlines by the server's clock. */
  readonly deadlines: DeadlineWheel;
  /** The server's context. Each call's context is a copy of it; no application code runs in it directly. */
  readonly asyncContext: AsyncContext;
  /** The call is over; `running`: its handler is not. */
  callEnded(call: ServerCall, running: boolean): void;
  /** The handler of a call that was over before has settled; `error` is what it threw, if it did. */
  settledLate(call: ServerCall, error: unknown): void;
  /** The call's error has metadata that can't be sent, for this reason, and goes without. */
  metadataLeftOut(call: ServerCall, reason: ConnectError): void;
  /** A handler threw a value that is not a `ConnectError`: logs it, and returns what the client may see. */
  unexpected(call: ServerCall, error: unknown): ConnectError;
}
