// SPDX-License-Identifier: Apache-2.0

import type { ConnectionEnd } from "../connection/connection-end.js";
import { ErrorCode } from "../connection/error-code.js";
import { quote } from "../connection/quote.js";
import { Flag } from "../frame/frame-type.js";
import { limitPassed } from "../guards/limits.js";
import type { HpackDecoder } from "../hpack/decoder.js";
import type { HeaderList } from "../hpack/header-list.js";
import { ClosedBy } from "../streams/closed-streams.js";
import { hasHeaders, headersReceived } from "../streams/state.js";
import type { Stream } from "../streams/stream.js";
import type { Streams } from "../streams/streams.js";
import { HeaderAssembly } from "./header-assembly.js";
import { classify, ListKind } from "./header-rules.js";
import { PeerStreams } from "./peer-streams.js";
import { protocolError, streamClosed } from "./protocol-error.js";

/** The least that a peer may have to cut header blocks into (RFC 9113 §6.5.2). */
const smallestMaxFrameSize = 16_384;

/** Interprets header lists: some begin a stream, some answer one, some end one, and others are errors. */
export class HeaderDispatch {
  /** Puts header blocks together. */
  readonly assembly: HeaderAssembly;
  private readonly decoder: HpackDecoder;
  private readonly streams: Streams;
  private readonly peerStreams: PeerStreams;
  private readonly connectionEnd: ConnectionEnd;

  constructor(decoder: HpackDecoder, streams: Streams, connectionEnd: ConnectionEnd) {
    this.decoder = decoder;
    this.streams = streams;
    this.peerStreams = new PeerStreams(streams);
    this.connectionEnd = connectionEnd;
    const { maxHeaderListSize, maxContinuations } = streams.options;
    // A list that is allowed has to fit into frames of the size that every peer may send.
    const needed = Math.ceil((1.25 * maxHeaderListSize) / smallestMaxFrameSize);
    this.assembly = new HeaderAssembly(maxHeaderListSize, Math.max(maxContinuations, needed));
  }

  /** A part of a header block arrived. */
  bytes(flags: number, id: number, b: Uint8Array, start: number, end: number, endStream: boolean): void {
    const whole = this.assembly.add(id, b, start, end, (flags & Flag.END_HEADERS) !== 0, endStream);
    if (!whole) return;
    const a = this.assembly;
    const list = this.decoder.decode(a.block, a.start, a.end);
    const { endStream: ends } = a;
    a.clear();
    classify(list);
    if (list.size > 4 * this.streams.options.maxHeaderListSize) {
      throw limitPassed(
        `header list of ${list.size} bytes: at most ${this.streams.options.maxHeaderListSize} were announced`,
        "maxHeaderListSize",
      );
    }
    const stream = this.streams.get(id);
    if (stream !== undefined) this.headersOnStream(stream, list, ends);
    else this.headersWithoutStream(id, list, ends);
  }

  private headersWithoutStream(id: number, list: HeaderList, end: boolean): void {
    const { streams } = this;
    if (streams.isServer && (id & 1) === 0)
      throw protocolError(`HEADERS on stream ${id}: clients use odd ids (RFC 9113 §5.1.1)`);
    if (streams.registry.isIdle(id)) {
      if (!streams.isServer) throw protocolError(`HEADERS on idle stream ${id} (RFC 9113 §5.1)`);
      streams.input.streamOpened();
      if (list.malformed !== null || list.kind !== ListKind.REQUEST || list.tooLarge)
        this.peerStreams.refuse(id, list, end);
      else if (this.peerStreams.accept(id, list, end) && streams.registry.idsRunOut)
        this.connectionEnd.shutdown();
      return;
    }
    const cause = streams.closedBy(id);
    if (cause === ClosedBy.NEVER_OPENED) {
      throw protocolError(`HEADERS on stream ${id}, below one that was opened before (RFC 9113 §5.1.1)`);
    }
    if (cause === ClosedBy.ENDED) throw streamClosed("HEADERS", id);
    if (cause === ClosedBy.PEER_RESET) streams.refuse(id, ErrorCode.STREAM_CLOSED);
    else if (!streams.registry.past.explainsHeaders()) streams.limits.uselessFrame();
  }

  private headersOnStream(stream: Stream, list: HeaderList, end: boolean): void {
    const { streams } = this;
    if (stream.remoteEnded) throw streamClosed("HEADERS", stream.id);
    const wrong = list.malformed ?? (list.tooLarge ? null : this.misplaced(stream, list, end));
    if (wrong !== null) {
      streams.streamError(stream, ErrorCode.PROTOCOL_ERROR, `malformed header list: ${wrong}`);
      return;
    }
    if (list.tooLarge) {
      streams.streamError(
        stream,
        ErrorCode.ENHANCE_YOUR_CALM,
        `header list of ${list.size} bytes or ${list.fields.length / 2} fields and more: at most ${streams.options.maxHeaderListSize} bytes and ${streams.options.maxHeaderFields} fields are accepted`,
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
        streams.streamError(
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
    const most = this.streams.options.maxHeaderListSize;
    stream.interimSize += list.size;
    if (stream.interimSize > most) {
      const message = `interim responses of ${stream.interimSize} bytes: at most ${most} are accepted`;
      this.streams.streamError(stream, ErrorCode.ENHANCE_YOUR_CALM, message);
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
