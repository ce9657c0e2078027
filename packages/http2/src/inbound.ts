// SPDX-License-Identifier: Apache-2.0
import { ClosedBy } from "./closed-streams.js";
import { ErrorCode, errorCodeName, Http2ConnectionError } from "./error-code.js";
import { checkFrameHeader } from "./frame/check-frame-header.js";
import { describeForeign } from "./frame/foreign-bytes.js";
import type { DataTarget, FrameHandler } from "./frame/frame-reader.js";
import { Flag, FrameType, maxUint31, readUint31, readUint32 } from "./frame/frame-type.js";
import { headerFragment } from "./frame/header-fragment.js";
import { HeaderAssembly } from "./header-assembly.js";
import { classify, ListKind } from "./header-rules.js";
import type { HpackDecoder } from "./hpack/decoder.js";
import type { HeaderList } from "./hpack/header-list.js";
import { type Limits, limitPassed } from "./limits.js";
import type { ResolvedHttp2Options } from "./options.js";
import { parseSettings, validateSetting } from "./settings.js";
import type { Stream } from "./stream.js";

/** The least that a peer may have to cut header blocks into (RFC 9113 §6.5.2). */
const smallestMaxFrameSize = 16_384;

/** What the meaning of frames needs of the connection. */
export interface InboundHost {
  readonly isServer: boolean;
  readonly options: ResolvedHttp2Options;
  readonly decoder: HpackDecoder;
  readonly limits: Limits;
  readonly streams: { get(id: number): Stream | undefined };
  /** Whether the stream was never open (RFC 9113 §5.1 "idle"). */
  isIdle(streamId: number): boolean;
  closedBy(streamId: number): number;
  openedByPeer(streamId: number, list: HeaderList, end: boolean): void;
  receivedData(length: number): void;
  releasedData(length: number): void;
  applySetting(id: number, value: number): void;
  settingsApplied(): void;
  settingsAcknowledged(): void;
  pingReceived(b: Uint8Array, start: number): void;
  pingAcknowledged(b: Uint8Array, start: number): void;
  goAwayReceived(lastStreamId: number, code: number, debug: string): void;
  windowUpdated(): void;
  connectionWindowGrew(increment: number): void;
  streamWindowGrew(stream: Stream): void;
  streamError(stream: Stream, code: number, message: string): void;
  /** Answers RST_STREAM for an id that has no stream. */
  refuse(streamId: number, code: number): void;
  refuseRequest(streamId: number, list: HeaderList, end: boolean): void;
}

/**
 * What frames mean: one method a type, each a walk through the states of RFC 9113 §5.1. What a correct peer cannot
 * send is a connection error even where the RFC would let it be a stream error: each of those would otherwise make us
 * send RST_STREAM at the peer's will while handlers run on (CVE-2025-8671).
 */
export class Inbound implements FrameHandler {
  private readonly host: InboundHost;
  private readonly assembly: HeaderAssembly;
  private settingsSeen = false;

  constructor(host: InboundHost) {
    this.host = host;
    const { maxHeaderListSize, maxContinuations } = host.options;
    // A list that is allowed has to fit into frames of the size that every peer may send.
    const needed = Math.ceil((1.25 * maxHeaderListSize) / smallestMaxFrameSize);
    this.assembly = new HeaderAssembly(maxHeaderListSize, Math.max(maxContinuations, needed));
  }

  /** Whether the peer's first SETTINGS has arrived. */
  get ready(): boolean {
    return this.settingsSeen;
  }

  /** Whether a header block has begun and not ended. */
  get insideBlock(): boolean {
    return this.assembly.unfinished;
  }

