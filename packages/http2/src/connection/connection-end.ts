// SPDX-License-Identifier: Apache-2.0
import { describeOtherProtocol } from "../frame/other-protocol.js";
import { HpackError } from "../hpack/hpack-error.js";
import type { Streams } from "../streams/streams.js";
import { ErrorCode, Http2ConnectionError } from "./error-code.js";
import type { SettingsExchange } from "./settings-exchange.js";
import { Input } from "./state.js";

/** The ways in which a connection ends: in order (RFC 9113 §6.8), by an error (§5.4.1), or with its link. */
export class ConnectionEnd {
  private readonly streams: Streams;
  private readonly settings: SettingsExchange;

  constructor(streams: Streams, settings: SettingsExchange) {
    this.streams = streams;
    this.settings = settings;
  }

  /** Says GOAWAY, lets open streams finish, then closes. */
  shutdown(): void {
    const { state, graceful, isServer, link } = this.streams;
    if (state.over || state.goAwaySent) return;
    graceful.begin(isServer, link.now());
    this.closeWhenIdle();
  }

  /** Closes a connection that ends in order and has nothing left to do. */
  closeWhenIdle(): void {
    const { state, registry, output, link } = this.streams;
    if (!state.closesWhenIdle || registry.active > 0) return;
    state.apply(Input.END);
    // The rest of the chunk that is being read comes too late, as the next chunk would.
    this.streams.input.stop();
    output.endOfTurn();
    // Later credits and PINGs are dropped.
    output.closed = true;
    link.end();
  }

  /** Ends at once by an error, with the error code that belongs to it. */
  fail(error: unknown): void {
    if (error instanceof Http2ConnectionError) this.abort(error, error.code);
    else if (error instanceof HpackError) {
      const code = ErrorCode.COMPRESSION_ERROR;
      this.abort(new Http2ConnectionError(code, error.message, { cause: error }), code);
    } else this.abort(error instanceof Error ? error : new Error(String(error)), ErrorCode.INTERNAL_ERROR);
  }

  /** Ends at once: GOAWAY with `code`, then all streams fail. */
  abort(error: Error, code: number): void {
    const { state, writer, graceful, registry, output, link } = this.streams;
    if (state.over) return;
    state.apply(Input.END);
    state.failure = error;
    this.streams.input.stop();
    // Only protocol errors concern the peer.
    const debug = error instanceof Http2ConnectionError ? error.message : "internal error";
    writer.goAway(graceful.lastStreamId(registry.lastPeerId), code, debug);
    output.flush();
    output.closed = true;
    this.streams.failAll();
    link.end();
  }

  /** The link is closed. */
  linkClosed(error?: Error): void {
    const { streams } = this;
    const { state } = streams;
    if (state.closed) return;
    if (!state.over) this.readRest();
    state.failure ??= error ?? this.closedTooEarly() ?? this.closedInMidCall();
    state.apply(Input.LINK_CLOSED);
    streams.output.closed = true;
    this.streams.input.stop();
    streams.failAll();
    streams.setActive(false);
    streams.events.closed?.(state.failure);
  }

  /** The link is gone: what arrived before is read. */
  private readRest(): void {
    try {
      this.streams.input.readAll();
    } catch (error) {
      this.fail(error);
    }
  }

  /** A link that closes before the peer has said anything of HTTP/2 has most likely another protocol at its end. */
  private closedTooEarly(): Error | undefined {
    const { isServer, state, input } = this.streams;
    if (this.settings.received || !state.open) return undefined;
    const what =
      describeOtherProtocol(input.reader.unfinishedHeader, isServer) ??
      (isServer
        ? undefined
        : "closed before a word of HTTP/2: does it speak HTTP/2, does it want TLS, is it the right port?");
    return what === undefined
      ? undefined
      : new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, what, { otherProtocol: true });
  }

  /** A link that closes while streams are open: the peer's process was killed, say. */
  private closedInMidCall(): Error | undefined {
    const { state, registry } = this.streams;
    if (registry.active === 0) return undefined;
    return new Error(state.goAwayText ?? "the other end closed it in mid-call, or its process was killed");
  }
}
