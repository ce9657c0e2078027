// SPDX-License-Identifier: Apache-2.0

import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import type { ResolvedHttp2Options } from "../connection/options.js";
import { quote } from "../connection/quote.js";
import type { SettingsExchange } from "../connection/settings-exchange.js";
import { Flag } from "../frame/frame-type.js";
import { type Limits, limitPassed } from "../guards/limits.js";
import type { HpackDecoder } from "../hpack/decoder.js";
import type { HeaderList } from "../hpack/header-list.js";
import { ClosedBy, type ClosedStreams } from "../streams/closed-streams.js";
import { hasHeaders, headersReceived } from "../streams/state.js";
import type { Stream } from "../streams/stream.js";
import type { StreamReset } from "../streams/stream-sink.js";
import { HeaderAssembly } from "./header-assembly.js";
import { classify, ListKind } from "./header-rules.js";

/** The least that a peer may have to cut header blocks into (RFC 9113 §6.5.2). */
const smallestMaxFrameSize = 16_384;

/** The connection, as `Inbound` sees it. */
export interface InboundHost {
  readonly isServer: boolean;
  readonly options: ResolvedHttp2Options;
  readonly decoder: HpackDecoder;
  readonly limits: Limits;
  readonly settings: SettingsExchange;
  readonly streams: { get(id: number): Stream | undefined };
  /** True if the stream was never open (RFC 9113 §5.1 "idle"). */
  isIdle(streamId: number): boolean;
  closedBy(streamId: number): number;
  /** The closed streams, which explain late frames. */
  readonly past: ClosedStreams;
  /** The peer sent the HEADERS of a new stream, which may be refused. */
  streamArrived(): void;
  openedByPeer(streamId: number, list: HeaderList, end: boolean): void;
  receivedData(length: number): void;
  releasedData(length: number): void;
  applySetting(id: number, value: number): void;
  /** `first`: by the peer's first SETTINGS. */
  settingsApplied(first: boolean): void;
  settingsAcknowledged(): void;
  pingReceived(b: Uint8Array, start: number): void;
  pingAcknowledged(b: Uint8Array, start: number): void;
  goAwayReceived(lastStreamId: number, code: number, debug: string): void;
  windowUpdated(): void;
  connectionWindowGrew(increment: number): void;
  streamWindowGrew(stream: Stream): void;
  streamError(stream: Stream, code: number, message: string): void;
  /** The peer reset an open stream. */
  resetReceived(stream: Stream, reset: StreamReset): void;
  /** The peer reset a stream that is closed. */
  lateReset(streamId: number): void;
  /** Answers RST_STREAM for an id that has no stream. */
  refuse(streamId: number, code: number): void;
  refuseRequest(streamId: number, list: HeaderList, end: boolean): void;
}

/** Interprets header lists: some begin a stream, some answer one, some end one, and others are errors. */
export abstract class InboundHeaders {
  protected readonly host: InboundHost;
  protected readonly assembly: HeaderAssembly;

  constructor(host: InboundHost) {
    this.host = host;
    const { maxHeaderListSize, maxContinuations } = host.options;
    // A list that is allowed has to fit into frames of the size that every peer may send.
    const needed = Math.ceil((1.25 * maxHeaderListSize) / smallestMaxFrameSize);
    this.assembly = new HeaderAssembly(maxHeaderListSize, Math.max(maxContinuations, needed));
  }

  /** True if a header block has begun and not ended. */
  get insideBlock(): boolean {
    return this.assembly.unfinished;
  }

  protected headerBytes(
    flags: number,
    id: number,
    b: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    const whole = this.assembly.add(id, b, start, end, (flags & Flag.END_HEADERS) !== 0, endStream);
    if (!whole) return;
    const a = this.assembly;
    const list = this.host.decoder.decode(a.block, a.start, a.end);
    const { endStream: ends } = a;
    a.clear();
    classify(list);
    if (list.size > 4 * this.host.options.maxHeaderListSize) {
      throw limitPassed(
        `header list of ${list.size} bytes: at most ${this.host.options.maxHeaderListSize} were announced`,
        "maxHeaderListSize",
      );
    }
    const stream = this.host.streams.get(id);
    if (stream !== undefined) this.headersOnStream(stream, list, ends);
    else this.headersWithoutStream(id, list, ends);
  }

