// SPDX-License-Identifier: Apache-2.0
import type { HeaderList } from "../hpack/header-list.js";
import type { ResetReason } from "./reset-codes.js";

/**
 * The receiver of a stream's headers, data and end. The receiving side ends with exactly one of `headers(…, true)`, `trailers`,
 * `end` and `reset`; after `reset` nothing is called any more.
 */
export interface StreamSink {
  /** The response's header list (client; interim responses are left out). `end`: nothing follows. */
  headers(list: HeaderList, end: boolean): void;
  /** A piece of the body. Every byte has to be given back by `stream.credit`, when it was taken or dropped. */
  data(b: Uint8Array, start: number, end: number): void;
  /** Trailers: the peer has sent everything. */
  trailers(list: HeaderList): void;
  /** The peer has sent everything, without trailers. */
  end(): void;
  /** The stream is gone before its time, or a stream that had ended well was reset afterwards. */
  reset(reset: StreamReset): void;
  /**
   * A message that was let in beyond the stream's window gained too little within `frameTimeoutMs`; `message` gives the reason. A sink
   * that answers calls `close` in here; otherwise the stream is reset, and `reset` follows.
   */
  stopped?(message: string): void;
  /** There is room again after a send had returned false. */
  writable(): void;
  /** Server: the turn has come for the answer after `stream.answerWaits()` had returned true. */
  answerTurn?(): void;
  /**
   * Client: the stream has waited for the peer's limit, and its headers leave now. `fields`: as they were given. Returns the fields
   * to send in their place, null for none. The sink may reset the stream in here: then nothing is sent.
   */
  opening?(fields: readonly string[]): readonly string[] | null;
}

/** How a stream came to a bad end. */
export interface StreamReset {
  /** The error code (RFC 9113 §7). */
  readonly code: number;
  /** The reason that the error code stands for. */
  readonly reason: ResetReason;
  /**
   * `peer`: the peer sent RST_STREAM; `local`: this side reset the stream, since the peer broke the protocol or passed a limit;
   * `connection`: the connection was lost, or ended by GOAWAY.
   */
  readonly source: "peer" | "local" | "connection";
  /**
   * The request's fate at the peer's application: `not-sent` never left, `unprocessed` was refused by
   * the peer's HTTP/2 (REFUSED_STREAM, or above the last id of GOAWAY); both are safe to send again.
   */
  readonly disposition: "not-sent" | "unprocessed" | "maybe-processed";
  /** The event, for an error message. */
  readonly message: string;
}
