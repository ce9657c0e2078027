// SPDX-License-Identifier: Apache-2.0
import type { DescMessage } from "@bufbuild/protobuf";
import { asMessage } from "../../engine/message/message-codec.js";
import { isReplayable, replays } from "../../engine/message/replayable.js";
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { isThenable, openIterator } from "../../runtime/iterator.js";
import type { Call } from "./call.js";
import { Claim } from "./claim.js";

/**
 * The request messages of a call as an interceptor sees them: complete messages, asynchronously. When no interceptor
 * has wrapped it, the engine reads `given` itself, without this layer.
 */
export class RequestSource implements AsyncIterable<unknown> {
  /** The application's messages. */
  readonly given: AsyncIterable<unknown> | Iterable<unknown>;
  /** The claim on the messages; null if each attempt can have them. */
  readonly claim: Claim | null;
  private readonly readers: (AsyncIterator<unknown> | Iterator<unknown>)[] = [];
  private readonly schema: DescMessage;
  private readonly call: Call;
  /** The caller's context, in which messages that no attempt has opened are returned; null for replayable messages. */
  private readonly context: AsyncContext | null;

  constructor(schema: DescMessage, given: AsyncIterable<unknown> | Iterable<unknown>, call: Call) {
    this.schema = schema;
    this.given = given;
    this.call = call;
    this.claim = isReplayable(given) ? null : new Claim();
    this.context = this.claim === null ? null : captureContext();
  }

  /**
   * The call is over. Messages that no attempt has opened are left as those of an attempt are: a sender into a channel hears that
   * the channel has no reader. A generator that never started ends without running.
   */
  over(): void {
    const { claim: own, context } = this;
    if (own === null || context === null || own.consumed) return;
    own.consumed = true;
    context.runInAsyncScope(this.returnUnread, this);
  }

  private returnUnread(): void {
    try {
      const left: unknown = openIterator(this.given).return?.();
      if (isThenable(left)) left.then(undefined, () => {});
    } catch {
      // The call is over; its outcome is known.
    }
  }

  /** True if the messages are replayable. An interceptor's `replayable` around this source reads this, too. */
  get [replays](): boolean {
    return this.claim === null;
  }

  /** Opens an iterator that reads and throws nothing before its first read: Connect opens one just to throw into it. */
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const { claim } = this;
    let iterator: AsyncIterator<unknown> | Iterator<unknown> | null = null;
    // The first reader takes the messages: no other reader can have all of them. Null for other readers.
    const open = (): AsyncIterator<unknown> | Iterator<unknown> | null => {
      if (iterator !== null) return iterator;
      if (claim !== null) {
        if (claim.consumed || claim.holder !== null) return null;
        claim.consumed = true;
      }
      iterator = openIterator(this.given);
      this.readers.push(iterator);
      return iterator;
    };
    const complete = (r: IteratorResult<unknown>): IteratorResult<unknown> =>
      r.done === true ? r : { done: false, value: asMessage(this.schema, r.value as never) };
    // An unread replayable iterable is not opened just to be returned.
    const opened = (): typeof iterator => (claim === null ? iterator : open());
    return {
      next: async () => {
        const from = open();
        if (from === null) throw claim!.refusal(this.call);
        return complete(await from.next());
      },
      return: async (value?: unknown) => (await opened()?.return?.(value)) ?? { done: true, value },
      throw: async (error?: unknown) => {
        if (iterator === null) this.leave(error);
        if (iterator?.throw === undefined) throw error;
        return complete(await iterator.throw(error));
      },
    };
  }

  /** When a call over this iterator ends, Connect throws into an iterator of its own: the error is meant for the readers. */
  private leave(error: unknown): void {
    if (!this.call.over && this.call.running > 0) return;
    for (const reader of this.readers.splice(0)) {
      try {
        const left: unknown = reader.throw === undefined ? reader.return?.() : reader.throw(error);
        if (isThenable(left)) left.then(undefined, () => {});
      } catch {
        // The call is over; its outcome is known.
      }
    }
  }
}
