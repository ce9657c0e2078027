// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import type { SettingsExchange } from "../connection/settings-exchange.js";
import { checkFrameHeader } from "../frame/check-frame-header.js";
import type { DataTarget, FrameHandler } from "../frame/frame-reader.js";
import { Flag, FrameType, readUint31, readUint32 } from "../frame/frame-type.js";
import { headerFragment } from "../frame/header-fragment.js";
import { describeOtherProtocol } from "../frame/other-protocol.js";
import { bytesPerEmptyData } from "../guards/limits.js";
import { ClosedBy } from "../streams/closed-streams.js";
import { hasHeaders } from "../streams/state.js";
import type { Streams } from "../streams/streams.js";
import type { ControlFrames } from "./control-frames.js";
import type { HeaderDispatch } from "./header-dispatch.js";
import { PeerResets } from "./peer-resets.js";
import { protocolError, streamClosed } from "./protocol-error.js";

/**
 * Interprets frames by the states of RFC 9113 §5.1: DATA itself, the others by the parts that it holds. A frame that no correct peer
 * sends is a connection error, even where the RFC permits a stream error. Otherwise the peer could provoke RST_STREAM frames at will
 * while handlers run on (CVE-2025-8671).
 */
export class FrameDispatch implements FrameHandler {
  /** HEADERS and DATA frames so far. */
  answers = 0;
  private readonly settings: SettingsExchange;
  private readonly streams: Streams;
  private readonly headers: HeaderDispatch;
  private readonly control: ControlFrames;
  private readonly resets: PeerResets;
  /** DATA bytes so far, and {@link bytesPerEmptyData} for each header block. */
  private received = 0;

  constructor(settings: SettingsExchange, streams: Streams, headers: HeaderDispatch, control: ControlFrames) {
    this.settings = settings;
    this.streams = streams;
    this.headers = headers;
    this.control = control;
    this.resets = new PeerResets(streams);
  }

  /** True if a header block has begun and not ended. */
  get insideBlock(): boolean {
    return this.headers.assembly.unfinished;
  }

  /** @inheritdoc */
  frameHeader(type: number, flags: number, streamId: number, length: number): void {
    const { isServer, options } = this.streams;
    if (!this.settings.received && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      const first = Uint8Array.of(length >>> 16, length >>> 8, length, type);
      const otherProtocol = isServer ? undefined : describeOtherProtocol(first, false);
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        otherProtocol ?? "the first frame is not SETTINGS (RFC 9113 §3.4)",
        { otherProtocol: otherProtocol !== undefined },
      );
    }
    if (length > options.maxFrameSize) {
      throw new Http2ConnectionError(
        ErrorCode.FRAME_SIZE_ERROR,
        `frame of ${length} bytes: at most ${options.maxFrameSize} were announced (RFC 9113 §4.2)`,
      );
    }
    this.headers.assembly.frameHeader(type, streamId, length);
    checkFrameHeader(type, flags, streamId, length);
  }

  /** @inheritdoc */
  frame(type: number, flags: number, id: number, b: Uint8Array, start: number, end: number): void {
    const { limits } = this.streams;
    switch (type) {
      case FrameType.HEADERS: {
        this.answers++;
        this.received += bytesPerEmptyData;
        const fragment = headerFragment(flags, id, b, start, end);
        this.headers.bytes(flags, id, b, fragment.start, fragment.end, (flags & Flag.END_STREAM) !== 0);
        return;
      }
      case FrameType.CONTINUATION:
        limits.counters.continuations++;
        this.headers.bytes(flags, id, b, start, end, false);
        return;
      case FrameType.PRIORITY:
        if (readUint31(b, start) === id) throw protocolError(`stream ${id} depends on itself`);
        limits.uselessFrame();
        return;
      case FrameType.RST_STREAM:
        this.resets.received(id, readUint32(b, start));
        return;
      case FrameType.SETTINGS:
        this.control.settingsFrame(flags, b, start, end);
        return;
      case FrameType.PING:
        this.control.pingFrame(flags, b, start);
        return;
      case FrameType.GOAWAY:
        this.control.goAwayFrame(b, start, end);
        return;
      case FrameType.WINDOW_UPDATE:
        this.control.windowUpdate(id, readUint31(b, start));
        return;
      case FrameType.PUSH_PROMISE:
        throw protocolError("PUSH_PROMISE, though push is off (RFC 9113 §6.6)");
      default:
        limits.uselessFrame();
    }
  }

  /** @inheritdoc */
  data(flags: number, id: number, length: number): DataTarget | null {
    const { streams } = this;
    const { registry, limits, receiveFlow, writer } = streams;
    this.answers++;
    if (registry.isIdle(id)) throw protocolError(`DATA on idle stream ${id} (RFC 9113 §5.1)`);
    const end = (flags & Flag.END_STREAM) !== 0;
    if (length === 0 && !end) limits.emptyData(this.received);
    this.received += length;
    if (!receiveFlow.received(length)) {
      throw new Http2ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        "the peer sent more than the connection's window (RFC 9113 §6.9.1)",
      );
    }
    receiveFlow.announceDue(writer);
    const stream = registry.open.get(id);
    if (stream === undefined) {
      const cause = streams.closedBy(id);
      if (cause === ClosedBy.ENDED || cause === ClosedBy.NEVER_OPENED) throw streamClosed("DATA", id);
      if (cause === ClosedBy.PEER_RESET) streams.refuse(id, ErrorCode.STREAM_CLOSED);
      else if (!registry.past.explainsData(length)) limits.uselessFrame();
      else if (length === 0 && end && !registry.past.explainsEnd()) limits.uselessFrame();
      return this.discard(length);
    }
    if (stream.remoteEnded) throw streamClosed("DATA", id);
    if (!stream.receiveWindow.frameBegins(length)) {
      this.discard(length);
      streams.streamError(
        stream,
        ErrorCode.FLOW_CONTROL_ERROR,
        "the peer sent more than the stream's window",
      );
      return null;
    }
    if (!hasHeaders(stream.state)) {
      this.discard(length);
      streams.streamError(stream, ErrorCode.PROTOCOL_ERROR, "DATA before the response's HEADERS");
      return null;
    }
    return stream;
  }

  /** @inheritdoc */
  onlyPadding(): void {
    this.streams.limits.emptyData(this.received);
  }

  /** The payload of a DATA frame is not delivered: the connection's window gets it back. */
  private discard(length: number): null {
    const { receiveFlow, writer } = this.streams;
    receiveFlow.released(length);
    receiveFlow.announceDue(writer);
    return null;
  }
}
