// SPDX-License-Identifier: Apache-2.0
import type { TripleServiceImpl } from "@tristream/core";
import type { GreetService } from "@tristream/gen/greet/greet_pb.js";

/** A greeter whose answers say who answered: `tag` before each name. */
export function greeter(tag = ""): TripleServiceImpl<typeof GreetService> {
  return {
    async greet({ name }) {
      return { greeting: tag + name };
    },
    async *greetStream(requests) {
      for await (const { name } of requests) yield { greeting: tag + name };
    },
    async greetClientStream(requests) {
      const names: string[] = [];
      for await (const { name } of requests) names.push(name);
      return { greeting: tag + names.join(",") };
    },
    async *greetServerStream({ name }) {
      for (let i = 0; i < 3; i++) yield { greeting: `${tag}${name}${i}` };
    },
  };
}
