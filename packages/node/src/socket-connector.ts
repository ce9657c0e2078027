// SPDX-License-Identifier: Apache-2.0
import { AsyncResource } from "node:async_hooks";
import { inspect } from "node:util";
import {
  type Clock,
  type ConnectError,
  type ConnectionProvider,
  type OptionKind,
  type PickInfo,
  systemClock,
} from "@tristream/core";
import type { Connection, Http2Options, ResolvedHttp2Options } from "@tristream/http2";
import { parseTarget, type Target } from "./address.js";
import { longestTimeout } from "./dial/address-race.js";
import { Backoff } from "./dial/backoff.js";
import type { ConnectionOwner } from "./dial/connection-attempt.js";
import { Dial } from "./dial/dial.js";
import { http2Options } from "./http2-options.js";
import { connectError } from "./node-error.js";
import { ClientTls, type ClientTlsOptions } from "./tls/client-tls.js";

/** Options of the connections that a transport makes. */
export interface ConnectOptions {
  /**
   * Time for a connection to be made, per address, in milliseconds: from the lookup of its name until the peer's SETTINGS. Above 0, at
   * most 2,147,483,647, or Infinity for no limit. Default 10,000. Then the next address is tried. A call's own deadline may be shorter.
   */
  connectTimeoutMs?: number | undefined;
  /**
   * The longest delay between the beginnings of two attempts to connect, in milliseconds: 0 (no delay) to 2,147,483,647. Default 120,000. The
   * first delay is 1 s, each further one is 1.6 times as long, and each is up to 20 % shorter or longer at random. Calls meanwhile reject with `Unavailable`
   * at once. An attempt is all addresses in turn. The first attempt has no delay after the loss of a connection that carried an answer and
   * lived for a second, or that the server ended in order (GOAWAY) behind an answer. A server whose connections live shorter gets one attempt
   * without delay.
   */
  maxReconnectDelayMs?: number | undefined;
  /** Limits of HTTP/2. */
  http2?: Http2Options | undefined;
  /**
   * TLS: the authorities that are trusted, the client's certificate, pins. `tri:` and `unix:` addresses speak TLS if it is given, `{}` included; `https:`
   * addresses always do. Default: the authorities that Node brings, no client certificate, no pins.
   */
  tls?: ClientTlsOptions | undefined;
}

/** The kind of {@link ConnectOptions.connectTimeoutMs}. */
export const connectTimeoutKind: OptionKind = {
  accepts: (value) =>
    typeof value === "number" && value > 0 && (value <= longestTimeout || value === Number.POSITIVE_INFINITY),
  wanted: `milliseconds above 0 and up to ${longestTimeout}, or Infinity for no limit`,
};

/** The kind of {@link ConnectOptions.maxReconnectDelayMs}. */
export const reconnectDelayKind: OptionKind = {
  accepts: (value) => typeof value === "number" && value >= 0 && value <= longestTimeout,
  wanted: `milliseconds from 0 (no delay) to ${longestTimeout}`,
};

/** The state of a connection that {@link Backoff} needs at its end. */
interface ConnectionLife {
  /** The beginning of the dial that made the connection. */
  readonly startedAt: number;
  /** The peer's SETTINGS has arrived. */
  established: boolean;
  /** How the peer ends it by GOAWAY; null before that. */
  forLimit: boolean;
  /** The reason of its end, or of the peer's GOAWAY before that. */
  error: Error | null;
}

/** Keeps a connection to the first address that can be reached, and makes a new one when it is lost, or ends for new calls. */
export class SocketConnector implements ConnectionProvider, ConnectionOwner {
  readonly group: string;
  readonly version: string;
  http2: ResolvedHttp2Options;
  readonly clock: Clock;
  readonly tls: ClientTls | null;
  private readonly url: string;
  private readonly target: Target;
  private readonly timeoutMs: number;
  private current: Connection | null = null;
  private dial: Dial | null = null;
  private dialledAt = 0;
  private readonly open = new Set<Connection>();
  private readonly lives = new WeakMap<Connection, ConnectionLife>();
  private readonly backoff: Backoff;
  /** Sockets are made in the transport's context. In the context of the first call, they would keep that call's store. */
  private readonly context = new AsyncResource("TristreamConnector");

  constructor(url: string, options: ConnectOptions, clock: Clock = systemClock) {
    this.clock = clock;
    this.url = url;
    this.target = parseTarget(url, options.tls !== undefined);
    const secure = this.target.addresses.some((address) => address.secure);
    this.tls = secure ? new ClientTls("tls", options.tls ?? {}) : null;
    this.group = this.target.group;
    this.version = this.target.version;
    this.http2 = http2Options("createTransport", options.http2, "client");
    this.timeoutMs = options.connectTimeoutMs ?? 10_000;
    this.backoff = new Backoff(clock, options.maxReconnectDelayMs ?? 120_000);
  }

  /** @inheritdoc */
  pick(info: PickInfo): Connection | Promise<Connection> {
    const { current } = this;
    if (current?.usable === true) return current;
    if (current !== null) this.leave(current);
    if (this.dial !== null) return this.dial.wait(info);
    const refusal = this.backoff.refusal();
    if (refusal !== null) return Promise.reject(refusal);
    return this.context.runInAsyncScope(this.beginDial, this).wait(info);
  }

  /** For the line of its transport. */
  [inspect.custom](): string {
    return this.url;
  }

  /** @inheritdoc */
  async close(): Promise<void> {
    this.dial?.stop(new Error("the transport was closed"));
    for (const connection of [...this.open]) connection.abort("the transport was closed");
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
    this.lives.set(connection, {
      startedAt: this.dialledAt,
      established: false,
      forLimit: false,
      error: null,
    });
  }

  /** @inheritdoc */
  established(connection: Connection): void {
    this.lives.get(connection)!.established = true;
  }

  /** @inheritdoc */
  goingAway(connection: Connection, reason: Error, forLimit: boolean): void {
    const life = this.lives.get(connection)!;
    life.error ??= reason;
    life.forLimit ||= forLimit;
  }

  /** @inheritdoc */
  lost(connection: Connection, error: Error): void {
    this.open.delete(connection);
    this.lives.get(connection)!.error ??= error;
    if (this.current === connection) this.leave(connection);
  }

  /** The current connection takes no more calls: says when the next attempt may be. */
  private leave(connection: Connection): void {
    this.current = null;
    const life = this.lives.get(connection)!;
    const cause = life.error ?? new Error("it ended the connection before an answer (GOAWAY)");
    const error = connectError(connection.peer.address, cause);
    const { startedAt, forLimit } = life;
    const { answered } = connection;
    // A peer that refuses this connection for a limit would refuse the next one, too.
    if (life.established && (answered || !forLimit)) this.backoff.ended(startedAt, answered, error);
    else this.backoff.failed(life.startedAt, error);
  }

  private beginDial(): Dial {
    const startedAt = this.clock.now();
    this.dialledAt = startedAt;
    const dial = new Dial(this.target.addresses, this, this.timeoutMs);
    this.dial = dial;
    // Cleared before the waiting calls settle: their code may need the next connection.
    dial.connection.then(
      (connection) => {
        this.current = connection;
        this.dial = null;
      },
      (error: ConnectError) => {
        this.dial = null;
        if (!dial.wasStopped) this.backoff.failed(startedAt, error);
      },
    );
    return dial;
  }
}
