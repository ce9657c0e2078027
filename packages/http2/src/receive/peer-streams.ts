// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../connection/error-code.js";
import type { HeaderList } from "../hpack/header-list.js";
import { ClosedBy } from "../streams/closed-streams.js";
import { headersReceived, idle } from "../streams/state.js";
import { Stream } from "../streams/stream.js";
import type { Streams } from "../streams/streams.js";
import { ListKind } from "./header-rules.js";

/** Server: accepts or refuses the streams that the peer opens. */
export class PeerStreams {
  private readonly streams: Streams;

  constructor(streams: Streams) {
    this.streams = streams;
  }

  /** The peer opened a stream by a valid header list. Returns false if the stream is refused. */
  accept(id: number, list: HeaderList, end: boolean): boolean {
    const { streams } = this;
    const { registry, options, postponed, graceful } = streams;
    registry.lastPeerId = id;
    if (graceful.discards(id)) {
      this.discarded(id);
      return false;
    }
    if (registry.open.size >= options.maxConcurrentStreams) {
      streams.refuse(id, ErrorCode.REFUSED_STREAM);
      return false;
    }
    if (end && list.contentLength > 0) {
      streams.refuse(id, ErrorCode.PROTOCOL_ERROR);
      return false;
    }
    const stream = new Stream(streams, id, headersReceived(idle), streams.peerSettings.initialWindowSize);
    stream.contentLength = list.contentLength;
    registry.add(stream);
    streams.setActive(true);
    if (end) stream.endRemote();
    if (postponed.placesLeft >= 0) streams.events.stream?.(stream, list, end);
    else postponed.add(stream, list, end);
    return true;
  }

  /** The peer opened a stream by an invalid header list. */
  refuse(id: number, list: HeaderList, end: boolean): void {
    const { registry, graceful, writer, peerSettings } = this.streams;
    registry.lastPeerId = id;
    if (graceful.discards(id)) {
      this.discarded(id);
      return;
    }
    if (list.malformed === null && list.kind !== ListKind.UNKNOWN && list.tooLarge) {
      writer.headers(id, [":status", "431"], true, peerSettings.maxFrameSize);
      if (end) registry.rejected(id, ClosedBy.ENDED);
      else this.streams.refuse(id, ErrorCode.NO_ERROR);
    } else this.streams.refuse(id, ErrorCode.PROTOCOL_ERROR);
  }

  /** A stream that the peer opened after our last GOAWAY. */
  private discarded(id: number): void {
    const { registry, limits } = this.streams;
    registry.rejected(id, ClosedBy.LOCAL_RESET);
    limits.uselessFrame();
  }
}
