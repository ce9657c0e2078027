// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import { MessageReader } from "../../engine/message/message-reader.js";
import { openIterator } from "../../runtime/iterator.js";
import type { Call } from "./call.js";

/**
 * The response messages of a call with a signal, as Connect's client reads them. A signal that fires when the call is over has no call
 * to end: it is looked at when the next message is read. What waits is dropped then, and reads reject.
 */
export class WatchedMessages implements AsyncIterableIterator<unknown> {
  private readonly messages: AsyncIterable<unknown>;
  private readonly call: Call;
  private source: AsyncIterator<unknown> | null = null;
  private ended = false;
  private refusal: ConnectError | null = null;

  constructor(messages: AsyncIterable<unknown>, call: Call) {
    this.messages = messages;
    this.call = call;
  }

  async next(): Promise<IteratorResult<unknown>> {
    const { call } = this;
    this.source ??= openIterator(this.messages) as AsyncIterator<unknown>;
    if (call.over && !call.canceled && this.refusal === null && this.unread) this.leaveIfAborted();
    if (this.refusal !== null) throw this.refusal;
    const result = await this.source.next();
    if (result.done === true) this.ended = true;
    return result;
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.source ??= openIterator(this.messages) as AsyncIterator<unknown>;
    this.ended = true;
    await this.source.return?.();
    return { done: true, value };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private get unread(): boolean {
    return this.messages instanceof MessageReader ? this.messages.waiting > 0 : !this.ended;
  }

  private leaveIfAborted(): void {
    const reason = this.call.abortReason();
    if (reason === null) return;
    this.refusal = this.call.error ?? reason;
    if (this.messages instanceof MessageReader) this.messages.fail(this.refusal, true);
    // Its answer is not awaited: it may never come.
    else this.source?.return?.().then(undefined, () => {});
  }
}
