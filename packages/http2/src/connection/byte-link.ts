// SPDX-License-Identifier: Apache-2.0

/**
 * A pipe of bytes with the few things that a runtime has to give a connection: TCP, TLS, a unix socket, memory, a
 * WebSocket. The connection itself opens nothing, keeps no timer and makes no promise.
 */
export interface ByteLink {
  /** The other end. */
  readonly peer: Peer;
  /** Bytes handed over by `write` that have not left yet; 0 means that no written buffer is referenced any more. */
  readonly pending: number;
  /**
   * True while written bytes can still reach the peer. False as soon as the link breaks or is destroyed, which may be before
   * {@link ByteReceiver.closed}: then no new stream is opened.
   */
  readonly writable: boolean;
  /**
   * Takes bytes to send. Returns whether they are consumed, all that was written before included: then the caller
   * may reuse the buffer. Otherwise the link refers to it until {@link ByteLink.pending} is 0.
   */
  write(bytes: Uint8Array): boolean;
  /** Closes once all written bytes have left. */
  end(): void;
  /** Closes at once; unsent bytes are lost. */
  destroy(): void;
  /** Begins to deliver to `receiver`; called once. */
  start(receiver: ByteReceiver): void;
  /** Delivers nothing more until {@link ByteLink.resume}, so that the peer has to wait; the end may still be delivered. */
  pause(): void;
  /** Goes on delivering. */
  resume(): void;
  /** Runs `callback` when the code that runs now and the promise jobs it queued are done (Node: `process.nextTick`). */
  afterTurn(callback: () => void): void;
  /**
   * Runs `callback` after pending input had its turn (Node: `setImmediate`). With `background`, the event loop may first wait for more input, as
   * if nothing had been asked for.
   */
  nextTurn(callback: () => void, background?: boolean): void;
  /** Keeps the process alive, or lets it end, while nothing else does. A runtime without the notion ignores it. */
  setActive(active: boolean): void;
  /** Monotonic time in milliseconds. */
  now(): number;
}

/** A certificate that the other end of a connection has shown, and that was checked. */
export interface PeerCertificate {
  /** The distinguished name, such as `O=Acme, CN=greeter`. */
  readonly subject: string;
  /** The distinguished name of the authority that signed it. */
  readonly issuer: string;
  /** The subject's other names, each with its kind: `DNS:greeter.example`, `IP Address:10.0.0.1`, `URI:spiffe://…`. */
  readonly subjectAltNames: readonly string[];
  /** The SHA-256 of the certificate: 32 bytes in upper-case hex with `:` between. */
  readonly fingerprint: string;
  /** The first moment for which it is valid, such as `Nov 28 12:00:00 2026 GMT`, which `new Date` reads. */
  readonly validFrom: string;
  /** The last moment for which it is valid, in the same form. */
  readonly validTo: string;
  /** The certificate in DER. */
  readonly raw: Uint8Array;
}

/** The other end of a link. */
export interface Peer {
  /** `host:port` of TCP and TLS, the path of a unix socket, a name for memory. */
  readonly address: string;
  /** The kind of link. */
  readonly transport: "tcp" | "tls" | "unix" | "memory";
  /** The peer's certificate, if it has shown one (TLS). */
  readonly certificate?: PeerCertificate | undefined;
}

/** The receiver of a {@link ByteLink}'s input. */
export interface ByteReceiver {
  /** Bytes arrived. They may be kept: the link does not reuse the buffer. */
  receive(bytes: Uint8Array): void;
  /** All written bytes have left after {@link ByteLink.write} had said that they had not. */
  drained(): void;
  /**
   * No input follows: the link is closed, or the peer has closed its side (FIN), which ends HTTP/2 in both directions. Bytes that
   * were written before may still leave. `error` is the reason, absent after an orderly end.
   */
  closed(error?: Error): void;
}
