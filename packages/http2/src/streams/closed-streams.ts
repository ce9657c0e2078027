// SPDX-License-Identifier: Apache-2.0

/** Why a stream is closed: what its late frames mean depends on it (RFC 9113 §5.1). */
export const ClosedBy = {
  /** The stream was never open: its id was skipped (RFC 9113 §5.1.1). */
  NEVER_OPENED: 0,
  /** Both sides sent END_STREAM. */
  ENDED: 1,
  /** We sent RST_STREAM: frames that were under way are expected and discarded. */
  LOCAL_RESET: 2,
  /** The peer sent RST_STREAM: it must not send more. */
  PEER_RESET: 3,
} as const;

const smallest = 64;
const largest = 1024;
/** Header lists that may be under way on a stream that we reset: the response's and the trailers. */
const listsUnderWay = 2;

/**
 * The streams that closed last, by id, with the cause: a table of up to 1024 that grows with use. The table distinguishes late frames from
 * nonsense without timers. A newer id may displace an older one, which then counts as a stream that we reset, the lenient case.
 *
 * The table also counts, over all streams, the late frames to expect: the peer may have sent them before it knew of the end.
 */
export class ClosedStreams {
  private ids = new Uint32Array(smallest);
  private causes = new Uint8Array(smallest);
  private chunks = new Uint32Array(smallest);
  private bytes = 0;
  private deadlines = new Float64Array(smallest);
  private lists = 0;
  private ends = 0;
  private resets = 0;

  /**
   * Remembers that `id` closed by `cause`, one of {@link ClosedBy}. `answeredAt`: the chunks of input that had arrived when our answer
   * began, 0 if there was none. `dueAt`: when the deadline of its call passes, 0 if it has none.
   */
  add(id: number, cause: number, answeredAt = 0, dueAt = 0): void {
    if (cause !== ClosedBy.PEER_RESET) this.resets++;
    let at = this.slot(id);
    while (this.ids[at] !== 0 && this.ids[at] !== id && this.ids.length < largest) {
      this.grow();
      at = this.slot(id);
    }
    // An old stream that closes late is forgotten rather than a newer one.
    if (this.ids[at]! > id) return;
    this.ids[at] = id;
    this.causes[at] = cause;
    this.chunks[at] = answeredAt;
    this.deadlines[at] = dueAt;
  }

  /** The cause by which `id`, which is not open and not idle, closed. */
  cause(id: number): number {
    const at = this.slot(id);
    const found = this.ids[at]!;
    if (found === id) return this.causes[at]!;
    return found > id ? ClosedBy.LOCAL_RESET : ClosedBy.NEVER_OPENED;
  }

  /** True if our answer began when the chunk of input with this number had arrived, and the peer has not reset the stream. */
  answeredAfter(id: number, chunk: number): boolean {
    const at = this.slot(id);
    if (this.ids[at] !== id || this.chunks[at]! < chunk) return false;
    return this.causes[at] !== ClosedBy.PEER_RESET;
  }

  /** When the deadline of the stream's call passes; 0 for never, or if the stream was displaced. */
  dueAt(id: number): number {
    const at = this.slot(id);
    return this.ids[at] === id ? this.deadlines[at]! : 0;
  }

  /** A stream is closed on this side alone: the peer may have sent so many bytes of DATA, header lists, and an end, that have not arrived. */
  expectFrames(bytes: number): void {
    this.bytes += Math.max(0, bytes);
    this.lists += listsUnderWay;
    this.ends++;
  }

  /** True if closed streams explain DATA of so many bytes. */
  explainsData(bytes: number): boolean {
    if (bytes > this.bytes) return false;
    this.bytes -= bytes;
    return true;
  }

  /** True if closed streams explain an empty DATA frame with END_STREAM: one each. */
  explainsEnd(): boolean {
    if (this.ends === 0) return false;
    this.ends--;
    return true;
  }

  /** True if closed streams explain a header list. */
  explainsHeaders(): boolean {
    if (this.lists === 0) return false;
    this.lists--;
    return true;
  }

  /** True if closed streams explain an RST_STREAM: one each, unless it was the peer's RST_STREAM that closed it. */
  explainsReset(): boolean {
    if (this.resets === 0) return false;
    this.resets--;
    return true;
  }

  private slot(id: number): number {
    return (id >>> 1) & (this.ids.length - 1);
  }

  private grow(): void {
    const { ids, causes, chunks, deadlines } = this;
    this.ids = new Uint32Array(ids.length * 2);
    this.causes = new Uint8Array(ids.length * 2);
    this.chunks = new Uint32Array(ids.length * 2);
    this.deadlines = new Float64Array(ids.length * 2);
    for (let i = 0; i < ids.length; i++) {
      if (ids[i] === 0) continue;
      const at = this.slot(ids[i]!);
      this.ids[at] = ids[i]!;
      this.causes[at] = causes[i]!;
      this.chunks[at] = chunks[i]!;
      this.deadlines[at] = deadlines[i]!;
    }
  }
}
