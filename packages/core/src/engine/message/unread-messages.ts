// SPDX-License-Identifier: Apache-2.0
import { compressedFlag, prefixLength, readLength, writePrefix } from "../../protocol/envelope.js";
import { uncountedBytes } from "./held-bytes.js";
import type { MessageCodec } from "./message-codec.js";

/** The watcher of reads that wait for a decompression. */
export interface ReadWatcher {
  /** No read waits any more. */
  readsSettled(): void;
}

/** A buffer of whole messages: with their prefixes, or one message without a prefix. */
interface Segment {
  readonly b: Uint8Array;
  /** The first message that was not taken. */
  at: number;
  /** The bytes that are used. */
  end: number;
  /** The flag of the one message; -1: messages with their prefixes. */
  readonly flag: number;
  /** The credit for the one message. */
  readonly owed: number;
  next: Segment | null;
}

const noBytes = new Uint8Array(0);
/**
 * The segment that was emptied last, of any stream. A reader that keeps up takes it again and again: a new buffer would take half a
 * microsecond.
 */
let spare: Segment | null = null;

/** The flag of a segment of messages with their prefixes. */
const prefixed = -1;
/** From this length on, a message that has a buffer of its own keeps it. A smaller one is copied: a buffer takes 200 bytes. */
const keepsBuffer = 1024;
const smallestRoom = 256;
const largestRoom = 16_384;
const largestSpare = 65_536;
/**
 * The most bytes of small messages that are parsed together, with their prefixes. The objects of so many bytes take less than the first
 * window. Parsing each message at its own read takes a tenth of an echo's CPU time more.
 */
const parsedTogether = 512;

/**
 * Messages that wait to be read, in order, as the bytes that arrived. They own their bytes and share a few buffers, whose room is at
 * most twice the bytes that wait, so a message of two bytes takes its envelope of seven.
 */
export class UnreadMessages {
  /** How many messages wait. */
  length = 0;
  /** A message is being decompressed; it still counts as the first one. */
  decompressing = false;
  /** Called once, when no read waits for a decompression any more. */
  watcher: ReadWatcher | null = null;
  /** The stream has ended behind them, and waits for its one message. */
  endPending = false;
  /** Bytes of messages that were taken, and for which the peer gets credit with later ones. */
  uncredited = 0;
  /** How often all messages were dropped. */
  dropped = 0;

  // The first message, from `look` on.
  b: Uint8Array = noBytes;
  start = 0;
  end = 0;
  /** True if the message has the flag of a compressed one. */
  compressed = false;
  /** Bytes of credit that the peer gets when it is taken. */
  owed = 0;
  /** True if no other message shares the buffer. */
  owned = false;

  // The messages that were parsed ahead of their reads, from `parsedAt` on. They still count, and so do their bytes of credit.
  private readonly parsed: unknown[] = [];
  private parsedAt = 0;
  private parsedEnd = 0;
  private parsedOwed = 0;

  private head: Segment | null = null;
  private tail: Segment | null = null;
  private bytes = 0;

  /** Keeps a copy of `count` whole messages with their prefixes. */
  append(b: Uint8Array, start: number, end: number, count: number): void {
    const room = this.room(end - start);
    copy(b, start, end, room.b, room.end);
    room.end += end - start;
    this.length += count;
  }

  /** Keeps one message without its prefix: a copy, or `b` itself if that is `owned`. `alone`: in a buffer of its own. */
  add(
    compressed: boolean,
    b: Uint8Array,
    start: number,
    end: number,
    owed: number,
    owned: boolean,
    alone: boolean,
  ): void {
    const flag = compressed ? compressedFlag : 0;
    const length = end - start;
    this.length++;
    if (alone || (owned && length >= keepsBuffer)) {
      // Not `slice`, which is a view if the chunk is a `Buffer`.
      const own = owned ? b : new Uint8Array(b.subarray(start, end));
      this.push({ b: own, at: owned ? start : 0, end: owned ? end : length, flag, owed, next: null });
      this.bytes += length;
      return;
    }
    const room = this.room(prefixLength + length);
    writePrefix(room.b, room.end, flag, length);
    copy(b, start, end, room.b, room.end + prefixLength);
    room.end += prefixLength + length;
  }

  /** Says where the first message lies; false if none waits. */
  look(): boolean {
    const { head } = this;
    if (head === null) return false;
    this.b = head.b;
    this.owned = head.flag !== prefixed;
    if (this.owned) {
      this.start = head.at;
      this.end = head.end;
      this.compressed = head.flag === compressedFlag;
      this.owed = head.owed;
    } else {
      const length = readLength(head.b, head.at);
      this.start = head.at + prefixLength;
      this.end = this.start + length;
      this.compressed = head.b[head.at] === compressedFlag;
      this.owed = prefixLength + length;
    }
    return true;
  }

