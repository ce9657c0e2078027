// SPDX-License-Identifier: Apache-2.0
import type { ByteLink } from "../connection/byte-link.js";
import type { PeerSettings } from "../connection/settings.js";
import type { SendWindow } from "../flow/send-window.js";
import type { Output } from "../send/output.js";
import type { SendBudget } from "../send/send-budget.js";
import { Room } from "./sending-half.js";
import type { Stream } from "./stream.js";

/** One stream's share before the next one is served, when several wait. */
const quantum = 16_384;
/** Bytes that one turn may send before the senders rest, so that those who receive get a go. Fairer, and faster. */
const turnBudget = 65_536;
/** A place in the buffer smaller than this is not worth a DATA frame. */
const smallestPiece = 4096;

/**
 * Decides which stream's queued bytes leave next: round robin among the streams that have bytes and window, one
 * quantum each. Streams that wait for their own window are in no list; WINDOW_UPDATE brings them back.
 */
export class Scheduler {
  private readonly link: ByteLink;
  private readonly output: Output;
  private readonly budget: SendBudget;
  private readonly sendWindow: SendWindow;
  private readonly peerSettings: PeerSettings;
  private first: Stream | null = null;
  private last: Stream | null = null;
  private waking: Stream[] = [];
  private turning = false;

  constructor(
    link: ByteLink,
    output: Output,
    budget: SendBudget,
    sendWindow: SendWindow,
    peerSettings: PeerSettings,
  ) {
    this.link = link;
    this.output = output;
    this.budget = budget;
    this.sendWindow = sendWindow;
    this.peerSettings = peerSettings;
  }

  /** True if this turn has sent its share. */
  get turnSpent(): boolean {
    return this.output.turnBytes >= turnBudget;
  }

  /** Calls the sink's `writable` next turn. */
  wakeNextTurn(stream: Stream): void {
    if (stream.room === Room.WAKING) return;
    stream.room = Room.WAKING;
    this.waking.push(stream);
    if (this.turning) return;
    this.turning = true;
    this.link.nextTurn(this.turn);
  }

  /** The turn's output was flushed. */
  endOfTurn(): void {
    if (!this.turning) this.output.turnBytes = 0;
  }

  /** Sends what one stream has queued, as far as windows and link allow; the rest waits in the list. */
  pump(stream: Stream): void {
    if (stream.queue === null || this.has(stream)) return;
    if (this.first !== null && stream.queue.length > 0) this.append(stream);
    else if (!this.move(stream, Number.MAX_SAFE_INTEGER) && stream.sendWindow > 0) this.append(stream);
    this.feed(stream);
  }

  /** Sends what all waiting streams have queued, in turns. Call it when the connection's window or the link has room. */
  pumpAll(): void {
    for (let stream = this.first; stream !== null; stream = this.first) {
      if (this.output.congested) return;
      const alone = this.last === stream;
      const before = stream.queuedBytes;
      const done = this.move(stream, alone ? Number.MAX_SAFE_INTEGER : quantum);
      const blocked = !done && (this.sendWindow.left <= 0 || this.output.congested);
      if (blocked && stream.sendWindow > 0) {
        // The stream that used the last window or room queues up again, or it would get every small window.
        if (!alone && stream.queuedBytes < before) {
          this.remove(stream);
          this.append(stream);
        }
        this.feed(stream);
        return;
      }
      this.remove(stream);
      if (!done && stream.sendWindow > 0) this.append(stream);
      this.feed(stream);
    }
  }

  /** The stream is gone. */
  remove(stream: Stream): void {
    if (!this.has(stream)) return;
    if (stream.previous === null) this.first = stream.next;
    else stream.previous.next = stream.next;
    if (stream.next === null) this.last = stream.previous;
    else stream.next.previous = stream.previous;
    stream.next = null;
    stream.previous = null;
  }

  private has(stream: Stream): boolean {
    return stream.previous !== null || this.first === stream;
  }

  private readonly turn = (): void => {
    this.turning = false;
    this.output.turnBytes = 0;
    const waking = this.waking;
    this.waking = [];
    for (const stream of waking) this.wake(stream);
  };

  private feed(stream: Stream): void {
    if (stream.room === Room.FULL && stream.belowLowMark) this.wakeNextTurn(stream);
  }

  private wake(stream: Stream): void {
    stream.room = Room.FULL;
    if (stream.closed || !stream.belowLowMark) return;
    stream.room = Room.FREE;
    stream.sink.writable();
  }

  private append(stream: Stream): void {
    if (this.has(stream) || stream.closed) return;
    stream.previous = this.last;
    if (this.last === null) this.first = stream;
    else this.last.next = stream;
    this.last = stream;
  }

  /** Moves up to `share` bytes; true when nothing is left (the queued end included). */
  private move(stream: Stream, share: number): boolean {
    const { output, budget, sendWindow } = this;
    const { maxFrameSize } = this.peerSettings;
    let left = share;
    let ended = false;
    for (let queue = stream.queue; queue !== null && queue.length > 0; queue = stream.queue) {
      if (left <= 0 || output.congested) return false;
      let n = Math.min(queue.length, stream.sendWindow, sendWindow.left, maxFrameSize, left);
      if (n <= 0) return false;
      const free = output.free - 9;
      if (n > free) {
        if (free < smallestPiece) {
          output.flush();
          continue;
        }
        n = free;
      }
      if (n < queue.length && (n === stream.sendWindow || n === sendWindow.left)) output.cutFrames++;
      const at = output.reserveData(stream.id, n, maxFrameSize);
      queue.take(n, output.buffer, at);
      stream.sendWindow -= n;
      sendWindow.left -= n;
      budget.queuedBytes -= n;
      left -= n;
      ended = queue.length === 0 && stream.endsWithQueue;
      output.commitData(stream.id, at, n, ended);
    }
    // RFC 9113 §6.9: an empty DATA frame needs no window.
    if (!ended && stream.endsWithQueue) output.endData(stream.id);
    stream.queueEmptied();
    return true;
  }
}
