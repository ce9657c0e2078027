// SPDX-License-Identifier: Apache-2.0
import type { ByteLink } from "../connection/byte-link.js";
import type { ConnectionCounters } from "../guards/limits.js";
import type { Output } from "./output.js";

/** Counts the bytes that wait to be sent on a connection, and refuses more of them than `maxQueuedBytes`. */
export class SendBudget {
  /** Bytes that wait in the queues of all streams, or are being compressed for them. */
  queuedBytes = 0;
  /** Bytes that were queued on streams which closed before these had left. */
  private dropped = 0;
  private readonly link: ByteLink;
  private readonly output: Output;
  private readonly counters: ConnectionCounters;
  private readonly maxQueuedBytes: number;
  private readonly limited: (message: string) => void;

  /** `limited` hears of each refusal, with the option's name. */
  constructor(
    link: ByteLink,
    output: Output,
    counters: ConnectionCounters,
    maxQueuedBytes: number,
    limited: (message: string) => void,
  ) {
    this.link = link;
    this.output = output;
    this.counters = counters;
    this.maxQueuedBytes = maxQueuedBytes;
    this.limited = limited;
  }

  /** True if half of what may wait does: a stream with a queue gets no more until that has left. */
  get crowded(): boolean {
    return this.queuedBytes > this.maxQueuedBytes / 2;
  }

  /** All bytes that were ever written into the output, or queued to be sent. */
  get bytesMade(): number {
    const { output } = this;
    return output.handed + output.position + this.queuedBytes + this.dropped;
  }

  /** A stream closed, and so many queued bytes of it are dropped. */
  drop(bytes: number): void {
    this.queuedBytes -= bytes;
    this.dropped += bytes;
  }

  /** Why a new call has to be refused; null if it need not. */
  refuseCall(): string | null {
    if (!this.crowded) return null;
    this.counters.callsRefused++;
    return this.refused(
      `${this.queuedBytes} bytes of answers wait to be sent on this connection: above ${this.maxQueuedBytes / 2} new calls are refused until they are read (option http2.maxQueuedBytes of the server)`,
    );
  }

  /** Why a message of `length` bytes must not wait to be sent; null if it may. */
  refuseMessage(length: number): string | null {
    const most = this.maxQueuedBytes;
    const waiting = this.queuedBytes + this.link.pending;
    // A single message may be larger than all that may wait.
    if (waiting + length <= most || this.queuedBytes === 0) return null;
    this.counters.messagesRefused++;
    return this.refused(
      `a message of ${length} bytes is not sent, since ${waiting} bytes wait on this connection for their reader, and at most ${most} may (option http2.maxQueuedBytes where it is sent)`,
    );
  }

  private refused(message: string): string {
    this.limited(message);
    return message;
  }
}
