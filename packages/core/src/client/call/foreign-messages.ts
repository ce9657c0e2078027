// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import { runIsolated } from "../../runtime/async-context.js";
import { ContextIterator } from "../../runtime/context-iterator.js";
import { openIterator } from "../../runtime/iterator.js";
import type { StreamCall } from "./stream-call.js";

/**
 * The messages of a response that are not the engine's: an interceptor's, or a foreign transport's. They are read one at a time;
 * a cancel rejects reads even if the iterator hangs. An object of its own, since the calls of the engine do without.
 */
export class ForeignMessages<O> {
  /** All were read. */
  ended = false;
  private readonly iterator: AsyncIterator<O>;
  private readonly call: StreamCall<O>;
  private left = false;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Set<(error: ConnectError) => void>();

  /** Opens the messages; they run in the context of the call's caller, not of their reader. */
  constructor(messages: AsyncIterable<O>, call: StreamCall<O>) {
    this.iterator = runIsolated(open<O>, undefined, messages);
    this.call = call;
  }

  next(): Promise<IteratorResult<O, undefined>> {
    const read = this.turn.then(() => this.read());
    this.turn = read.catch(() => {});
    return new Promise((resolve, reject) => {
      this.waiting.add(reject);
      const done = (): void => {
        this.waiting.delete(reject);
        if (this.waiting.size === 0) this.call.readsSettled();
      };
      read.then(
        (result) => {
          done();
          resolve(result);
        },
        (error) => {
          done();
          reject(error);
        },
      );
    });
  }

  /** True if a read waits. */
  get reading(): boolean {
    return this.waiting.size > 0;
  }

  /** Reads that wait reject, and the iterator is left. */
  cancel(error: ConnectError): void {
    for (const reject of this.waiting) reject(error);
    this.waiting.clear();
    this.leave();
  }

  /** Returns the iterator, once. */
  leave(): void {
    if (this.left) return;
    this.left = true;
    try {
      this.iterator.return?.().catch(() => {});
    } catch {
      // The call is over; its outcome is known.
    }
  }

  private async read(): Promise<IteratorResult<O, undefined>> {
    const { call } = this;
    if (call.canceled) throw call.error;
    try {
      const result = await this.iterator.next();
      if (result.done !== true) return result;
      this.ended = true;
      call.foreignEnded();
      return finished;
    } catch (cause) {
      throw call.refuse(call.canceled ? call.error : cause);
    }
  }
}

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

function open<O>(messages: AsyncIterable<O>): AsyncIterator<O> {
  return new ContextIterator(openIterator(messages));
}
