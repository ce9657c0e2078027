// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type Clock, keepTime, type Server } from "@tristream/core";
import { Connection, type Http2Options, type Peer } from "@tristream/http2";
import { lostError } from "./node-error.js";
import { SocketLink } from "./socket-link.js";
import { certificateOf } from "./tls/certificate.js";
import type { TlsOwner } from "./tls/tls-listener.js";

const tlsOnly = "this port takes TLS only: connect with https://, or with tri:// and the option tls";

/** Makes a connection of each socket of a listener, and gives it to the server. */
export class Acceptor implements TlsOwner {
  private readonly server: Server;
  private readonly socketPath: string | undefined;
  private readonly http2: Http2Options;
  private readonly clock: Clock;
  /** Sockets that are open. */
  open = 0;

  constructor(server: Server, socketPath: string | undefined, http2: Http2Options, clock: Clock) {
    this.server = server;
    this.socketPath = socketPath;
    this.http2 = http2;
    this.clock = clock;
  }

  /** Serves HTTP/2 in cleartext. */
  accept(socket: Socket): void {
    socket.once("close", () => this.left());
    this.server.accept(this.connect(socket, this.peerOf(socket)));
  }

  // ---- TlsOwner

  /** @inheritdoc */
  secured(socket: TLSSocket, refusal: string | undefined): void {
    const certificate = socket.authorized ? certificateOf(socket) : undefined;
    const peer: Peer = { address: this.addressOf(socket), transport: "tls", certificate };
    const connection = this.connect(socket, peer);
    if (refusal === undefined) this.server.accept(connection);
    else this.server.refuse(connection, refusal);
  }

  /** @inheritdoc */
  cleartext(socket: Socket, first: Uint8Array): void {
    const text = Buffer.from(first).toString("latin1");
    if (text.startsWith("PRI")) {
      this.server.refuse(this.connect(socket, this.peerOf(socket)), tlsOnly);
      return;
    }
    this.failed(this.addressOf(socket), new Error(tlsOnly));
    if (!/^[A-Z]+ /.test(text)) {
      socket.destroy();
      return;
    }
    const body = `${tlsOnly}\n`;
    socket.on("error", () => {});
    socket.end(
      `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  }

  /** @inheritdoc */
  failed(address: string, error: Error): void {
    this.server.connectFailed(address, lostError(error));
  }

  /** @inheritdoc */
  addressOf(socket: Socket): string {
    if (this.socketPath !== undefined) return `unix:${this.socketPath}`;
    const address = (socket.remoteAddress ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
    return `${address.includes(":") ? `[${address}]` : address}:${socket.remotePort ?? 0}`;
  }

  /** @inheritdoc */
  left(): void {
    this.open--;
  }

  /** @inheritdoc */
  reloaded(error: Error | undefined): void {
    this.server.certificatesReloaded(error);
  }

  private connect(socket: Socket, peer: Peer): Connection {
    const connection = new Connection("server", new SocketLink(socket, peer, this.clock), this.http2);
    socket.once("close", keepTime(connection, this.clock));
    return connection;
  }

  private peerOf(socket: Socket): Peer {
    const transport = this.socketPath === undefined ? "tcp" : "unix";
    return { address: this.addressOf(socket), transport };
  }
}
