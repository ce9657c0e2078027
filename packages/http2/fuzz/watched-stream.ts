// SPDX-License-Identifier: Apache-2.0
import type { HeaderList } from "../src/hpack/header-list.js";
import type { Stream } from "../src/streams/stream.js";
import type { StreamReset, StreamSink } from "../src/streams/stream-sink.js";
/** The calls of a sink, for a test that acts at that moment. */
export type Moment = "headers" | "data" | "trailers" | "end" | "stopped" | "reset" | "writable" | "turn";

/**
 * An application's end of a stream: holds the sink to its contract. The receiving side ends once, after `reset` there is
 * silence, and after this side has given the stream up, too.
 */
export class WatchedStream implements StreamSink {
  /** Absent while `Connection.open` has not returned. */
  stream: Stream | undefined;
  /** Bytes that arrived and were not given back. */
  held = 0;
  /** Bytes that arrived. */
  received = 0;
  /** The receiving side has ended, well or not. */
  ended = false;
  /** Nothing may be heard any more. */
  silent = false;
  /** Why it is silent by this side's own will. */
  gaveUp = false;
  /** The message that waits for its turn. */
  turn: { readonly n: number; readonly end: boolean } | null = null;
  /** Bytes that are being compressed. */
  compressing = 0;
  /** `stream.release` was called, or need not be. */
  released = true;
  private answered: boolean;
  /** A send has returned false, and `writable` was not heard since. */
  private starved = false;
  private readonly react: (watched: WatchedStream, moment: Moment) => void;
  private readonly connection: { readonly state: { readonly over: boolean } };
  private readonly fault: (what: string) => void;

  /**
   * `answered`: the headers of the message that arrives are here. `react`: what the application does at a moment. `fault`
   * is told what was wrong: nothing is thrown into the connection.
   */
  constructor(
    answered: boolean,
    connection: { readonly state: { readonly over: boolean } },
    react: (watched: WatchedStream, moment: Moment) => void,
    fault: (what: string) => void,
  ) {
    this.answered = answered;
    this.connection = connection;
    this.react = react;
    this.fault = fault;
  }

  /** The result of a send. */
  sent(room: boolean): void {
    if (!room) this.starved = true;
  }

  headers(_list: HeaderList, end: boolean): void {
    this.hear("headers");
    this.must(!this.answered, "headers twice");
    this.answered = true;
    if (end) this.ended = true;
    this.tell("headers");
  }

  data(b: Uint8Array, start: number, end: number): void {
    this.hear("data");
    this.must(this.answered, "data before headers");
    this.must(start >= 0 && start < end && end <= b.length, `data from ${start} to ${end} of ${b.length}`);
    this.held += end - start;
    this.received += end - start;
    this.tell("data");
  }

  trailers(_list: HeaderList): void {
    this.hear("trailers");
    this.must(this.answered, "trailers before headers");
    this.ended = true;
    this.tell("trailers");
  }

  end(): void {
    this.hear("end");
    this.must(this.answered, "an end before headers");
    this.ended = true;
    this.tell("end");
  }

  reset(reset: StreamReset): void {
    this.mayHear(!this.silent, "reset");
    this.must(reset.message !== "", "a reset without a message");
    this.ended = true;
    this.silent = true;
    this.tell("reset");
  }

  stopped(message: string): void {
    this.hear("stopped");
    this.must(message !== "", "a message stopped without a reason");
    this.tell("stopped");
  }

  writable(): void {
    this.mayHear(!this.silent, "writable");
    this.must(this.stream?.closed !== true, "writable on a closed stream");
    this.must(!this.connection.state.over, "writable on a connection that is over");
    this.must(this.starved, "writable, though no send had returned false");
    this.starved = false;
    this.tell("writable");
  }

  answerTurn(): void {
    this.mayHear(!this.silent, "answerTurn");
    this.must(this.stream?.closed !== true, "answerTurn on a closed stream");
    this.must(this.turn !== null, "answerTurn, though no message waits for it");
    this.tell("turn");
  }

  private hear(what: string): void {
    this.mayHear(!this.silent && !this.ended, what);
    // The end of the last stream may be the end of the connection, too, and is reported afterwards.
    const last = what !== "data" && this.stream?.closed === true;
    this.must(last || !this.connection.state.over, `${what} on a connection that is over`);
    this.must(what !== "data" || this.stream?.closed !== true, "data on a closed stream");
  }

  private mayHear(may: boolean, what: string): void {
    this.must(may, `${what} on a stream that ${this.gaveUp ? "was given up" : "has ended"}`);
  }

  private must(holds: boolean, what: string): void {
    if (!holds) this.fault(`stream ${this.stream?.id ?? "being opened"}: ${what}`);
  }

  private tell(moment: Moment): void {
    this.react(this, moment);
    if (this.stream?.closed === true && this.ended) this.silent = true;
  }
}
