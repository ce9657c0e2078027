// SPDX-License-Identifier: Apache-2.0
import type { ByteLink } from "../connection/byte-link.js";
import type { ResolvedHttp2Options } from "../connection/options.js";
import type { FrameReader } from "../frame/frame-reader.js";
import type { Output } from "../send/output.js";

/** A chunk above the rest of its turn's budget is read all the same up to this size: cutting it would cut frames. */
const chunkAtMost = 65_536;

/** A chunk of input that waits to be read, from `at` on. */
interface KeptChunk {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly number: number;
}

/**
 * Reads the input in portions: so many bytes and new streams a turn of the event loop. The rest is kept, in order, for the
 * following turns, and the link is paused meanwhile. Otherwise one peer's 2 MiB would delay the calls of all others.
 *
 * The budget is for the time since the last turn that this connection knows of. The turn is marked when half of it is spent, so
 * a connection with little input marks none, and a busy one is paused only when its input really fills a turn. A mark doesn't keep the event
 * loop from sleeping: immediates that do cost 7 % of pipelined small messages, since each turn then reads less.
 */
export class InputTurns {
  /** Bytes that have arrived. */
  received = 0;
  /** Chunks that have arrived. */
  arrived = 0;
  /** The number of the chunk that is being read, or was read last. */
  reading = 0;
  /** Nothing is read before the next turn. */
  paused = false;
  /** Reads the chunks. The connection sets the reader when it is made, since what the frames mean depends on these turns. */
  reader!: FrameReader;
  private readonly link: ByteLink;
  private readonly output: Output;
  private readonly fail: (error: unknown) => void;
  private readonly maxBytes: number;
  private readonly maxStreams: number;
  private bytesLeft: number;
  private streamsLeft: number;
  /** Bytes of messages that the turn may parse: a message that had arrived before the turn takes time in this one. */
  private parsedLeft: number;
  /** The link says when the turn is over. */
  private marked = false;
  /** The link has been asked for a turn. */
  private waiting = false;
  /** Answers wait for later turns: nothing is read before they are given. */
  private answersWait = false;
  private stopped = false;
  private kept: KeptChunk[] = [];

  /** `fail` takes the errors of input that is read in a later turn. */
  constructor(link: ByteLink, output: Output, options: ResolvedHttp2Options, fail: (error: unknown) => void) {
    this.link = link;
    this.output = output;
    this.fail = fail;
    this.maxBytes = options.maxBytesPerTurn;
    this.maxStreams = options.maxStreamsPerTurn;
    this.bytesLeft = this.maxBytes;
    this.streamsLeft = this.maxStreams;
    this.parsedLeft = this.maxBytes;
  }

  /** A chunk arrived: reads as much of it as the turn has room for. */
  receive(bytes: Uint8Array): void {
    this.received += bytes.length;
    this.arrived++;
    if (this.paused || this.kept.length > 0) {
      this.kept.push({ bytes, at: 0, number: this.arrived });
      this.link.pause();
      return;
    }
    this.reading = this.arrived;
    this.read(bytes, 0);
    this.spent();
  }

  /** The peer opened a stream. */
  streamOpened(): void {
    if (--this.streamsLeft <= 0) this.reader.yield();
  }

  /** A message of so many bytes is parsed, most of which may have arrived in earlier turns. */
  parsed(bytes: number): void {
    this.parsedLeft -= bytes;
    if (this.parsedLeft <= 0) this.reader.yield();
  }

  /** Reads what was kept, as much as the turn has room for. */
  private readKept(): void {
    while (!this.paused) {
      const chunk = this.kept.shift();
      if (chunk === undefined) break;
      this.reading = chunk.number;
      this.read(chunk.bytes, chunk.at);
      this.spent();
    }
    if (!this.paused && !this.stopped && !this.outputWaits) this.link.resume();
  }

  /** No turn follows: reads all that was kept. */
  readAll(): void {
    this.bytesLeft = Number.POSITIVE_INFINITY;
    this.streamsLeft = Number.POSITIVE_INFINITY;
    this.parsedLeft = Number.POSITIVE_INFINITY;
    for (let chunk = this.kept.shift(); chunk !== undefined; chunk = this.kept.shift()) {
      this.reading = chunk.number;
      this.read(chunk.bytes, chunk.at);
    }
  }

  /** Answers wait for later turns: nothing more is read until {@link InputTurns.answersGiven}. */
  waitForAnswers(): void {
    this.answersWait = true;
    if (this.stopped) return;
    this.reader.yield();
    this.paused = true;
    this.link.pause();
  }

  /** All answers had their turns: the input that waited for that is read. */
  answersGiven(): void {
    this.answersWait = false;
    this.goOn();
  }

  /** The peer has taken output: the input that waited for that is read. */
  goOn(): void {
    if (!this.paused) return;
    this.link.pause();
    this.wait();
  }

  /** The connection reads no more. The link goes on, since one that closes with unread input would lose its last output. */
  stop(): void {
    this.reader.stop();
    this.kept = [];
    this.stopped = true;
    this.paused = false;
    this.link.resume();
  }

  private read(bytes: Uint8Array, at: number): void {
    const end = Math.min(bytes.length, at + Math.max(this.bytesLeft, chunkAtMost));
    const stopped = this.reader.read(bytes, at, end);
    this.bytesLeft -= stopped - at;
    if (stopped < bytes.length && !this.stopped) {
      this.kept.unshift({ bytes, at: stopped, number: this.reading });
      this.pauseUntilNextTurn();
    }
  }

  /** Pauses when the budget is spent, and marks the turn when half of it is. */
  private spent(): void {
    if (this.bytesLeft <= 0 || this.streamsLeft <= 0 || this.parsedLeft <= 0) this.pauseUntilNextTurn();
    else if (this.bytesLeft * 2 <= this.maxBytes || this.streamsLeft * 2 <= this.maxStreams) this.mark();
  }

  private pauseUntilNextTurn(): void {
    if (this.paused || this.stopped) return;
    this.paused = true;
    this.link.pause();
    this.wait();
  }

  /** Learns of the next turn, whenever that comes: the event loop may sleep before it. */
  private mark(): void {
    if (this.marked || this.waiting) return;
    this.marked = true;
    this.link.nextTurn(this.turnMarked, true);
  }

  private readonly turnMarked = (): void => {
    this.marked = false;
    if (!this.waiting) this.refill();
  };

  /** Has the next turn come at once. */
  private wait(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.link.nextTurn(this.turn);
  }

  private readonly turn = (): void => {
    this.waiting = false;
    this.refill();
    if (!this.paused || this.outputWaits) return;
    this.paused = false;
    try {
      this.readKept();
    } catch (error) {
      this.fail(error);
    }
  };

  /** True if nothing may be read until the peer has taken output, or answers have had their turns. */
  private get outputWaits(): boolean {
    return this.output.paused || this.answersWait;
  }

  private refill(): void {
    this.bytesLeft = this.maxBytes;
    this.streamsLeft = this.maxStreams;
    this.parsedLeft = this.maxBytes;
  }
}
