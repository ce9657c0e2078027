// SPDX-License-Identifier: Apache-2.0

import { maxUint31 } from "../frame/frame-type.js";
import type { Writer } from "../send/writer.js";
import { ErrorCode, Http2ConnectionError } from "./error-code.js";
import { type ConnectionState, Input } from "./state.js";

/** Time for the peer to answer the PING between the two GOAWAY frames. */
const pingTimeoutMs = 5000;
/** Marks the PING of the drain; "drain" in ASCII, so that a capture reads well. */
const drainPing: Uint8Array = Uint8Array.of(0x64, 0x72, 0x61, 0x69, 0x6e, 0, 0, 1);

/**
 * The orderly end (RFC 9113 §6.8). A server first says GOAWAY with the largest id and PINGs: when the answer is back,
 * every request that was under way has arrived, and the second GOAWAY names the last one. Streams above it are
 * discarded, so the client may send them elsewhere.
 */
export class GracefulShutdown {
  private readonly state: ConnectionState;
  private readonly writer: Writer;
  private lastAccepted = maxUint31;
  private lastReceived = maxUint31;
  private startedAt = 0;

  constructor(state: ConnectionState, writer: Writer) {
    this.state = state;
    this.writer = writer;
  }

  /** Says GOAWAY. */
  begin(server: boolean, now: number): void {
    this.startedAt = now;
    if (server) {
      this.state.apply(Input.GOAWAY_SENT);
      this.writer.goAway(maxUint31, ErrorCode.NO_ERROR, "");
      this.writer.ping(drainPing, 0, false);
    } else {
      this.state.apply(Input.LAST_GOAWAY_SENT);
      this.writer.goAway(0, ErrorCode.NO_ERROR, "");
    }
  }

  /** The peer said GOAWAY: what is open may finish. */
  received(last: number): void {
    if (last > this.lastReceived) {
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        "GOAWAY with a larger last stream id than before (RFC 9113 §6.8)",
      );
    }
    this.lastReceived = last;
    this.state.apply(Input.GOAWAY_RECEIVED);
  }

  /** A PING was acknowledged; true when it was the drain's. */
  acknowledged(b: Uint8Array, start: number, lastPeerId: number): boolean {
    if (!this.state.goAwayFollows || drainPing.some((byte, i) => b[start + i] !== byte)) return false;
    this.finish(lastPeerId);
    return true;
  }

  /** Goes on without the acknowledgement when it takes too long. */
  advance(now: number, lastPeerId: number): void {
    if (this.state.goAwayFollows && now - this.startedAt > pingTimeoutMs) this.finish(lastPeerId);
  }

  /** True if frames of a stream opened by the peer are discarded. */
  discards(streamId: number): boolean {
    return streamId > this.lastAccepted;
  }

  /** The last stream id for a GOAWAY, which never names more than the one before (RFC 9113 §6.8). */
  lastStreamId(lastPeerId: number): number {
    return Math.min(lastPeerId, this.lastAccepted);
  }

  private finish(lastPeerId: number): void {
    this.state.apply(Input.LAST_GOAWAY_SENT);
    this.lastAccepted = lastPeerId;
    this.writer.goAway(lastPeerId, ErrorCode.NO_ERROR, "");
  }
}
