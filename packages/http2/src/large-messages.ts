// SPDX-License-Identifier: Apache-2.0

/** What a large message has to gain within the time that it has, so that it is not taken for one that has stopped. */
export const leastGain = 65_536;

/** A message that was let in beyond its stream's window. */
export interface LargeMessage {
  /** Bytes of the stream's body that have arrived: they grow as the message comes. */
  readonly bodyReceived: number;
}

/** Since when a message has gained less than {@link leastGain}, and what it had then. */
interface Mark {
  since: number;
  bytes: number;
}

/**
 * The messages that share the pool for large messages, each with the time since which it has hardly come. HTTP/2 can't withdraw
 * the credit of a message that has stopped, so its stream has to end, or nobody else would ever get the room.
 */
export class LargeMessages<T extends LargeMessage> {
  private readonly marks = new Map<T, Mark>();

  /** A message was let in. Its time begins with the next look. */
  add(message: T): void {
    this.marks.set(message, { since: -1, bytes: message.bodyReceived });
  }

  /** A message is whole, or is not waited for any more. */
  delete(message: T): void {
    this.marks.delete(message);
  }

  /** Nothing could arrive: the time of all begins again with the next look. */
  restart(): void {
    for (const mark of this.marks.values()) mark.since = -1;
  }

  /**
   * The messages that have stopped: in the last `limitMs` they gained nothing, or less than {@link leastGain} while others wait
   * for room. A message that is slow because its link is slow is in nobody's way as long as nobody waits.
   */
  stopped(now: number, limitMs: number, othersWait: boolean): T[] {
    const stopped: T[] = [];
    for (const [message, mark] of this.marks) {
      const gained = message.bodyReceived - mark.bytes;
      const due = mark.since >= 0 && now - mark.since > limitMs;
      if (due && gained < (othersWait ? leastGain : 1)) stopped.push(message);
      else if (due || mark.since < 0 || gained >= leastGain) {
        mark.since = now;
        mark.bytes = message.bodyReceived;
      }
    }
    return stopped;
  }
}
