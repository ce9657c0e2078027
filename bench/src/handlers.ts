// SPDX-License-Identifier: Apache-2.0
import { type Draft, type Plan, type Received, Tally } from "./messages.js";
import type { Served } from "./served.js";

/** The bench's service as async generators: the very same code for connect-es, nice-grpc and tristream. */
export function handlers(served: Served) {
  return {
    async unary(message: Received): Promise<Draft> {
      return served.unary(message);
    },
    async *serverStream(plan: Plan): AsyncGenerator<Draft, void, undefined> {
      for (const message of served.answer(plan)) yield message;
    },
    async clientStream(messages: AsyncIterable<Received>): Promise<Draft> {
      const tally = new Tally();
      for await (const message of messages) tally.add(message);
      return served.close(tally);
    },
    async *bidi(messages: AsyncIterable<Received>): AsyncGenerator<Draft, void, undefined> {
      const tally = new Tally();
      for await (const message of messages) yield { number: tally.add(message), payload: message.payload };
      yield served.close(tally);
    },
  };
}

/** Hands out messages as an application with an async source does. */
export async function* source(messages: Iterable<Draft>): AsyncGenerator<Draft, void, undefined> {
  for (const message of messages) yield message;
}
