// SPDX-License-Identifier: Apache-2.0
/** A message as it came, without its prefix. */
export interface PackedMessage {
  readonly compressed: boolean;
  readonly bytes: Uint8Array;
  /** Bytes of credit that the peer gets when the message is taken. */
  readonly owed: number;
}

/** Gone messages are dropped in one piece, so that taking one costs the same with ten and with 10,000 waiting. */
const chunk = 1024;

/**
 * Messages that wait as they came, in order. They refer to nothing but themselves: what they hold is what the stream's
 * window has counted.
 */
export class PackedMessages {
  /** They are being inflated. */
  unpacking = false;
  /** The stream has ended behind them, and waits for its one message. */
  endPending = false;
  private readonly queue: PackedMessage[] = [];
  private head = 0;

  get length(): number {
    return this.queue.length - this.head;
  }

  /** The next one; undefined if there is none. */
  get first(): PackedMessage | undefined {
    return this.queue[this.head];
  }

  /** Keeps a copy of a range, which may lie in a chunk with much else; of what has a buffer to itself, that. */
  push(compressed: boolean, b: Uint8Array, start: number, end: number, owed: number): void {
    // Not `slice`, which is a view if the chunk is a `Buffer`.
    const bytes = b.buffer.byteLength === end - start ? b : new Uint8Array(b.subarray(start, end));
    this.queue.push({ compressed, bytes, owed });
  }

  /** Removes the first one. */
  shift(): void {
    this.head++;
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.head = 0;
    } else if (this.head > chunk) {
      this.queue.splice(0, this.head);
      this.head = 0;
    }
  }

  /** Removes all messages. Returns the bytes of credit that the peer gets for them. */
  clear(): number {
    let owed = 0;
    for (let i = this.head; i < this.queue.length; i++) owed += this.queue[i]!.owed;
    this.queue.length = 0;
    this.head = 0;
    this.endPending = false;
    return owed;
  }
}
