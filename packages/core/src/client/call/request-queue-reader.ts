// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import type { RequestQueue } from "./request-queue.js";

/** A read that waits. */
interface Reading {
  resolve(result: IteratorResult<unknown>): void;
  reject(error: ConnectError): void;
}

const finished: IteratorResult<unknown> = Object.freeze({ done: true, value: undefined });

/** An interceptor's iterator over the messages that a handle sends. */
export class RequestQueueReader implements AsyncIterableIterator<unknown> {
  private readonly queue: RequestQueue;
  private readonly waiting: Reading[] = [];
  private revoked: ConnectError | null = null;
  private left = false;

  constructor(queue: RequestQueue) {
    this.queue = queue;
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.left) return finished;
    if (this.revoked !== null) throw this.revoked;
    return this.queue.take() ?? new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<unknown>> {
    this.left = true;
    this.end();
    this.queue.leave(this);
    return Promise.resolve(finished);
  }

  /** As {@link RequestQueueReader.return}, and rejects. Connect's in-memory transport calls this method. */
  throw(error: unknown): Promise<IteratorResult<unknown>> {
    void this.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Gives a message to a read that waits. Returns false if no read waits. */
  give(message: unknown): boolean {
    const reading = this.waiting.shift();
    reading?.resolve({ done: false, value: message });
    return reading !== undefined;
  }

  /** Ends the reads that wait: no more messages come. */
  end(): void {
    for (const reading of this.waiting.splice(0)) reading.resolve(finished);
  }

  /** Rejects all reads from now on. */
  revoke(error: ConnectError): void {
    this.revoked ??= error;
    for (const reading of this.waiting.splice(0)) reading.reject(error);
  }
}
