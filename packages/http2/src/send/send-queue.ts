// SPDX-License-Identifier: Apache-2.0
import type { OutgoingHeaders } from "../hpack/header-block.js";

const smallest = 4096;
const block = 32_768;
const copiedUpTo = 8192;

/**
 * Bytes of one stream that wait for a window or for the link. Small pieces are copied together into shared blocks (a
 * backlog of a thousand small messages is a few blocks, and leaves in few frames); large ones are kept by reference.
 */
export class SendQueue {
  /** Bytes that wait. */
  length = 0;
  /** Bytes that have left. */
  taken = 0;
  /** The trailers that follow the bytes; null if END_STREAM follows, or no end. */
  trailers: OutgoingHeaders | null = null;
  private progress = -1;
  private progressAt = 0;
  private chunks: Uint8Array[] = [];
  private head = 0;
  private offset = 0;
  private tail: Uint8Array | null = null;
  private tailStart = 0;
  private tailEnd = 0;

  /** Appends. A piece above 8 KiB is referred to until it has left: don't change it. */
  push(bytes: Uint8Array): void {
    const n = bytes.length;
    this.length += n;
    if (n > copiedUpTo) {
      this.seal();
      this.chunks.push(bytes);
      return;
    }
    if (this.tail === null || this.tailEnd + n > this.tail.length) {
      this.seal();
      this.tail = new Uint8Array(this.tail === null && n <= 1024 ? smallest : block);
      this.tailStart = 0;
      this.tailEnd = 0;
    }
    this.tail.set(bytes, this.tailEnd);
    this.tailEnd += n;
  }

  /** Moves `n` bytes, at most {@link SendQueue.length}, into `out` at `at`. */
  take(n: number, out: Uint8Array, at: number): void {
    this.length -= n;
    this.taken += n;
    let to = at;
    let left = n;
    while (left > 0) {
      if (this.head === this.chunks.length) this.seal();
      const chunk = this.chunks[this.head]!;
      const k = Math.min(left, chunk.length - this.offset);
      out.set(k === chunk.length ? chunk : chunk.subarray(this.offset, this.offset + k), to);
      to += k;
      left -= k;
      this.offset += k;
      if (this.offset === chunk.length) this.dropHead();
    }
    if (this.length === 0) this.clear();
  }

  /**
   * Copies the rest of a large piece that has mostly left, and drops the piece: a few bytes that wait would hold all of it. Copies
   * at most as much as has left, so a peer that takes a byte a second does not make this side copy more than once over.
   */
  compact(): void {
    const chunk = this.chunks[this.head];
    if (chunk === undefined || chunk.length <= block || this.offset * 2 < chunk.length) return;
    this.chunks[this.head] = chunk.slice(this.offset);
    this.offset = 0;
  }

  /** Milliseconds since `progress`, which is compared at each call, has changed. */
  stalledFor(now: number, progress: number): number {
    if (progress !== this.progress) {
      this.progress = progress;
      this.progressAt = now;
    }
    return now - this.progressAt;
  }

  /** Forgets everything. */
  clear(): void {
    this.length = 0;
    this.chunks = [];
    this.head = 0;
    this.offset = 0;
    this.tail = null;
    this.tailStart = 0;
    this.tailEnd = 0;
  }

  private dropHead(): void {
    this.offset = 0;
    this.head++;
    if (this.head >= 64) {
      this.chunks.splice(0, this.head);
      this.head = 0;
    }
  }

  private seal(): void {
    if (this.tail !== null && this.tailEnd > this.tailStart) {
      this.chunks.push(this.tail.subarray(this.tailStart, this.tailEnd));
      this.tailStart = this.tailEnd;
    }
  }
}
