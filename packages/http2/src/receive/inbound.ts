// SPDX-License-Identifier: Apache-2.0

import { ErrorCode, errorCodeName, Http2ConnectionError } from "../connection/error-code.js";
import { parseSettings, Setting, validateSetting } from "../connection/settings.js";
import { checkFrameHeader } from "../frame/check-frame-header.js";
import type { DataTarget, FrameHandler } from "../frame/frame-reader.js";
import { Flag, FrameType, maxUint31, readUint31, readUint32 } from "../frame/frame-type.js";
import { headerFragment } from "../frame/header-fragment.js";
import { describeOtherProtocol } from "../frame/other-protocol.js";
import { bytesPerEmptyData } from "../guards/limits.js";
import { ClosedBy } from "../streams/closed-streams.js";
import { resetReason } from "../streams/reset-reason.js";
import { hasHeaders } from "../streams/state.js";
import { InboundHeaders, protocolError, streamClosed } from "./inbound-headers.js";

/** An orderly end has two GOAWAY frames (RFC 9113 §6.8). */
const goAwaysOfAnEnd = 2;

/**
 * Interprets frames: one method a type, each by the states of RFC 9113 §5.1. A frame that no correct peer sends is a connection error,
 * even where the RFC permits a stream error. Otherwise the peer could provoke RST_STREAM frames at will while handlers run on
 * (CVE-2025-8671).
 */
export class Inbound extends InboundHeaders implements FrameHandler {
  /** HEADERS and DATA frames so far. */
  answers = 0;
  /** DATA bytes so far, and {@link bytesPerEmptyData} for each header block. */
  private received = 0;
  private goAways = 0;

  /** @inheritdoc */
  frameHeader(type: number, flags: number, streamId: number, length: number): void {
    if (!this.host.settings.received && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      const first = Uint8Array.of(length >>> 16, length >>> 8, length, type);
      const otherProtocol = this.host.isServer ? undefined : describeOtherProtocol(first, false);
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        otherProtocol ?? "the first frame is not SETTINGS (RFC 9113 §3.4)",
        { otherProtocol: otherProtocol !== undefined },
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
        this.answers++;
        this.received += bytesPerEmptyData;
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
        this.host.limits.uselessFrame();
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
        if (++this.goAways > goAwaysOfAnEnd) this.host.limits.uselessFrame();
        this.host.goAwayReceived(readUint31(b, start), readUint32(b, start + 4), text(b, start + 8, end));
        return;
      case FrameType.WINDOW_UPDATE:
        this.windowUpdate(id, readUint31(b, start));
        return;
      case FrameType.PUSH_PROMISE:
        throw protocolError("PUSH_PROMISE, though push is off (RFC 9113 §6.6)");
      default:
        this.host.limits.uselessFrame();
    }
  }

  /** @inheritdoc */
  data(flags: number, id: number, length: number): DataTarget | null {
    const { host } = this;
    this.answers++;
    if (host.isIdle(id)) throw protocolError(`DATA on idle stream ${id} (RFC 9113 §5.1)`);
    const end = (flags & Flag.END_STREAM) !== 0;
    if (length === 0 && !end) host.limits.emptyData(this.received);
    this.received += length;
    host.receivedData(length);
    const stream = host.streams.get(id);
    if (stream === undefined) {
      const cause = host.closedBy(id);
      if (cause === ClosedBy.ENDED || cause === ClosedBy.NEVER_OPENED) throw streamClosed("DATA", id);
      if (cause === ClosedBy.PEER_RESET) host.refuse(id, ErrorCode.STREAM_CLOSED);
      else if (!host.past.explainsData(length)) host.limits.uselessFrame();
      else if (length === 0 && end && !host.past.explainsEnd()) host.limits.uselessFrame();
      host.releasedData(length);
      return null;
    }
    if (stream.remoteEnded) throw streamClosed("DATA", id);
    if (!stream.dataBegins(length)) {
      host.releasedData(length);
      host.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, "the peer sent more than the stream's window");
      return null;
    }
    if (!hasHeaders(stream.state)) {
      host.releasedData(length);
      host.streamError(stream, ErrorCode.PROTOCOL_ERROR, "DATA before the response's HEADERS");
      return null;
    }
    return stream;
  }

  /** @inheritdoc */
  onlyPadding(): void {
    this.host.limits.emptyData(this.received);
  }

  private resetStream(id: number, code: number): void {
    const { host } = this;
    if (host.isIdle(id)) throw protocolError(`RST_STREAM on idle stream ${id} (RFC 9113 §6.4)`);
    const stream = host.streams.get(id);
    if (stream === undefined) {
      host.lateReset(id);
      return;
    }
    host.resetReceived(stream, {
      code,
      reason: resetReason(code),
      source: "peer",
      disposition: code === ErrorCode.REFUSED_STREAM ? "unprocessed" : "maybe-processed",
      message: `the peer reset the stream with ${errorCodeName(code)}`,
    });
  }

  private settings(flags: number, b: Uint8Array, start: number, end: number): void {
    const { host } = this;
    if ((flags & Flag.ACK) !== 0) {
      host.settingsAcknowledged();
      return;
    }
    const first = !host.settings.received;
    host.settings.received = true;
    host.limits.settings();
    let initialWindow = -1;
    parseSettings(b, start, end, (id, value) => {
      validateSetting(id, value, !host.isServer);
      // Each change of it costs a step a stream, so only the last value of a frame counts.
      if (id === Setting.INITIAL_WINDOW_SIZE) initialWindow = value;
      else host.applySetting(id, value);
    });
    if (initialWindow >= 0) host.applySetting(Setting.INITIAL_WINDOW_SIZE, initialWindow);
    host.settingsApplied(first);
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

function text(b: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(b.subarray(start, Math.min(end, start + 256)));
}
