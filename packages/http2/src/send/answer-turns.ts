// SPDX-License-Identifier: Apache-2.0
import type { ByteLink } from "../connection/byte-link.js";
import type { InputTurns } from "../receive/input-turns.js";
import type { Stream } from "../streams/stream.js";
import type { SendBudget } from "./send-budget.js";

/** A stream whose next message waits for its turn. */
interface Waiting {
  readonly stream: Stream;
  /** It is the stream's first message. */
  readonly first: boolean;
}

/**
 * Shares the event-loop turns among a server's answers. One turn makes so many bytes of a connection's answers, or one larger message.
 * Without this, 128 small requests made 128 answers of 1 MiB in one turn, and all other connections waited for 300 ms.
 *
 * The first message of an answer asks for its turn, and the connection reads no further requests while first messages wait. Later large
 * messages ask, too: one WINDOW_UPDATE may make room for a message of each stream. Reading goes on meanwhile, since these messages wait
 * for the peer's windows as well. The budget is for the time since the last turn that this connection knows of, as in `InputTurns`.
 */
export class AnswerTurns {
  private readonly link: ByteLink;
  private readonly budget: SendBudget;
  private readonly input: InputTurns;
  private readonly fail: (error: unknown) => void;
  private readonly maxBytes: number;
  /** The bytes that had been made when the turn began. */
  private madeBefore = 0;
  /** The link says when the turn is over. */
  private marked = false;
  /** The turn has come for this stream, whose message does not wait again. */
  private giving: Stream | null = null;
  private queue: Waiting[] = [];
  /** First messages in the queue. */
  private firsts = 0;

  /** `input` is not read while first messages wait. `fail` takes what a sink throws at its turn. */
  constructor(
    link: ByteLink,
    budget: SendBudget,
    input: InputTurns,
    maxBytes: number,
    fail: (error: unknown) => void,
  ) {
    this.link = link;
    this.budget = budget;
    this.input = input;
    this.fail = fail;
    this.maxBytes = maxBytes;
  }

  private get waiting(): boolean {
    return this.firsts > 0;
  }

  /** True if a stream's message has to wait: its `first` one, or a later one. The stream's sink then hears `answerTurn`. */
  postpone(stream: Stream, first: boolean): boolean {
    if (this.giving === stream) {
      this.giving = null;
      return false;
    }
    if (this.queue.length === 0) {
      const { bytesMade } = this.budget;
      // A message that was compressed since the turn began has become smaller: that does not pay for other answers.
      if (bytesMade < this.madeBefore) this.madeBefore = bytesMade;
      const made = bytesMade - this.madeBefore;
      if (made < this.maxBytes) {
        if (made * 2 >= this.maxBytes) this.mark();
        return false;
      }
      this.link.nextTurn(this.turn);
    }
    this.queue.push({ stream, first });
    if (first && this.firsts++ === 0) this.input.waitForAnswers();
    return true;
  }

  private readonly turn = (): void => {
    const waited = this.waiting;
    try {
      this.give();
    } catch (error) {
      this.fail(error);
    }
    this.giving = null;
    if (this.queue.length > 0) this.link.nextTurn(this.turn);
    else this.mark();
    if (waited && !this.waiting) this.input.answersGiven();
  };

  private give(): void {
    const { budget } = this;
    this.madeBefore = budget.bytesMade;
    const most = this.queue.length;
    let given = 0;
    try {
      while (given < most && budget.bytesMade - this.madeBefore < this.maxBytes) {
        const { stream, first } = this.queue[given++]!;
        if (first) this.firsts--;
        if (stream.closed) continue;
        this.giving = stream;
        stream.sink.answerTurn?.();
      }
    } finally {
      this.queue = this.queue.slice(given);
    }
  }

  /** Learns of the next turn, whenever that comes: the event loop may sleep before it. */
  private mark(): void {
    if (this.marked) return;
    this.marked = true;
    this.link.nextTurn(this.turnMarked, true);
  }

  private readonly turnMarked = (): void => {
    this.marked = false;
    this.madeBefore = this.budget.bytesMade;
  };
}
