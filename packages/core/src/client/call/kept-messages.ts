// SPDX-License-Identifier: Apache-2.0

import { isReplayable, replays } from "../../engine/message/replayable.js";
import { openIterator } from "../../runtime/iterator.js";

type Messages = AsyncIterable<unknown> | Iterable<unknown>;

/**
 * The request of a method that takes one message, read once and kept, so that each attempt of the call gets it. Connect's client puts
 * the message of a server-streaming call in a generator.
 */
export function keepMessages(messages: Messages): Messages {
  return isReplayable(messages) ? messages : new KeptMessages(messages);
}

class KeptMessages implements AsyncIterable<unknown> {
  readonly [replays] = true;
  private readonly messages: Messages;
  private source: AsyncIterator<unknown> | Iterator<unknown> | null = null;
  private readonly results: Promise<IteratorResult<unknown>>[] = [];

  constructor(messages: Messages) {
    this.messages = messages;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    let at = 0;
    return {
      next: () => {
        this.results[at] ??= this.read();
        return this.results[at++]!;
      },
      // The results stay: a generator that was returned gives its end to the next attempt.
      return: async (value?: unknown) => {
        await this.source?.return?.();
        return { done: true, value };
      },
    };
  }

  private async read(): Promise<IteratorResult<unknown>> {
    this.source ??= openIterator(this.messages);
    return this.source.next();
  }
}
