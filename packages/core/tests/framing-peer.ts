// SPDX-License-Identifier: Apache-2.0
import type { ByteLink, ByteReceiver } from "@tristream/http2";
import { clientPreface, FrameType, readUint32 } from "../../http2/src/frame/frame-type.js";
import {
  data,
  type FrameShape,
  headers,
  join,
  type ParsedFrame,
  parseFrames,
  settings,
  settingsAck,
  windowUpdate,
} from "../../http2/tests/frames.js";
import type { Random } from "../../http2/tests/random.js";

/** How long a peer may have no window before it is said to be stuck. */
const stuckAfterMs = 3000;
const stuckAfterTurns = 1000;
const plenty = 2 ** 30;

/** A frame that a peer means to send. */
export interface PlannedFrame {
  readonly length: number;
  /** Bytes of padding, without the one that says how much. */
  readonly pad?: number | undefined;
  readonly end?: boolean;
}

/** A body that is being sent. */
interface Upload {
  readonly id: number;
  readonly body: Uint8Array;
  at: number;
  /** The end of the stream behind the body: trailers, or null for DATA. */
  readonly trailers: readonly string[] | null;
  /** The frame that is sent next, as soon as the windows allow it. */
  next: PlannedFrame | null;
  /** The first frames; random ones follow. */
  readonly planned: PlannedFrame[];
}

/**
 * The other end of a connection, by hand: it cuts bodies into DATA frames of random sizes with random padding. It keeps to its
 * windows; a frame that they don't allow is cut, but its padding is not, nor is it sent without a byte of the body.
 */
export class FramingPeer implements ByteReceiver {
  /** A stream's header list has arrived. */
  onHeaders: ((id: number) => void) | null = null;
  private readonly link: ByteLink;
  private readonly random: Random;
  private readonly windows = new Map<number, number>([[0, 65_535]]);
  private readonly uploads = new Map<number, Upload>();
  private rest: Uint8Array = new Uint8Array(0);
  private heardAt = performance.now();
  private turnsWaited = 0;
  /** Frames without a byte of the body that may still be sent: a connection counts them. */
  private emptyFrames = 200;

  constructor(link: ByteLink, role: "client" | "server", random: Random) {
    this.link = link;
    this.random = random;
    link.start(this);
    if (role === "client") link.write(clientPreface);
    // INITIAL_WINDOW_SIZE, and as much for the connection: what the other end sends is not the matter.
    link.write(join(settings(4, plenty), windowUpdate(0, plenty)));
  }

  /** Sends HEADERS. */
  headers(id: number, fields: readonly string[], shape: FrameShape = {}): void {
    this.link.write(headers(id, fields, shape));
  }

  /** Sends a body in the planned frames, and the rest in random ones, then the end of the stream: DATA, or trailers. */
  send(
    id: number,
    body: Uint8Array,
    trailers: readonly string[] | null = null,
    planned: readonly PlannedFrame[] = [],
  ): void {
    this.uploads.set(id, { id, body, at: 0, trailers, next: null, planned: [...planned] });
    this.heardAt = performance.now();
    this.pump();
  }

  /** Rejects when a body can't be sent any further; settles when all are sent. */
  async allSent(): Promise<void> {
    while (this.uploads.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      // In turns as well: a process that other processes hold up for seconds has had none.
      if (++this.turnsWaited < stuckAfterTurns || performance.now() - this.heardAt < stuckAfterMs) continue;
      const [upload] = this.uploads.values();
      const { id, at, body, next } = upload!;
      throw new Error(
        `stream ${id}: ${at} of ${body.length} bytes are sent, the window is ${this.window(id)}, of the connection ${this.window(0)}, next ${JSON.stringify(next)}`,
      );
    }
  }

  receive(bytes: Uint8Array): void {
    this.heardAt = performance.now();
    this.turnsWaited = 0;
    let pending = join(this.rest, bytes);
    // "PR": the client's preface, which comes in one piece.
    if (pending[0] === clientPreface[0] && pending[1] === clientPreface[1])
      pending = pending.subarray(clientPreface.length);
    for (const frame of parseFrames(pending, true)) {
      pending = pending.subarray(9 + frame.payload.length);
      this.frame(frame);
    }
    this.rest = pending;
    this.pump();
  }

  drained(): void {}

  closed(): void {}

  private frame({ type, flags, id, payload }: ParsedFrame): void {
    if (type === FrameType.SETTINGS && (flags & 1) === 0) this.link.write(settingsAck);
    else if (type === FrameType.HEADERS) this.onHeaders?.(id);
    else if (type === FrameType.RST_STREAM) this.uploads.delete(id);
    else if (type === FrameType.WINDOW_UPDATE) this.windows.set(id, this.window(id) + readUint32(payload, 0));
  }

  private window(id: number): number {
    return this.windows.get(id) ?? 65_535;
  }

  /** Sends one frame of each body in turn, as long as one can be sent. */
  private pump(): void {
    for (let progress = true; progress; ) {
      progress = false;
      for (const upload of [...this.uploads.values()]) progress = this.sendFrame(upload) || progress;
    }
  }

  private sendFrame(upload: Upload): boolean {
    const { id, body, trailers } = upload;
    upload.next ??= upload.planned.shift() ?? this.plan(upload);
    const { length, pad, end = false } = upload.next;
    const padding = pad === undefined ? 0 : pad + 1;
    const window = Math.min(this.window(id), this.window(0));
    const n = Math.min(length, window - padding);
    // nghttp2 sends nothing while the window is closed, no empty frame either.
    if (n < Math.min(1, length) || window < 1) return false;
    const whole = n === length;
    for (const key of [0, id]) this.windows.set(key, this.window(key) - n - padding);
    const shape = { end: end && whole, ...(pad === undefined ? {} : { pad }) };
    this.link.write(data(id, body.subarray(upload.at, upload.at + n), shape));
    upload.at += n;
    upload.next = null;
    const last = trailers === null ? end && whole : upload.planned.length === 0;
    if (upload.at < body.length || !last) return true;
    if (trailers !== null) this.link.write(headers(id, trailers, { end: true }));
    this.uploads.delete(id);
    return true;
  }

  private plan({ body, at, trailers }: Upload): PlannedFrame {
    const { random } = this;
    const rest = body.length - at;
    const most = rest < 3000 ? random.pick([1, 5, 300, 3000]) : random.pick([3000, 16_000, 16_384, 65_000]);
    const empty = rest > 0 && this.emptyFrames > 0 && random.oneIn(20);
    if (empty) this.emptyFrames--;
    const length = empty ? 0 : Math.min(rest, random.oneIn(3) ? random.int(1, most) : most);
    const pad = random.oneIn(3) ? undefined : random.pick([0, 1, 255, random.int(0, 255)]);
    const end = trailers === null && length === rest && (rest === 0 || random.oneIn(2));
    return { length, pad, end };
  }
}