  /** @inheritdoc */
  frameHeader(type: number, flags: number, streamId: number, length: number): void {
    if (!this.settingsSeen && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      const first = Uint8Array.of(length >>> 16, length >>> 8, length, type);
      const foreign = this.host.isServer ? undefined : describeForeign(first, false);
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        foreign ?? "the first frame is not SETTINGS (RFC 9113 §3.4)",
        { foreign: foreign !== undefined },
      );
    }
    if (length > this.host.options.maxFrameSize) {
      throw new Http2ConnectionError(
        ErrorCode.FRAME_SIZE_ERROR,
        `frame of ${length} bytes: at most ${this.host.options.maxFrameSize} were announced (RFC 9113 §4.2)`,
      );
    }
    this.assembly.frameHeader(type, streamId, length);
    checkFrameHeader(type, flags, streamId, length);
  }

  /** @inheritdoc */
  frame(type: number, flags: number, id: number, b: Uint8Array, start: number, end: number): void {
    switch (type) {
      case FrameType.HEADERS: {
        const fragment = headerFragment(flags, id, b, start, end);
        this.headerBytes(flags, id, b, fragment.start, fragment.end, (flags & Flag.END_STREAM) !== 0);
        return;
      }
      case FrameType.CONTINUATION:
        this.host.limits.counters.continuations++;
        this.headerBytes(flags, id, b, start, end, false);
        return;
      case FrameType.PRIORITY:
        if (readUint31(b, start) === id) throw protocolError(`stream ${id} depends on itself`);
        this.host.limits.emptyFrame();
        return;
      case FrameType.RST_STREAM:
        this.resetStream(id, readUint32(b, start));
        return;
      case FrameType.SETTINGS:
        this.settings(flags, b, start, end);
        return;
      case FrameType.PING:
        if ((flags & Flag.ACK) !== 0) this.host.pingAcknowledged(b, start);
        else this.host.pingReceived(b, start);
        return;
      case FrameType.GOAWAY:
        this.host.goAwayReceived(readUint31(b, start), readUint32(b, start + 4), text(b, start + 8, end));
        return;
      case FrameType.WINDOW_UPDATE:
        this.windowUpdate(id, readUint31(b, start));
        return;
      case FrameType.PUSH_PROMISE:
        throw protocolError("PUSH_PROMISE, though push is off (RFC 9113 §6.6)");
      default:
        this.host.limits.emptyFrame();
    }
  }

  /** @inheritdoc */
  data(flags: number, id: number, length: number): DataTarget | null {
    const { host } = this;
    if (host.isIdle(id)) throw protocolError(`DATA on idle stream ${id} (RFC 9113 §5.1)`);
    if (length === 0 && (flags & Flag.END_STREAM) === 0) host.limits.emptyFrame();
    host.receivedData(length);
    const stream = host.streams.get(id);
    if (stream === undefined) {
      const cause = host.closedBy(id);
      if (cause === ClosedBy.ENDED || cause === ClosedBy.NEVER_OPENED) throw streamClosed("DATA", id);
      if (cause === ClosedBy.PEER_RESET) host.refuse(id, ErrorCode.STREAM_CLOSED);
      host.releasedData(length);
      return null;
    }
    if (stream.remoteEnded) throw streamClosed("DATA", id);
    if (!stream.dataBegins(length)) {
      host.releasedData(length);
      host.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, "the peer sent more than the stream's window");
      return null;
    }
    if (!stream.headersReceived) {
      host.releasedData(length);
      host.streamError(stream, ErrorCode.PROTOCOL_ERROR, "DATA before the response's HEADERS");
      return null;
    }
    return stream;
  }

  private headerBytes(
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
    if (!stream.headersReceived) {
      const status = list.get(":status")!;
      if (status.startsWith("1")) {
        this.interimResponse(stream, list);
        return;
      }
      stream.headersReceived = true;
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
    if (!stream.bodyComplete()) return;
    stream.endRemote();
    stream.sink.trailers(list);
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
    if (stream.headersReceived) {
      if (list.kind !== ListKind.TRAILERS) return "pseudo-headers in trailers";
      return end ? null : "trailers without END_STREAM";
    }
    if (list.kind !== ListKind.RESPONSE) return `no ":status"`;
    const status = list.get(":status")!;
    if (!/^[1-9][0-9]{2}$/.test(status)) return `":status" is ${JSON.stringify(status.slice(0, 32))}`;
    if (status === "101") return `":status" is 101 (RFC 9113 §8.6)`;
    return end && status.startsWith("1") ? "interim response with END_STREAM" : null;
  }

  private resetStream(id: number, code: number): void {
    const { host } = this;
    if (host.isIdle(id)) throw protocolError(`RST_STREAM on idle stream ${id} (RFC 9113 §6.4)`);
    const stream = host.streams.get(id);
    if (stream === undefined) return;
    const early = host.isServer && !stream.answered;
    stream.fail(
      {
        code,
        source: "peer",
        disposition: code === ErrorCode.REFUSED_STREAM ? "unprocessed" : "maybe-processed",
        message: `the peer reset the stream with ${errorCodeName(code)}`,
      },
      ClosedBy.PEER_RESET,
    );
    if (early) host.limits.resetReceived();
  }

  private settings(flags: number, b: Uint8Array, start: number, end: number): void {
    const { host } = this;
    if ((flags & Flag.ACK) !== 0) {
      host.settingsAcknowledged();
      return;
    }
    this.settingsSeen = true;
    host.limits.settings();
    parseSettings(b, start, end, (id, value) => {
      validateSetting(id, value, !host.isServer);
      host.applySetting(id, value);
    });
    host.settingsApplied();
  }

  private windowUpdate(id: number, increment: number): void {
    const { host } = this;
    if (increment === 0) throw protocolError("WINDOW_UPDATE by 0 (RFC 9113 §6.9)");
    host.windowUpdated();
    if (id === 0) {
      host.connectionWindowGrew(increment);
      return;
    }
    const stream = host.streams.get(id);
    if (stream === undefined) {
      if (host.isIdle(id)) throw protocolError(`WINDOW_UPDATE on idle stream ${id} (RFC 9113 §5.1)`);
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > maxUint31) {
      // The stream's error, as the RFC has it, and the connection's: no correct peer does it, so it won't do it often.
      host.refuse(id, ErrorCode.FLOW_CONTROL_ERROR);
      throw new Http2ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        `window of stream ${id} above 2^31-1 (RFC 9113 §6.9.1)`,
      );
    }
    host.streamWindowGrew(stream);
  }
}

function protocolError(message: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
}

function streamClosed(what: string, id: number): Http2ConnectionError {
  return new Http2ConnectionError(
    ErrorCode.STREAM_CLOSED,
    `${what} on stream ${id}, which the peer had ended (RFC 9113 §5.1)`,
  );
}

function text(b: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(b.subarray(start, Math.min(end, start + 256)));
}
