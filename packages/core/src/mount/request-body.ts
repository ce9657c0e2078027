// SPDX-License-Identifier: Apache-2.0
import { type Clock, systemClock } from "../runtime/clock.js";

/** Time for which the rest of a request is read and dropped after its answer, in milliseconds. */
const lingerMs = 5000;

/**
 * The body of a request under an adapter. A reader that leaves it early does not close it: the rest is read and dropped, for
 * {@link lingerMs} beyond the answer. Adapters destroy a request that is closed early. With HTTP/1.1 the answer is lost then,
 * and with HTTP/2 the adapter's signal fires as if the client had left.
 */
export class RequestBody implements AsyncIterableIterator<Uint8Array, undefined> {
  private readonly source: AsyncIterator<Uint8Array>;
  private over = false;
  private dropping = false;
  private readonly clock: Clock;
  private cancelTimer: (() => void) | null = null;

  constructor(source: AsyncIterable<Uint8Array>, clock: Clock = systemClock) {
    this.source = source[Symbol.asyncIterator]();
    this.clock = clock;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const result = await this.source.next();
      if (result.done !== true) return result;
    } catch (error) {
      this.ended();
      throw error;
    }
    this.ended();
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.drop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the request after its answer: the rest is dropped, and closed when that takes too long. May be repeated. */
  answered(): void {
    if (this.over || this.cancelTimer !== null) return;
    this.drop();
    const close = (): void => {
      this.ended();
      this.source.return?.().catch(() => {});
    };
    this.cancelTimer = this.clock.after(lingerMs, close, { background: true });
  }

  private drop(): void {
    if (this.over || this.dropping) return;
    this.dropping = true;
    const step = (): void => {
      if (!this.over) this.next().then(step, () => {});
    };
    step();
  }

  private ended(): void {
    this.over = true;
    this.cancelTimer?.();
  }
}
