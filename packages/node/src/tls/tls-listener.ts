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
  /** A client went away, a handshake failed, or it took too long: the socket is destroyed. */
  failed(socket: Socket, error: Error): void;
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
    const left = (): void => owner.left();
    socket.once("close", left);
    // A socket that is no connection yet doesn't keep a process alive whose server has stopped.
    socket.unref();
    const late = (): void =>
      owner.failed(socket, new Error(`the client sent nothing within ${this.timeoutMs} ms`));
    const begin = (first: Uint8Array): void => {
      if (first[0] !== handshakeRecord) owner.cleartext(socket, first);
      else {
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
    this.close();
    this.watch();
  }

  /** Ends the watch of the files. */
  close(): void {
    this.stopWatching?.();
    this.stopWatching = null;
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
      socket.once("close", () => owner.left());
      socket.ref();
      owner.secured(socket, refusalOf(socket, tls));
    });
    this.server.on("tlsClientError", (error, socket) => {
      owner.failed(socket, error);
      socket.destroy();
      owner.left();
    });
  }

  private watch(): void {
    const { hasFiles, watchIntervalMs } = this.current;
    if (!hasFiles || watchIntervalMs === 0) return;
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
