// SPDX-License-Identifier: Apache-2.0

import type { OutgoingHeaders } from "../hpack/header-block.js";
import { ClosedBy, ClosedStreams } from "./closed-streams.js";
import { firstWindow } from "./receive-window.js";
import type { Stream } from "./stream.js";
import { StreamTable } from "./stream-table.js";

/** A client opens no more streams once three quarters of the ids are used: those that are open have time to end. */
const lastOwnId = 0.75 * 2 ** 31;
/** A server says GOAWAY while the peer still has ids for what is under way. */
const lastPeersId = 2 ** 31 - 1 - 512;

/**
 * The streams of a connection: those that are open, those that wait for the peer's limit, the closed ones that are still served, and the
 * causes by which the others closed. The registry only records. It calls nothing.
 */
export class StreamRegistry {
  /** Streams with an id that are not closed. */
  readonly open: StreamTable = new StreamTable();
  /** Streams that wait, in order, for the peer's limit, with the header fields to begin them. */
  readonly waiting: Map<Stream, OutgoingHeaders> = new Map();
  /** The last id that the peer used. */
  lastPeerId = 0;
  /** Streams that are closed, and whose server has not settled: they count against our limit. */
  held = 0;
  /** A stream was open at some time. */
  used = false;
  private readonly isServer: boolean;
  /** Streams that are closed. */
  readonly past: ClosedStreams = new ClosedStreams();
  private nextId = 1;

  constructor(isServer: boolean) {
    this.isServer = isServer;
  }

  /** Streams that are open, or wait to be. */
  get active(): number {
    return this.open.size + this.waiting.size;
  }

  /** Places that the peer has taken of our limit. */
  get taken(): number {
    return this.open.size + this.held;
  }

  /** True if new streams belong on another connection, since ids are used once (RFC 9113 §5.1.1). */
  get idsRunOut(): boolean {
    return this.isServer ? this.lastPeerId >= lastPeersId : this.nextId >= lastOwnId;
  }

  /** True if the stream was never open (RFC 9113 §5.1 "idle"). */
  isIdle(id: number): boolean {
    const ours = ((id & 1) === 1) !== this.isServer;
    return ours ? id >= this.nextId : (id & 1) === 0 || id > this.lastPeerId;
  }

  /** Remembers an id that never became a stream: the peer may send on it until it knows. */
  rejected(id: number, cause: number): void {
    this.past.add(id, cause);
    if (cause === ClosedBy.LOCAL_RESET) this.past.expectFrames(firstWindow);
  }

  /** Gives a stream of ours its id. */
  activate(stream: Stream, sendWindow: number): void {
    stream.id = this.nextId;
    this.nextId += 2;
    stream.send.window = sendWindow;
    this.waiting.delete(stream);
    this.add(stream);
  }

  /** Adds a stream that has an id. */
  add(stream: Stream): void {
    this.used = true;
    this.open.add(stream);
  }

  /** Takes a stream out that has closed. `peerEnded`: the peer had sent END_STREAM. */
  remove(stream: Stream, cause: number, peerEnded: boolean): void {
    if (stream.id === 0) {
      this.waiting.delete(stream);
      return;
    }
    if (!this.open.delete(stream.id)) return;
    this.past.add(stream.id, cause, stream.send.answeredAt, stream.dueAt);
    const { outstanding } = stream.receiveWindow;
    if (cause === ClosedBy.LOCAL_RESET && !peerEnded) this.past.expectFrames(outstanding);
  }
}
