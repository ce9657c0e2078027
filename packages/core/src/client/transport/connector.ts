// SPDX-License-Identifier: Apache-2.0
import type { Connection } from "../../carrier/connection.js";
import { inspect } from "../../log/inspect.js";

/** A call that waits for a connection. */
export interface WaitingCall {
  /** Fires when the call no longer waits. Read it only if there is no connection yet: the first read makes the signal. */
  readonly signal: AbortSignal;
}

/** Where a transport gets its connections. */
export interface Connector {
  /**
   * A connection for new calls: the open one, or a new one. Rejects with the reason if there is no connection. `call` is the call that
   * waits: a connection that no call waits for must not keep the process alive.
   */
  connect(call?: WaitingCall): Connection | Promise<Connection>;
  /** Ends all connections; calls that run end with `Unavailable`. */
  close(): Promise<void>;
  /** Group and version of every call whose client names none. */
  readonly group?: string;
  readonly version?: string;
}

/** A connector of one connection, which it starts with the first call. */
export function singleConnection(connection: Connection): Connector {
  let started = false;
  return {
    connect() {
      if (!started) connection.start({});
      started = true;
      return connection;
    },
    async close() {
      if (started) connection.abort("the transport was closed");
    },
    // For the line of its transport.
    [inspect]: () => connection.peer.address,
  } as Connector;
}
