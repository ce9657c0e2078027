// SPDX-License-Identifier: Apache-2.0
import { afterInput } from "../../runtime/turns.js";

/** Bytes of decompressed messages that one turn of the event loop parses. 256 KiB of the smallest elements take 12 ms. */
const bytesPerTurn = 262_144;

interface WaitingMessage {
  readonly bytes: number;
  readonly begin: () => void;
}

/**
 * Shares the turns of the event loop among the decompressed messages of the process. Four threads decompress at a time, and all four
 * messages may be there in one turn: parsing one behind the other would make other calls wait four times as long.
 */
export class ParseTurns {
  private readonly nextTurn: (callback: () => void) => void;
  private bytesLeft = bytesPerTurn;
  /** Not empty only if `bytesLeft` is spent, and then a turn was asked for. */
  private waiting: WaitingMessage[] = [];

  /** By default, input is read between two turns. A message arrives while input is read, and `nextTurn` runs right behind that. */
  constructor(ofEventLoop: (callback: () => void) => void = afterInput) {
    this.nextTurn = ofEventLoop;
  }

  /** Resolves when this turn may parse a message of so many bytes. A message may be larger than the rest of the turn. Null: at once. */
  enter(bytes: number): Promise<void> | null {
    if (this.bytesLeft > 0) {
      this.bytesLeft -= bytes;
      if (this.bytesLeft <= 0) this.nextTurn(this.turn);
      return null;
    }
    return new Promise((begin) => this.waiting.push({ bytes, begin }));
  }

  private readonly turn = (): void => {
    this.bytesLeft = bytesPerTurn;
    while (this.bytesLeft > 0) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.bytesLeft -= next.bytes;
      next.begin();
    }
    this.nextTurn(this.turn);
  };
}

/** The decompressed messages of the process. */
export const parseTurns = new ParseTurns();
