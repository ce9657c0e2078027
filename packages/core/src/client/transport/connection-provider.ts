// SPDX-License-Identifier: Apache-2.0
import type { Connection } from "../../carrier/connection.js";
import { inspect } from "../../log/inspect.js";

/** The facts of an attempt that needs a connection. */
export interface PickInfo {
  /** The service on the wire: `package.Service`, or the client's `interface`. */
  readonly service: string;
  /** The method on the wire: `GreetStream`. */
  readonly method: string;
  /** The service group that the request asks for; empty for none. */
  readonly group: string;
  /** The service version that the request asks for; empty for none. */
  readonly version: string;
  /**
   * The request's metadata, as the interceptors left it. Read only. The first read of a call makes the headers, as an interceptor's
   * does: the call then sends them field by field, which costs about 2 µs.
   */
  readonly header: Headers;
  /** Milliseconds until the call's deadline, 0 or more, by the transport's clock. Undefined for a call without a deadline. */
  readonly timeLeftMs: number | undefined;
  /**
   * 1 for the first attempt of a call. Each further one counts on: a transparent retry, and an interceptor's next `next()`, also while an
   * earlier attempt runs.
   */
  readonly attempt: number;
  /**
   * Fires when the call is over. Read the signal only if no connection is open: the first read makes the signal, which costs 2 µs.
   */
  readonly signal: AbortSignal;
}

/**
 * Gives the attempts of a transport's calls their connections: from one connection, a pool, or a list of addresses that a registry keeps up
 * to date. `createTransport` takes one.
 *
 * ```ts
 * const provider: ConnectionProvider = {
 *   pick: ({ method }) => (method === "Upload" ? bulk : interactive),
 *   close: async () => [bulk, interactive].forEach((each) => each.abort("the transport was closed")),
 * };
 * ```
 */
export interface ConnectionProvider {
  /**
   * Gives an attempt its connection, which has been started: a connection at once if one is open, else a promise. Called once for each
   * attempt. Throws, or rejects, with the call's error if there is no connection: `Unavailable`, as a rule. The attempt fails with it, and an
   * interceptor may try again.
   *
   * If a stream is refused before the peer's application has seen it, `pick` is called again for the attempt that takes its place. That
   * attempt fails with the refusal if its connection is not `usable`.
   *
   * A connection that no attempt waits for must not keep the process alive: see {@link PickInfo.signal}.
   */
  pick(info: PickInfo): Connection | Promise<Connection>;
  /** Ends all connections; calls that run end with `Unavailable`. Not asked for a connection afterwards. May be called again. */
  close(): Promise<void>;
  /** The group of every call whose client names none. */
  readonly group?: string;
  /** The version of every call whose client names none. */
  readonly version?: string;
}

/** Gives every attempt the same connection, which it starts with the first one. */
export class OneConnection implements ConnectionProvider {
  private readonly connection: Connection;
  private started = false;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** @inheritdoc */
  pick(): Connection {
    if (!this.started) this.connection.start({});
    this.started = true;
    return this.connection;
  }

  /** @inheritdoc */
  async close(): Promise<void> {
    if (this.started) this.connection.abort("the transport was closed");
  }

  /** For the line of its transport. */
  [inspect](): string {
    return this.connection.peer.address;
  }
}
