// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { TripleRouter, TripleServiceImpl } from "@tristream/node";

/** The greet service: every kind of method, as the function or generator that it is. */
export const greeter: TripleServiceImpl<typeof GreetService> = {
  // Unary: an async function.
  async greet({ name }) {
    return { greeting: name };
  },

  // Bidi stream: an async generator that answers while it reads.
  async *greetStream(requests) {
    for await (const { name } of requests) {
      yield { greeting: name };
    }
  },

  // Client stream: an async function that reads, then answers once.
  async greetClientStream(requests) {
    const names: string[] = [];
    for await (const { name } of requests) {
      names.push(name);
    }
    return { greeting: names.join(",") };
  },

  // Server stream: an async generator.
  async *greetServerStream({ name }) {
    for (let i = 0; i < 5; i++) {
      yield { greeting: name };
    }
  },
};

/** The routes of `serve`. */
export function routes(router: TripleRouter): void {
  router.service(GreetService, greeter);
}
