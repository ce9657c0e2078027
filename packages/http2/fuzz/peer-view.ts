// SPDX-License-Identifier: Apache-2.0

import { Setting, settingLength } from "../src/connection/settings.js";
import {
  clientPreface,
  Flag,
  FrameType,
  frameHeaderLength,
  maxUint31,
  readUint31,
  readUint32,
} from "../src/frame/frame-type.js";
import { join } from "../tests/frames.js";
import type { Role } from "../tests/subject.js";
import { must } from "./step.js";

const firstWindow = 65_535;

/**
 * The windows of both directions as the peer knows them, worked out from nothing but the bytes that it sent and got. What
 * a connection that lives on thinks of its windows has to be the same.
 */
export class PeerView {
  /** The peer's settings. */
  maxFrameSize = 16_384;
  /** The largest frame since the output was last empty: one that waits to leave was made by older SETTINGS. */
  largestFrame = 16_384;
  initialWindow = firstWindow;
  /** A client holds itself to 100 before it knows. */
  maxConcurrentStreams = 100;
  /** SETTINGS and PING of the peer that want an answer. */
  settings = 0;
  pings = 0;
  /** The bytes that the connection may send: by stream, and on the whole. */
  readonly sendWindows = new Map<number, number>();
  connectionSendWindow = firstWindow;
  /** The bytes that the peer may send: by stream, and on the whole. */
  readonly receiveWindows = new Map<number, number>();
  connectionReceiveWindow = firstWindow;
  /** Bytes of DATA that have arrived, by stream, 0 for the connection. */
  readonly arrived = new Map<number, number>();
  /** Streams that the peer has reset. */
  readonly resets = new Set<number>();
  private readonly role: Role;
  private prefaceLeft: number;
  private rest: Uint8Array = new Uint8Array(0);
  /** Bytes of a DATA frame still to come. */
  private skip = 0;
  private highestId = 0;
  /** The window that the peer gave to streams whose HEADERS wait to leave. */
  private readonly early = new Map<number, number>();
  /** Bytes by which SETTINGS have lowered the streams' windows since the output was last empty. */
  private lowered = 0;

  /** `role`: the connection's. */
  constructor(role: Role) {
    this.role = role;
    this.prefaceLeft = role === "server" ? clientPreface.length : 0;
  }

  /** True if the peer has used an id. */
  wasOpened(id: number): boolean {
    return id <= this.highestId;
  }

  /** The connection opened a stream. */
  opened(id: number): void {
    this.sendWindows.set(id, this.initialWindow + (this.early.get(id) ?? 0));
  }

  /** The connection sent DATA. */
  dataSent(what: string, id: number, length: number): void {
    const window = this.sendWindow(id) - length;
    this.sendWindows.set(id, window);
    this.connectionSendWindow -= length;
    if (length === 0) return;
    must(window >= -this.lowered, `${what}, ${-window} bytes beyond the stream's window`);
    must(
      this.connectionSendWindow >= 0,
      `${what}, ${-this.connectionSendWindow} bytes beyond the connection's window`,
    );
  }

  /** The connection sent WINDOW_UPDATE. */
  granted(what: string, id: number, increment: number): void {
    if (id === 0) this.connectionReceiveWindow += increment;
    else this.receiveWindows.set(id, this.receiveWindow(id) + increment);
    const window = id === 0 ? this.connectionReceiveWindow : this.receiveWindow(id);
    must(window <= maxUint31, `${what} makes a window of ${window}`);
  }

  /** No output waits to leave. */
  outputEmpty(): void {
    this.lowered = 0;
    this.largestFrame = this.maxFrameSize;
  }

  sendWindow(id: number): number {
    return this.sendWindows.get(id) ?? this.initialWindow;
  }

  receiveWindow(id: number): number {
    return this.receiveWindows.get(id) ?? firstWindow;
  }

  /** The peer sent bytes; frames may be cut anywhere. Wrong ones are read as far as they can be. */
  sent(bytes: Uint8Array): void {
    this.rest = this.rest.length === 0 ? bytes : join(this.rest, bytes);
    if (this.prefaceLeft > 0) {
      const n = Math.min(this.prefaceLeft, this.rest.length);
      this.prefaceLeft -= n;
      this.rest = this.rest.subarray(n);
    }
    for (;;) {
      const skipped = Math.min(this.skip, this.rest.length);
      this.skip -= skipped;
      this.rest = this.rest.subarray(skipped);
      if (this.rest.length < frameHeaderLength) return;
      const length = readUint32(this.rest, 0) >>> 8;
      const id = readUint31(this.rest, 5);
      const type = this.rest[3]!;
      if (type === FrameType.DATA) {
        // The frame counts from its header on.
        for (const key of [0, id]) this.arrived.set(key, (this.arrived.get(key) ?? 0) + length);
        this.connectionReceiveWindow -= length;
        this.receiveWindows.set(id, this.receiveWindow(id) - length);
        this.skip = frameHeaderLength + length;
        continue;
      }
      if (this.rest.length < frameHeaderLength + length) return;
      this.frame(type, this.rest[4]!, id, this.rest.subarray(frameHeaderLength, frameHeaderLength + length));
      this.skip = frameHeaderLength + length;
    }
  }

  private frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    switch (type) {
      case FrameType.HEADERS:
        if (this.role === "client" || id <= this.highestId) return;
        this.highestId = id;
        this.opened(id);
        return;
      case FrameType.RST_STREAM:
        this.resets.add(id);
        return;
      case FrameType.WINDOW_UPDATE:
        if (payload.length !== 4) return;
        if (id === 0) this.connectionSendWindow += readUint31(payload, 0);
        else if (this.sendWindows.has(id))
          this.sendWindows.set(id, this.sendWindow(id) + readUint31(payload, 0));
        else this.early.set(id, (this.early.get(id) ?? 0) + readUint31(payload, 0));
        return;
      case FrameType.PING:
        if ((flags & Flag.ACK) === 0) this.pings++;
        return;
      case FrameType.SETTINGS:
        if ((flags & Flag.ACK) !== 0) return;
        if (this.settings++ === 0) this.maxConcurrentStreams = Number.POSITIVE_INFINITY;
        for (let at = 0; at + settingLength <= payload.length; at += settingLength)
          this.setting((payload[at]! << 8) | payload[at + 1]!, readUint32(payload, at + 2));
    }
  }

  private setting(id: number, value: number): void {
    if (id === Setting.MAX_FRAME_SIZE) {
      this.maxFrameSize = value;
      this.largestFrame = Math.max(this.largestFrame, value);
    } else if (id === Setting.MAX_CONCURRENT_STREAMS) this.maxConcurrentStreams = value;
    else if (id === Setting.INITIAL_WINDOW_SIZE) {
      for (const [stream, window] of this.sendWindows)
        this.sendWindows.set(stream, window + value - this.initialWindow);
      this.lowered += Math.max(0, this.initialWindow - value);
      this.initialWindow = value;
    }
  }
}
