// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import { warn } from "../../log/client-log.js";
import { reasonText } from "../../protocol/printable.js";
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { isThenable, openIterator } from "../../runtime/iterator.js";
import type { MessageCodec } from "../message/message-codec.js";
import type { CallEnd, CallHooks } from "./observe.js";

export type Direction = "request" | "response";

interface Observation {
  readonly hooks: CallHooks;
  /** The interceptor's, in which its hooks run. */
  readonly context: AsyncContext;
}

/** The hooks that interceptors have added to one call. A hook can't fail the call: its error goes to the console. */
export class Observations {
  /** `package.Service/Method`. */
  private readonly name: string;
  private readonly list: Observation[] = [];
  private ended: CallEnd | null = null;
  /** One of the hooks sees messages. */
  messages = false;
  /** Messages of each direction that were told, for calls whose messages no engine counts. */
  readonly told: Record<Direction, number> = { request: 0, response: 0 };

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Adds hooks. They are told the end at once if the call has ended. `input`: the one request message, if it has passed already; undefined
   * if it has not.
   */
  add(hooks: CallHooks, input: unknown): void {
    const observation = { hooks, context: captureContext() };
    this.list.push(observation);
    this.messages ||= hooks.message !== undefined;
    if (input !== undefined) this.tell(observation, "message", input, "request");
    if (this.ended !== null) this.tell(observation, "end", this.ended);
  }

  /** A message is sent, or was received. */
  message(message: unknown, direction: Direction): void {
    this.told[direction]++;
    for (const each of this.list) this.tell(each, "message", message, direction);
  }

  /** The call has ended. */
  end(error: ConnectError | null, requests: number, responses: number): void {
    if (this.ended !== null) return;
    this.ended = { error: error ?? undefined, code: error?.code, requests, responses };
    for (const each of this.list) this.tell(each, "end", this.ended);
  }

  /** A codec that tells the hooks each message that it reads or writes. */
  tapped<Out, In>(codec: MessageCodec<Out, In>, direction: Direction): MessageCodec<Out, In> {
    return {
      serialize: (message) => {
        this.message(message, direction);
        return codec.serialize(message);
      },
      parse: (b, start, end, owned) => {
        const message = codec.parse(b, start, end, owned);
        this.message(message, direction);
        return message;
      },
      elements: () => codec.elements(),
    };
  }

  /** Messages that pass no codec of ours, each told as it is read. */
  iterable<T>(messages: AsyncIterable<T> | Iterable<T>, direction: Direction): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        const source = openIterator(messages);
        return {
          next: async () => {
            const result = await source.next();
            if (result.done !== true) this.message(result.value, direction);
            return result;
          },
          return: async (value?: unknown) => (await source.return?.(value)) ?? { done: true, value },
          throw: async (error?: unknown) => {
            if (source.throw === undefined) throw error;
            return source.throw(error);
          },
        };
      },
    };
  }

  private tell({ hooks, context }: Observation, hook: keyof CallHooks, ...args: unknown[]): void {
    const call = hooks[hook] as ((...args: unknown[]) => unknown) | undefined;
    if (call === undefined) return;
    try {
      const result = context.runInAsyncScope(call, hooks, ...args);
      if (isThenable(result)) Promise.resolve(result).then(undefined, (error) => this.failed(hook, error));
    } catch (error) {
      this.failed(hook, error);
    }
  }

  private failed(hook: keyof CallHooks, error: unknown): void {
    warn(`errors of observe()'s ${hook}`, this.name, () => {
      return `${hook} of an observe() of ${this.name} threw: ${safeText(error)}`;
    });
  }
}

/** A thrown value may have no text. */
function safeText(thrown: unknown): string {
  try {
    return reasonText(thrown);
  } catch {
    return `a thrown ${typeof thrown} that has no text`;
  }
}
