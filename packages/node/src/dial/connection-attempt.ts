// SPDX-License-Identifier: Apache-2.0
import { connect as connectSocket, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { type Clock, keepTime } from "@tristream/core";
import { Connection, ErrorCode, type Http2Options, type Peer } from "@tristream/http2";
import { SocketLink } from "../socket-link.js";
import { certificateOf } from "../tls/certificate.js";
import type { ClientTls } from "../tls/client-tls.js";

/** The place of a socket: an IP address and port, or a path. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** The owner of connections, which hears of their lives. */
export interface ConnectionOwner {
  /** HTTP/2's options for a new connection. */
  readonly http2: Http2Options;
  /** The clock of the connection. */
  readonly clock: Clock;
  /** TLS, for the addresses that speak it. */
  readonly tls: ClientTls | null;
  /** A connection has begun. */
  opened(connection: Connection): void;
  /** The peer's SETTINGS has arrived. */
  established(connection: Connection): void;
  /** The peer takes no more calls on the connection. */
  goingAway(connection: Connection, reason: Error, forLimit: boolean): void;
  /** A peer has ended a connection for its PINGs: the next connection asks half as often. */
  tooManyPings(): void;
  /** A connection is over, for `error`. */
  lost(connection: Connection, error: Error): void;
}

/** The owner of an attempt, which hears its outcome. */
export interface AttemptListener {
  /** The socket is connected; the peer has said nothing yet. */
  connected(attempt: ConnectionAttempt, connection: Connection): void;
  /** The peer's SETTINGS has arrived. */
  ready(attempt: ConnectionAttempt, connection: Connection): void;
  /** The attempt failed before that. */
  failed(attempt: ConnectionAttempt, error: Error): void;
}

/** One socket to one place, until the peer has shown that it speaks HTTP/2. Each outcome is reported once. */
export class ConnectionAttempt {
  readonly place: Place;
  private readonly socket: Socket;
  private readonly owner: ConnectionOwner;
  private readonly listener: AttemptListener;
  private connection: Connection | null = null;
  private over = false;

  /** `tls`: the options of TLS, or null for cleartext. */
  constructor(
    place: Place,
    peer: Peer,
    tls: ConnectionOptions | null,
    owner: ConnectionOwner,
    listener: AttemptListener,
  ) {
    this.place = place;
    this.owner = owner;
    this.listener = listener;
    this.socket = tls === null ? connectSocket({ ...place }) : connectTls({ ...tls, ...place });
    if (tls === null) this.socket.once("connect", () => this.begin(peer));
    else {
      const socket = this.socket as TLSSocket;
      socket.once("secureConnect", () => {
        const certificate = socket.authorized ? certificateOf(socket) : undefined;
        this.begin({ ...peer, certificate });
      });
    }
    this.socket.on("error", (error) => {
      // Once there is a connection, its end says more than the socket's error.
      if (this.connection === null) this.fail(error);
    });
  }

  /** The socket is connected. */
  get accepted(): boolean {
    return this.connection !== null;
  }

  /** Keeps the process alive, or lets it end. */
  setActive(active: boolean): void {
    if (active) this.socket.ref();
    else this.socket.unref();
  }

  /** Gives up: closes the socket, and fails what was sent on it. The listener hears nothing more. */
  stop(error: Error): void {
    this.over = true;
    this.socket.unref();
    if (this.connection === null) this.socket.destroy();
    else this.connection.abort(error.message);
  }

  private begin(peer: Peer): void {
    if (this.over) return;
    const { owner } = this;
    const connection = new Connection("client", new SocketLink(this.socket, peer, owner.clock), owner.http2);
    this.connection = connection;
    const stopTime = keepTime(connection, owner.clock);
    owner.opened(connection);
    connection.start({
      ready: () => {
        owner.established(connection);
        if (this.over) return;
        this.over = true;
        this.listener.ready(this, connection);
      },
      goAway: (code, _last, debug, text) => {
        const pings = code === ErrorCode.ENHANCE_YOUR_CALM && debug === "too_many_pings";
        if (pings) owner.tooManyPings();
        owner.goingAway(connection, new Error(text), code === ErrorCode.ENHANCE_YOUR_CALM && !pings);
      },
      // Running calls go on; new calls get another connection.
      doubted: () => connection.shutdown(),
      closed: (error) => {
        stopTime();
        const reason = error ?? new Error("it closed the connection at once");
        owner.lost(connection, reason);
        this.fail(reason);
      },
    });
    this.listener.connected(this, connection);
  }

  private fail(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.listener.failed(this, error);
  }
}
