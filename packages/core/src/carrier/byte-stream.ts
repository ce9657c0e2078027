// SPDX-License-Identifier: Apache-2.0
import type { ResetReason } from "./reset-reason.js";

/** A received header list. A connection may give the same object again for a list with the same bytes; only `memo` is written. */
export interface HeaderList {
  /** Name, value, name, value … as received. */
  readonly fields: readonly string[];
  /** The reader's slot: a result derived from the fields, kept for the next equal list. */
  memo: unknown;
  /** The first value of a name. */
  get(name: string): string | undefined;
}

/** Header fields made ready by {@link Connection.prepare}, for this connection alone. */
export interface HeaderBlock {
  readonly fields: readonly string[];
}

/** Header fields to send: prepared, or name, value, name, value … */
export type OutgoingHeaders = HeaderBlock | readonly string[];

/**
 * One stream of bytes each way, with headers, trailers, reset and room: all that the engine knows of a carrier.
 * An HTTP/2 stream has this shape.
 */
export interface ByteStream {
  /** The receiver of all that arrives. */
  sink: StreamSink;
  /** Nothing is sent or delivered any more. */
  readonly closed: boolean;
  /** The peer has sent everything. */
  readonly remoteEnded: boolean;
  /** Bytes that wait for the peer's window or for the connection. Of a closed stream: those that never left. */
  readonly queuedBytes: number;
  /** The largest header list that the peer takes: name, value and 32 bytes a field; Infinity when it has not said. */
  readonly maxHeaderListSize: number;
  /** Where {@link ByteStream.reserve} gives a place. Read it after each call of that. */
  readonly buffer: Uint8Array;
  /** Sends headers; `end` half-closes. */
  sendHeaders(headers: OutgoingHeaders, end: boolean): void;
  /**
   * An offset in `buffer` for up to `length` bytes, to be written now and sent by `commit`; -1 if there is none. If something
   * else is sent meanwhile, `buffer` is another one, and nothing can be committed.
   */
  reserve(length: number): number;
  /** Gives the reserved place back: nothing of it is sent. */
  unreserve(): void;
  /** Sends what was written at the reserved place. False: no room for more now, the sink will hear `writable`. */
  commit(length: number, end: boolean): boolean;
  /**
   * Sends or queues bytes; they are referred to until they have left. `more`: another write follows at once.
   * False: no room for more now, the sink will hear `writable`.
   */
  write(bytes: Uint8Array, end: boolean, more?: boolean): boolean;
  /**
   * Why a message of `length` bytes must not be queued or compressed: too many bytes wait to be sent. Null if it may. Ask before it is;
   * `write` takes it all the same.
   */
  refuseMessage?(length: number): string | null;
  /** So many bytes wait outside of the stream to be sent on it, since they are being compressed; negative when they no longer do. */
  compressing?(bytes: number): void;
  /**
   * Server: whether the answer has to wait, since this event-loop turn has made its share of the connection's answers. If so, the sink
   * hears `answerTurn`. Ask before the `first` message, and before later ones that are large.
   */
  answerWaits?(first: boolean): boolean;
  /** Half-closes, behind what is queued. */
  sendEnd(): void;
  /** Sends trailers and half-closes, behind what is queued. */
  sendTrailers(headers: OutgoingHeaders): void;
  /** A message of so many bytes is parsed: a carrier may read the rest of its input in a later event-loop turn. */
  parses?(bytes: number): void;
  /** `n` received bytes were taken or dropped. */
  credit(n: number): void;
  /**
   * `n` more bytes are needed before a message of `whole` can be taken: lets them come even past the windows. 0 when the
   * message is complete, or is not waited for any more.
   */
  messageNeeds(n: number, whole?: number): void;
  /** Server: when the call's deadline passes, by the server's clock; 0 for never. A carrier expects the peer to reset it then. */
  dueAt?: number;
  /** The call's deadline has passed, and the stream will be ended: a carrier may check its peer, or count it. */
  deadlinePassed?(): void;
  /** Server: keeps the stream's place in the limit on streams, also when it has closed, until {@link ByteStream.release}. */
  hold(): void;
  /** The stream's handler has settled. */
  release(): void;
  /** Ends the stream at once; what is queued is dropped. The sink is not called. */
  reset(reason: ResetReason): void;
  /**
   * This side is done with the stream: queued bytes leave, then an open side is ended. The sink is not called any more.
   * `whenClosed` is called once.
   */
  close(whenClosed?: () => void): void;
}

/**
 * The receiver of a stream's headers, data and end. The receiving side ends with one of `headers(…, true)`, `trailers`, `end`, `reset`; after
 * `reset` nothing is called.
 */
export interface StreamSink {
  headers(list: HeaderList, end: boolean): void;
  data(b: Uint8Array, start: number, end: number): void;
  trailers(list: HeaderList): void;
  end(): void;
  reset(reset: StreamReset): void;
  writable(): void;
  /** Server: the turn has come for the answer after {@link ByteStream.answerWaits} had returned true. */
  answerTurn?(): void;
  /**
   * Client: the stream has waited for the peer's limit, and its headers leave now. `fields`: as they were given. Returns the fields
   * to send in their place, null for none. The sink may reset the stream in here: then nothing is sent.
   */
  opening?(fields: readonly string[]): readonly string[] | null;
  /**
   * A message that was let in beyond the stream's window has stopped; `message` gives the reason. The stream ends. A sink that
   * answers with more than a reset calls `close` or `reset` in here; otherwise `reset` follows.
   */
  stopped?(message: string): void;
}

/** The end of a stream by an error. */
export interface StreamReset {
  readonly reason: ResetReason;
  /** The side that ended the stream: the peer by RST_STREAM, we because it broke the protocol, or the connection's end. */
  readonly source: "peer" | "local" | "connection";
  /** The request's fate at the peer's application. */
  readonly disposition: "not-sent" | "unprocessed" | "maybe-processed";
  /** The event, for an error message. */
  readonly message: string;
}
