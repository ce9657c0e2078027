// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "@tristream/core";
import { certificateFault } from "../node-error.js";
import { peek } from "../peek.js";
import { certificateOf } from "./certificate.js";
import { type ServerTls, type ServerTlsOptions, serverTls } from "./server-tls.js";

/** The first byte of a TLS connection: a handshake record (RFC 8446 §5.1). */
const handshakeRecord = 0x16;

/** The owner of a {@link TlsListener}, which hears of its sockets. */
export interface TlsOwner {
  /** A handshake is done. `refusal` is the reason why the client is to be refused: its certificate. */
  secured(socket: TLSSocket, refusal: string | undefined): void;
  /** A client does not speak TLS. */
  cleartext(socket: Socket, first: Uint8Array): void;
  /** The address of a socket's other end, for the log. */
  addressOf(socket: Socket): string;
  /** A client at `address` went away, a handshake failed, or it took too long: the socket is destroyed. */
  failed(address: string, error: Error): void;
  /** A socket has closed, however far it had come. Told once for each that was accepted. */
  left(): void;
  /** Files that were given by their paths have changed, and were read, or can't be used: then `error` says why, and the ones before stay. */
  reloaded(error: Error | undefined): void;
}

/**
 * Turns accepted sockets into TLS sockets. The certificates can be replaced while it runs: new connections get the new ones. Files that
 * were given by their paths are read again every `watchIntervalMs`.
 */
export class TlsListener {
  private readonly owner: TlsOwner;
  private readonly clock: Clock;
  private readonly timeoutMs: number;
  private given!: ServerTlsOptions;
  private current!: ServerTls;
  /** Never listens: it only wraps sockets. */
  private server!: Server;
  /** The error of files that can't be used, until they can. */
  private fault = "";
  private stopWatching: (() => void) | null = null;
  /** The sockets whose handshake is not done, and the addresses of their other ends: a closed socket has none. */
  private readonly pending = new Map<Socket, string>();
  private closed = false;

  /** `timeoutMs` is the time for a handshake. Throws `InvalidArgument` for a key and certificates that can't be used. */
  constructor(given: ServerTlsOptions, owner: TlsOwner, clock: Clock, timeoutMs: number) {
    this.owner = owner;
    this.clock = clock;
    this.timeoutMs = timeoutMs;
    this.replace(given);
  }

  /** Begins a connection. */
  accept(socket: Socket): void {
    const { owner } = this;
    const address = owner.addressOf(socket);
    this.pending.set(socket, address);
    const left = (): void => {
      this.pending.delete(socket);
      owner.left();
    };
    socket.once("close", left);
    const late = (): void =>
      owner.failed(address, new Error(`the client sent nothing within ${this.timeoutMs} ms`));
    const begin = (first: Uint8Array): void => {
      if (first[0] !== handshakeRecord) {
        this.pending.delete(socket);
        owner.cleartext(socket, first);
      } else {
        // From here on the TLS socket has the handle, and this one never tells of its end.
        socket.off("close", left);
        this.server.emit("connection", socket);
      }
    };
    peek(socket, this.timeoutMs, this.clock, begin, late);
  }

  /** Replaces the key and certificates. Throws `InvalidArgument` for some that can't be used; then nothing changes. */
  replace(given: ServerTlsOptions): void {
    this.use(serverTls("tls", given));
    this.given = given;
    this.fault = "";
    this.stopWatching?.();
    this.watch();
  }

  /** Ends the watch of the files, and the sockets whose handshake is not done. */
  close(): void {
    this.closed = true;
    this.stopWatching?.();
    for (const socket of [...this.pending.keys()]) socket.destroy();
  }

  private use(tls: ServerTls): void {
    this.current = tls;
    this.server = createServer({
      ...tls.context,
      ALPNProtocols: ["h2"],
      handshakeTimeout: this.timeoutMs,
      requestCert: tls.asksCertificate,
      // The check is in `refusalOf`, so that a client hears by GOAWAY why its certificate is refused.
      rejectUnauthorized: false,
    });
    const { owner } = this;
    this.server.on("secureConnection", (socket) => {
      this.pending.delete(acceptedOf(socket));
      socket.once("close", () => owner.left());
      owner.secured(socket, refusalOf(socket, tls));
    });
    this.server.on("tlsClientError", (error, socket) => {
      const accepted = acceptedOf(socket);
      owner.failed(this.pending.get(accepted) ?? owner.addressOf(socket), error);
      this.pending.delete(accepted);
      socket.destroy();
      owner.left();
    });
  }

  private watch(): void {
    const { hasFiles, watchIntervalMs } = this.current;
    if (!hasFiles || watchIntervalMs === 0 || this.closed) return;
    this.stopWatching = this.clock.after(watchIntervalMs, () => this.look(), { background: true });
  }

  private look(): void {
    try {
      const next = serverTls("tls", this.given);
      this.fault = "";
      if (!isDeepStrictEqual(next.context, this.current.context)) {
        this.use(next);
        this.owner.reloaded(undefined);
      }
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.fault) this.owner.reloaded(error as Error);
      this.fault = message;
    }
    this.watch();
  }
}

/** The socket that became a TLS socket. Node's own sockets of TLS lead there, but its types don't. */
function acceptedOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}

/** The reason why a client is refused, for its certificate or the lack of one. */
function refusalOf(socket: TLSSocket, { asksCertificate, needsCertificate }: ServerTls): string | undefined {
  if (!asksCertificate || socket.authorized) return undefined;
  if (certificateOf(socket) === undefined) {
    if (!needsCertificate) return undefined;
    return "the server requires a client certificate, and the client has shown none: connect with tls.key and tls.cert";
  }
  const why = certificateFault(String(socket.authorizationError));
  return `the server refuses the client's certificate: ${why}`;
}
