// SPDX-License-Identifier: Apache-2.0
import type { Direction } from "@tristream/testing";
import { Flag, FrameType } from "../../http2/src/frame/frame-type.js";
import { describeFrame, type ParsedFrame, parseFrames } from "../../http2/tests/frames.js";
import type { Tap } from "./relay.js";

const prefaceLength = 24;
const both = { "client-to-server": 1, "server-to-client": 2 } as const;

/**
 * The frames of one connection, seen from outside: its {@link Wire.tap} goes where a link is started. Streams are counted
 * by what passes, not by what either end believes.
 */
export class Wire {
  /** Called with each frame, before it is passed on. */
  onFrame: ((line: string, direction: Direction) => void) | null = null;
  private readonly lines: Record<Direction, string[]> = { "client-to-server": [], "server-to-client": [] };
  private readonly rest: Record<Direction, Buffer> = {
    "client-to-server": Buffer.alloc(0),
    "server-to-client": Buffer.alloc(0),
  };
  private prefaceSeen = false;
  /** Of each open stream: which sides may still send. */
  private readonly open = new Map<number, number>();

  readonly tap: Tap = (bytes, direction) => {
    let pending = Buffer.concat([this.rest[direction], bytes]);
    if (direction === "client-to-server" && !this.prefaceSeen) {
      if (pending.length < prefaceLength) {
        this.rest[direction] = pending;
        return;
      }
      this.prefaceSeen = true;
      pending = pending.subarray(prefaceLength);
    }
    for (const frame of parseFrames(pending, true)) {
      pending = pending.subarray(9 + frame.payload.length);
      this.count(frame, direction);
      const line = describeFrame(frame);
      this.lines[direction].push(line);
      this.onFrame?.(line, direction);
    }
    this.rest[direction] = pending;
  };

  /** Streams that neither a reset nor the END_STREAM of both sides has closed. */
  get openStreams(): number {
    return this.open.size;
  }

  /** The frames of a direction and a stream in words, without those that only give room. */
  of(direction: Direction, stream: number): string[] {
    return this.lines[direction].filter((line) => {
      const [type, id] = line.split(" ");
      return id === String(stream) && type !== "WINDOW_UPDATE";
    });
  }

  /** All frames of a direction in words. */
  all(direction: Direction): readonly string[] {
    return this.lines[direction];
  }

  private count({ type, flags, id }: ParsedFrame, direction: Direction): void {
    if (type === FrameType.RST_STREAM) this.open.delete(id);
    if (type !== FrameType.HEADERS && type !== FrameType.DATA) return;
    const side = both[direction];
    if (type === FrameType.HEADERS && side === 1 && !this.open.has(id)) this.open.set(id, 3);
    const sides = this.open.get(id);
    if (sides === undefined || (flags & Flag.END_STREAM) === 0) return;
    if (sides === side) this.open.delete(id);
    else this.open.set(id, sides & ~side);
  }
}