  private headersWithoutStream(id: number, list: HeaderList, end: boolean): void {
    const { host } = this;
    if (host.isServer && (id & 1) === 0)
      throw protocolError(`HEADERS on stream ${id}: clients use odd ids (RFC 9113 §5.1.1)`);
    if (host.isIdle(id)) {
      if (!host.isServer) throw protocolError(`HEADERS on idle stream ${id} (RFC 9113 §5.1)`);
      host.streamArrived();
      if (list.malformed !== null || list.kind !== ListKind.REQUEST || list.tooLarge)
        host.refuseRequest(id, list, end);
      else host.openedByPeer(id, list, end);
      return;
    }
    const cause = host.closedBy(id);
    if (cause === ClosedBy.NEVER_OPENED) {
      throw protocolError(`HEADERS on stream ${id}, below one that was opened before (RFC 9113 §5.1.1)`);
    }
    if (cause === ClosedBy.ENDED) throw streamClosed("HEADERS", id);
    if (cause === ClosedBy.PEER_RESET) host.refuse(id, ErrorCode.STREAM_CLOSED);
    else if (!host.past.explainsHeaders()) host.limits.uselessFrame();
  }

  private headersOnStream(stream: Stream, list: HeaderList, end: boolean): void {
    const { host } = this;
    if (stream.remoteEnded) throw streamClosed("HEADERS", stream.id);
    const wrong = list.malformed ?? (list.tooLarge ? null : this.misplaced(stream, list, end));
    if (wrong !== null) {
      host.streamError(stream, ErrorCode.PROTOCOL_ERROR, `malformed header list: ${wrong}`);
      return;
    }
    if (list.tooLarge) {
      host.streamError(
        stream,
        ErrorCode.ENHANCE_YOUR_CALM,
        `header list of ${list.size} bytes or ${list.fields.length / 2} fields and more: at most ${host.options.maxHeaderListSize} bytes and ${host.options.maxHeaderFields} fields are accepted`,
      );
      return;
    }
    if (!hasHeaders(stream.state)) {
      const status = list.get(":status")!;
      if (status.startsWith("1")) {
        this.interimResponse(stream, list);
        return;
      }
      stream.state = headersReceived(stream.state);
      stream.contentLength = end ? -1 : list.contentLength;
      if (end && list.contentLength > 0 && status !== "204" && status !== "304") {
        host.streamError(
          stream,
          ErrorCode.PROTOCOL_ERROR,
          `content-length is ${list.contentLength}, but no body follows`,
        );
        return;
      }
      if (end) stream.endRemote();
      stream.sink.headers(list, end);
      return;
    }
    stream.endWithTrailers(list);
  }

  /** Interim responses (RFC 9110 §15.2) say nothing that RPC needs, but must not go on for ever. */
  private interimResponse(stream: Stream, list: HeaderList): void {
    const most = this.host.options.maxHeaderListSize;
    stream.interimSize += list.size;
    if (stream.interimSize > most) {
      const message = `interim responses of ${stream.interimSize} bytes: at most ${most} are accepted`;
      this.host.streamError(stream, ErrorCode.ENHANCE_YOUR_CALM, message);
    }
  }

  private misplaced(stream: Stream, list: HeaderList, end: boolean): string | null {
    if (hasHeaders(stream.state)) {
      if (list.kind !== ListKind.TRAILERS) return "pseudo-headers in trailers";
      return end ? null : "trailers without END_STREAM";
    }
    if (list.kind !== ListKind.RESPONSE) return `no ":status"`;
    const status = list.get(":status")!;
    if (!/^[1-9][0-9]{2}$/.test(status)) return `":status" is ${quote(status)}`;
    if (status === "101") return `":status" is 101 (RFC 9113 §8.6)`;
    return end && status.startsWith("1") ? "interim response with END_STREAM" : null;
  }
}

/** A connection error: the peer does what it must not. */
export function protocolError(message: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
}

/** A connection error: the peer sends on what it has ended. */
export function streamClosed(what: string, id: number): Http2ConnectionError {
  return new Http2ConnectionError(
    ErrorCode.STREAM_CLOSED,
    `${what} on stream ${id}, which the peer had ended (RFC 9113 §5.1)`,
  );
}
