// SPDX-License-Identifier: Apache-2.0
import type { DescMessage } from "@bufbuild/protobuf";
import { openIterator } from "../engine/iterator.js";
import { asMessage } from "../engine/message-codec.js";

/**
 * The request messages of a call as an interceptor sees them: complete messages, asynchronously. When no interceptor
 * has wrapped it, the engine reads `given` itself, without this layer.
 */
export class RequestSource implements AsyncIterable<unknown> {
  /** What the application gave. */
  readonly given: AsyncIterable<unknown> | Iterable<unknown>;
  /** The attempt that sends it at the moment, if one does so without this layer. */
  sentBy: object | null = null;
  private readonly schema: DescMessage;

  constructor(schema: DescMessage, given: AsyncIterable<unknown> | Iterable<unknown>) {
    this.schema = schema;
    this.given = given;
  }

  /** Two attempts at a time can't send it: it is an iterator itself, of which each would get some messages. */
  get sentOnce(): boolean {
    return typeof (this.given as Partial<AsyncIterator<unknown>> | undefined)?.next === "function";
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const iterator = openIterator(this.given);
    const complete = (r: IteratorResult<unknown>): IteratorResult<unknown> =>
      r.done === true ? r : { done: false, value: asMessage(this.schema, r.value as never) };
    return {
      next: async () => complete(await iterator.next()),
      return: async (value?: unknown) => (await iterator.return?.(value)) ?? { done: true, value },
      throw: async (error?: unknown) => {
        if (iterator.throw === undefined) throw error;
        return complete(await iterator.throw(error));
      },
    };
  }
}
