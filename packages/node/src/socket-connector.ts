// SPDX-License-Identifier: Apache-2.0
import { AsyncResource } from "node:async_hooks";
import {
  type Clock,
  Code,
  ConnectError,
  type Connector,
  type Link,
  systemClock,
  type WaitingCall,
} from "@tristream/core";
import type { Connection, Http2Options, ResolvedHttp2Options } from "@tristream/http2";
import { parseTarget, type Target } from "./address.js";
import { longestTimeout } from "./dial/address-race.js";
import type { ConnectionOwner } from "./dial/connection-attempt.js";
import { Dial } from "./dial/dial.js";
import { http2Options } from "./http2-options.js";

/** Options of the connections that a transport makes. */
export interface ConnectOptions {
  /**
   * Time for a connection to be made, per address, in milliseconds: from the lookup of its name until the peer's SETTINGS. Above 0, at
   * most 2,147,483,647, or Infinity for no limit. Default 10,000. Then the next address is tried. A call's own deadline may be shorter.
   */
  connectTimeoutMs?: number | undefined;
  /** Limits of HTTP/2. */
  http2?: Http2Options | undefined;
}

/** Keeps a connection to the first address that can be reached, and makes a new one when it is lost, or ends for new calls. */
export class SocketConnector implements Connector, ConnectionOwner {
  readonly group: string;
  readonly version: string;
  http2: ResolvedHttp2Options;
  readonly clock: Clock;
  private readonly target: Target;
  private readonly timeoutMs: number;
  private current: Connection | null = null;
  private dial: Dial | null = null;
  private readonly open = new Set<Connection>();
  /** Sockets are made in the transport's context. In the context of the first call, they would keep that call's store. */
  private readonly context = new AsyncResource("TristreamConnector");

  constructor(url: string, options: ConnectOptions, clock: Clock = systemClock) {
    this.clock = clock;
    this.target = parseTarget(url);
    this.group = this.target.group;
    this.version = this.target.version;
    this.http2 = http2Options(options.http2, "client");
    this.timeoutMs = connectTimeout(options.connectTimeoutMs);
  }

  /** @inheritdoc */
  connect(call?: WaitingCall): Link | Promise<Link> {
    if (this.current?.usable === true) return this.current;
    return (this.dial ?? this.context.runInAsyncScope(this.beginDial, this)).wait(call);
  }

  /** @inheritdoc */
  async close(): Promise<void> {
    this.dial?.stop(new Error("the transport was closed"));
    for (const connection of [...this.open]) connection.abort(0, "the transport was closed");
  }

  // ---- ConnectionOwner

  /** @inheritdoc */
  tooManyPings(): void {
    const keepaliveMs = Math.min(this.http2.keepaliveMs * 2, longestTimeout);
    this.http2 = { ...this.http2, keepaliveMs };
  }

  /** @inheritdoc */
  opened(connection: Connection): void {
    this.open.add(connection);
  }

  /** @inheritdoc */
  lost(connection: Connection): void {
    this.open.delete(connection);
    if (this.current === connection) this.current = null;
  }

  private beginDial(): Dial {
    const dial = new Dial(this.target.addresses, this, this.timeoutMs);
    this.dial = dial;
    // Cleared before the waiting calls settle: their code may need the next connection.
    dial.connection.then(
      (connection) => {
        this.current = connection;
        this.dial = null;
      },
      () => {
        this.dial = null;
      },
    );
    return dial;
  }
}

function connectTimeout(given: number | undefined): number {
  if (given === undefined) return 10_000;
  if ((given > 0 && given <= longestTimeout) || given === Number.POSITIVE_INFINITY) return given;
  throw new ConnectError(
    `connectTimeoutMs is ${given}: pass milliseconds above 0 and up to ${longestTimeout}, or Infinity for no limit`,
    Code.InvalidArgument,
  );
}
