// SPDX-License-Identifier: Apache-2.0

/** A large message that is not whole has to gain so many bytes in each `frameTimeoutMs`. */
export const leastGain = 65_536;

/** A message that was let in beyond its stream's window, or waits for that. */
export interface LargeMessage {
  /** Bytes of the stream's body that have arrived: they grow as the message comes. */
  readonly bodyReceived: number;
  /** The peer has used all its credit, and the message waits for more: it can't come. */
  readonly outOfCredit: boolean;
}

/** When a message's current time began, and the bytes that the stream had then. */
interface Mark {
  since: number;
  bytes: number;
}

/**
 * The messages that share the pools for large messages, each with the time in which it has to gain {@link leastGain}. HTTP/2
 * can't withdraw the credit of a message that has stopped, so its stream has to end, or no other message would get the room.
 */
export class LargeMessages<T extends LargeMessage> {
  private readonly marks = new Map<T, Mark>();

  /** A message was let in, or a little further, or begins to wait. Its time begins with the next look. */
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
   * The messages that gained less than {@link leastGain} within `limitMs`, whether or not other messages wait for room: a later
   * one must not find the pool taken by messages that hardly come. A message that is whole is not among them. At most `most`, those
   * that were let in first before the others.
   */
  stopped(now: number, limitMs: number, most: number): T[] {
    const stopped: T[] = [];
    for (const [message, mark] of this.marks) {
      if (mark.since < 0 || message.outOfCredit || message.bodyReceived - mark.bytes >= leastGain) {
        mark.since = now;
        mark.bytes = message.bodyReceived;
      } else if (now - mark.since >= limitMs) {
        stopped.push(message);
        if (stopped.length === most) break;
      }
    }
    return stopped;
  }
}
