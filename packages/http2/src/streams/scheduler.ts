// SPDX-License-Identifier: Apache-2.0
import type { ByteLink } from "../connection/byte-link.js";
import type { PeerSettings } from "../connection/settings.js";
import type { SendWindow } from "../flow/send-window.js";
import type { Output } from "../send/output.js";
import type { SendBudget } from "../send/send-budget.js";
import { Room, type SendSide } from "./send-side.js";

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
  private first: SendSide | null = null;
  private last: SendSide | null = null;
  private waking: SendSide[] = [];
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
  wakeNextTurn(side: SendSide): void {
    if (side.room === Room.WAKING) return;
    side.room = Room.WAKING;
    this.waking.push(side);
    if (this.turning) return;
    this.turning = true;
    this.link.nextTurn(this.turn);
  }

  /** The turn's output was flushed. */
  endOfTurn(): void {
    if (!this.turning) this.output.turnBytes = 0;
  }

  /** Sends what one stream has queued, as far as windows and link allow; the rest waits in the list. */
  pump(side: SendSide): void {
    if (side.queue === null || this.has(side)) return;
    if (this.first !== null && side.queue.length > 0) this.append(side);
    else if (!this.move(side, Number.MAX_SAFE_INTEGER) && side.window > 0) this.append(side);
    this.feed(side);
  }

  /** Sends what all waiting streams have queued, in turns. Call it when the connection's window or the link has room. */
  pumpAll(): void {
    for (let side = this.first; side !== null; side = this.first) {
      if (this.output.congested) return;
      const alone = this.last === side;
      const before = side.queuedBytes;
      const done = this.move(side, alone ? Number.MAX_SAFE_INTEGER : quantum);
      const blocked = !done && (this.sendWindow.left <= 0 || this.output.congested);
      if (blocked && side.window > 0) {
        // The stream that used the last window or room queues up again, or it would get every small window.
        if (!alone && side.queuedBytes < before) {
          this.remove(side);
          this.append(side);
        }
        this.feed(side);
        return;
      }
      this.remove(side);
      if (!done && side.window > 0) this.append(side);
      this.feed(side);
    }
  }

  /** The stream is gone. */
  remove(side: SendSide): void {
    if (!this.has(side)) return;
    if (side.previous === null) this.first = side.next;
    else side.previous.next = side.next;
    if (side.next === null) this.last = side.previous;
    else side.next.previous = side.previous;
    side.next = null;
    side.previous = null;
  }

  private has(side: SendSide): boolean {
    return side.previous !== null || this.first === side;
  }

  private readonly turn = (): void => {
    this.turning = false;
    this.output.turnBytes = 0;
    const waking = this.waking;
    this.waking = [];
    for (const side of waking) this.wake(side);
  };

  private feed(side: SendSide): void {
    if (side.room === Room.FULL && side.belowLowMark) this.wakeNextTurn(side);
  }

  private wake(side: SendSide): void {
    side.room = Room.FULL;
    if (side.stream.closed || !side.belowLowMark) return;
    side.room = Room.FREE;
    side.stream.sink.writable();
  }

  private append(side: SendSide): void {
    if (this.has(side) || side.stream.closed) return;
    side.previous = this.last;
    if (this.last === null) this.first = side;
    else this.last.next = side;
    this.last = side;
  }

  /** Moves up to `share` bytes; true when nothing is left (the queued end included). */
  private move(side: SendSide, share: number): boolean {
    const { output, budget, sendWindow } = this;
    const { maxFrameSize } = this.peerSettings;
    let left = share;
    let ended = false;
    for (let queue = side.queue; queue !== null && queue.length > 0; queue = side.queue) {
      if (left <= 0 || output.congested) return false;
      let n = Math.min(queue.length, side.window, sendWindow.left, maxFrameSize, left);
      if (n <= 0) return false;
      const free = output.free - 9;
      if (n > free) {
        if (free < smallestPiece) {
          output.flush();
          continue;
        }
        n = free;
      }
      if (n < queue.length && (n === side.window || n === sendWindow.left)) output.cutFrames++;
      const at = output.reserveData(side.stream.id, n, maxFrameSize);
      queue.take(n, output.buffer, at);
      side.window -= n;
      sendWindow.left -= n;
      budget.queuedBytes -= n;
      left -= n;
      ended = queue.length === 0 && side.endsWithQueue;
      output.commitData(side.stream.id, n, ended);
    }
    // RFC 9113 §6.9: an empty DATA frame needs no window.
    if (!ended && side.endsWithQueue) output.endData(side.stream.id);
    side.queueEmptied();
    return true;
  }
}
