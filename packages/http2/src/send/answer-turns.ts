// SPDX-License-Identifier: Apache-2.0
import type { ByteLink } from "../connection/byte-link.js";
import type { Stream } from "../streams/stream.js";

/** The connection, as {@link AnswerTurns} needs it. */
export interface AnswerTurnsHost {
  readonly link: ByteLink;
  /** All bytes that were ever written into the output, or queued to be sent. */
  readonly bytesMade: number;
  /** Answers wait for a later turn. The connection reads nothing more until {@link AnswerTurnsHost.answersGiven}. */
  answersWait(): void;
  /** No answer waits any more. */
  answersGiven(): void;
}

/**
 * Shares the event-loop turns among a server's answers. One turn makes so many bytes of a connection's answers, or one larger answer.
 * Without this, 128 small requests made 128 answers of 1 MiB in one turn, and all other connections waited for 300 ms.
 *
 * Only the first message of an answer asks for its turn. Later messages wait for room. The budget is for the time since the last turn
 * that this connection knows of, as in `InputTurns`.
 */
export class AnswerTurns {
  private readonly host: AnswerTurnsHost;
  private readonly maxBytes: number;
  /** The bytes that had been made when the turn began. */
  private madeBefore = 0;
  /** The link says when the turn is over. */
  private marked = false;
  /** The turn has come for a stream, whose answer does not wait again. */
  private giving = false;
  private streams: Stream[] = [];

  constructor(host: AnswerTurnsHost, maxBytes: number) {
    this.host = host;
    this.maxBytes = maxBytes;
  }

  /** True if answers wait for a later turn. */
  get waiting(): boolean {
    return this.streams.length > 0;
  }

  /** True if the answer of a stream has to wait. The stream's sink then hears `answerTurn`. */
  postpone(stream: Stream): boolean {
    if (this.giving) return false;
    if (this.streams.length === 0) {
      const { bytesMade } = this.host;
      // A message that was compressed since the turn began has become smaller: that does not pay for other answers.
      if (bytesMade < this.madeBefore) this.madeBefore = bytesMade;
      const made = bytesMade - this.madeBefore;
      if (made < this.maxBytes) {
        if (made * 2 >= this.maxBytes) this.mark();
        return false;
      }
      this.host.answersWait();
      this.host.link.nextTurn(this.turn);
    }
    this.streams.push(stream);
    return true;
  }

  private readonly turn = (): void => {
    const { host, streams } = this;
    this.madeBefore = host.bytesMade;
    const most = streams.length;
    let given = 0;
    this.giving = true;
    while (given < most && host.bytesMade - this.madeBefore < this.maxBytes) {
      const stream = streams[given++]!;
      if (!stream.closed) stream.sink.answerTurn?.();
    }
    this.giving = false;
    this.streams = streams.slice(given);
    if (this.streams.length > 0) {
      host.link.nextTurn(this.turn);
      return;
    }
    this.mark();
    host.answersGiven();
  };

  /** Learns of the next turn, whenever that comes: the event loop may sleep before it. */
  private mark(): void {
    if (this.marked) return;
    this.marked = true;
    this.host.link.nextTurn(this.turnMarked, true);
  }

  private readonly turnMarked = (): void => {
    this.marked = false;
    this.madeBefore = this.host.bytesMade;
  };
}
