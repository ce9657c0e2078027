// SPDX-License-Identifier: Apache-2.0
import { connect as connectSocket, type Socket } from "node:net";
import {
  type Clock,
  Code,
  ConnectError,
  type Connector,
  keepTime,
  type Link,
  systemClock,
} from "@tristream/core";
import { Connection, type Http2Options } from "@tristream/http2";
import { type Address, formatAddress, parseTarget, type Target } from "./address.js";
import { http2Options } from "./http2-options.js";
import { connectError } from "./node-error.js";
import { SocketLink } from "./socket-link.js";

/** Options of the connections that a transport makes. */
export interface ConnectOptions {
  /**
   * Time for a connection to be made, per address, in milliseconds: above 0, at most 2,147,483,647, or Infinity for no limit.
   * Default 10,000. A call's own deadline may be shorter.
   */
  connectTimeoutMs?: number;
  /** Limits of HTTP/2. */
  http2?: Http2Options;
}

/** What `setTimeout` takes at most. */
const longestTimeout = 2 ** 31 - 1;

/** Connects to the first address that can be reached, keeps the connection, and makes a new one when it is lost. */
export class SocketConnector implements Connector {
  readonly group: string;
  readonly version: string;
  private readonly target: Target;
  private readonly http2: Http2Options;
  private readonly timeoutMs: number;
  private readonly clock: Clock;
  private current: Connection | null = null;
  private connecting: Promise<Link> | null = null;
  private readonly open = new Set<Connection>();
  private readonly sockets = new Set<Socket>();
  private closed = false;

  constructor(url: string, options: ConnectOptions, clock: Clock = systemClock) {
    this.clock = clock;
    this.target = parseTarget(url);
    this.group = this.target.group;
    this.version = this.target.version;
    this.http2 = http2Options(options.http2);
    this.timeoutMs = connectTimeout(options.connectTimeoutMs);
  }

  /** @inheritdoc */
  connect(): Link | Promise<Link> {
    if (this.current?.usable === true) return this.current;
    if (this.connecting !== null) return this.connecting;
    const connecting = this.connectFirst();
    this.connecting = connecting;
    const done = (): void => {
      this.connecting = null;
    };
    connecting.then(done, done);
    return connecting;
  }

  /** @inheritdoc */
  async close(): Promise<void> {
    this.closed = true;
    for (const socket of this.sockets) socket.destroy(new Error("the transport was closed"));
    for (const connection of [...this.open]) connection.abort(0, "the transport was closed");
  }

  private async connectFirst(): Promise<Link> {
    const errors: ConnectError[] = [];
    for (const address of this.target.addresses) {
      try {
        const connection = this.begin(address, await this.dial(address));
        this.current = connection;
        return connection;
      } catch (error) {
        errors.push(connectError(formatAddress(address), error));
        if (this.closed) break;
      }
    }
    if (errors.length === 1) throw errors[0]!;
    const all = errors.map((error) => error.rawMessage).join("; ");
    throw new ConnectError(
      `none of ${errors.length} addresses can be reached: ${all}`,
      Code.Unavailable,
      undefined,
      undefined,
      errors[0],
    );
  }

  private dial(address: Address): Promise<Socket> {
    const { timeoutMs } = this;
    return new Promise((resolve, reject) => {
      const socket = connectSocket(
        address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
      );
      this.sockets.add(socket);
      const cancelTimer = Number.isFinite(timeoutMs)
        ? this.clock.after(timeoutMs, () =>
            socket.destroy(new Error(`no connection within ${timeoutMs} ms (option connectTimeoutMs)`)),
          )
        : null;
      const failed = (error: Error): void => {
        cancelTimer?.();
        this.sockets.delete(socket);
        reject(error);
      };
      socket.once("error", failed);
      socket.once("connect", () => {
        cancelTimer?.();
        socket.off("error", failed);
        this.sockets.delete(socket);
        resolve(socket);
      });
    });
  }

  private begin(address: Address, socket: Socket): Connection {
    const peer = { address: formatAddress(address), transport: address.kind } as const;
    const connection = new Connection("client", new SocketLink(socket, peer, this.clock), this.http2);
    this.open.add(connection);
    const stopTime = keepTime(connection, this.clock);
    connection.start({
      closed: () => {
        stopTime();
        this.open.delete(connection);
        if (this.current === connection) this.current = null;
      },
    });
    return connection;
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