  /** True if the message that {@link UnreadMessages.look} found has to be decompressed; an empty one hasn't, whatever its flag. */
  get decompresses(): boolean {
    return this.compressed && this.end > this.start;
  }

  /** Takes the message that {@link UnreadMessages.look} found. */
  shift(): void {
    const head = this.head!;
    this.length--;
    this.bytes -= this.end - head.at;
    head.at = this.end;
    if (head.at === head.end) this.emptied(head);
  }

  /** All messages of the first segment were taken. */
  private emptied(head: Segment): void {
    this.head = head.next;
    if (this.head === null) this.tail = null;
    if (head.flag === prefixed && head.b.length <= largestSpare) spare = head;
    // A message that was taken must not keep its buffer alive.
    this.b = noBytes;
  }

  /** True if the first message is parsed: take it by {@link UnreadMessages.takeParsed}. */
  get isParsed(): boolean {
    return this.parsedAt < this.parsedEnd;
  }

  /** Takes the first message, which is parsed. */
  takeParsed(): unknown {
    const { parsed } = this;
    const at = this.parsedAt++;
    const message = parsed[at];
    // A message that was taken must not stay alive here.
    parsed[at] = undefined;
    this.length--;
    if (this.parsedAt === this.parsedEnd) this.uncredited += this.dropParsed();
    return message;
  }

  /**
   * Parses the first messages, if they are small and not compressed. A message that can't be parsed stays as it is: its own read finds
   * the error.
   */
  parseAhead(codec: Pick<MessageCodec<never, unknown>, "parse">): void {
    const { head, parsed } = this;
    if (head === null || head.flag !== prefixed) return;
    const { b, at: start } = head;
    const limit = Math.min(head.end, start + parsedTogether);
    let at = start;
    let count = 0;
    try {
      while (limit - at >= prefixLength && b[at] === 0) {
        const length = readLength(b, at);
        const end = at + prefixLength + length;
        if (end > limit || length > uncountedBytes) break;
        parsed[count] = codec.parse(b, at + prefixLength, end, false);
        count++;
        at = end;
      }
    } catch {
      // Parsed once more at its own read.
    }
    if (count === 0) return;
    this.parsedEnd = count;
    this.parsedOwed = at - start;
    this.bytes -= at - start;
    head.at = at;
    if (at === head.end) this.emptied(head);
  }

  /** Forgets the parsed messages. Returns their bytes of credit. */
  private dropParsed(): number {
    const owed = this.parsedOwed;
    this.parsedOwed = 0;
    this.parsedAt = 0;
    this.parsedEnd = 0;
    return owed;
  }

  /** Drops all messages. Returns the bytes of credit that the peer gets for them. */
  clear(): number {
    let owed = this.uncredited + this.dropParsed();
    this.parsed.length = 0;
    this.uncredited = 0;
    for (let segment = this.head; segment !== null; segment = segment.next) {
      owed += segment.flag === prefixed ? segment.end - segment.at : segment.owed;
    }
    this.head = null;
    this.tail = null;
    this.b = noBytes;
    this.length = 0;
    this.bytes = 0;
    this.endPending = false;
    this.dropped++;
    return owed;
  }

  /** A segment with room for `n` more bytes. */
  private room(n: number): Segment {
    const { tail, bytes } = this;
    this.bytes = bytes + n;
    if (tail !== null && tail.flag === prefixed && tail.b.length - tail.end >= n) return tail;
    const size = Math.max(n, Math.min(largestRoom, Math.max(smallestRoom, bytes)));
    const used = spare;
    if (used !== null && used.b.length >= n && used.b.length <= size * 4) {
      spare = null;
      used.at = 0;
      used.end = 0;
      used.next = null;
      return this.push(used);
    }
    return this.push({ b: new Uint8Array(size), at: 0, end: 0, flag: prefixed, owed: 0, next: null });
  }

  private push(segment: Segment): Segment {
    if (this.tail === null) this.head = segment;
    else this.tail.next = segment;
    this.tail = segment;
    return segment;
  }
}

/** Up to this length, a loop beats the runtime's copy. */
const copiedInLoop = 24;

function copy(b: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > copiedInLoop) to.set(b.subarray(start, end), at);
  else for (let i = start; i < end; i++) to[at++] = b[i]!;
}
