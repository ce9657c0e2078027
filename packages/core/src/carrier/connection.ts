// SPDX-License-Identifier: Apache-2.0
import type { ByteStream, HeaderBlock, HeaderList, OutgoingHeaders, StreamSink } from "./byte-stream.js";

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

/** The other end of a connection. */
export interface Peer {
  /** `host:port` of TCP and TLS, the path of a unix socket, a name for memory. */
  readonly address: string;
  /** The kind of link. */
  readonly transport: "tcp" | "tls" | "unix" | "memory";
  /** The peer's certificate, if it has shown one (TLS). */
  readonly certificate?: PeerCertificate | undefined;
}

/**
 * A connection that carries {@link ByteStream}s. An HTTP/2 connection has this shape. It does nothing until
 * {@link Connection.start}.
 */
export interface Connection {
  readonly peer: Peer;
  /** New streams can be opened. */
  readonly usable: boolean;
  /** Streams that are open or wait to be. */
  readonly activeStreams: number;
  /** The largest header list that the peer takes, see {@link ByteStream.maxHeaderListSize}. */
  readonly maxHeaderListSize: number;
  /** Begins to work; called once. */
  start(events: ConnectionEvents): void;
  /** Makes header fields ready to be sent often, on this connection alone. */
  prepare(fields: readonly string[]): HeaderBlock;
  /** Opens a stream and sends its headers. On a connection that is over, the sink hears `reset` at once. */
  open(sink: StreamSink, headers: OutgoingHeaders, end: boolean): ByteStream;
  /** Server: why a new call has to be refused, before its handler runs; null if it need not. Asked once for each call. */
  refuseCall?(): string | null;
  /**
   * Asks the peer for a sign that it has read everything so far: `answered` is called once when the sign arrives, and never if the
   * connection ends first. Absent on a connection that can't ask.
   */
  ping?(answered: () => void): void;
  /** Ends in order: refuses new streams, lets open ones finish, closes. */
  shutdown(): void;
  /** Ends at once, without an error; the peer and the streams' sinks get the text. */
  abort(message: string): void;
  /** Ends at once; the peer gets the text, and learns that a limit is the reason. */
  abortForLimit(message: string): void;
}

/** The calls that a {@link Connection} makes to its owner. */
export interface ConnectionEvents {
  /** The peer opened a stream; set its sink before returning. `end`: nothing follows the headers. */
  stream?(stream: ByteStream, list: HeaderList, end: boolean): void;
  /** A call, a message or a stream was refused or ended for a limit that does not end the connection; `message` names the option. */
  limited?(message: string): void;
  /** The connection is over; `error` is absent after an orderly end. */
  closed?(error?: Error): void;
}
