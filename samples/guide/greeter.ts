// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { TripleRouter, TripleServiceImpl } from "@tristream/node";

// #region
export const greeter: TripleServiceImpl<typeof GreetService> = {
  // unary: a function, async or not
  greet: ({ name }) => ({ greeting: `hello ${name}` }),
  // server stream: an async generator
  async *greetServerStream({ name }) {
    for (let i = 1; i <= 3; i++) yield { greeting: `hello ${name} ${i}` };
  },
  // client stream: an async function of an async iterable
  async greetClientStream(requests) {
    const names: string[] = [];
    for await (const { name } of requests) names.push(name);
    return { greeting: `hello ${names.join(", ")}` };
  },
  // bidi stream: an async generator of an async iterable
  async *greetStream(requests) {
    for await (const { name } of requests) yield { greeting: `hello ${name}` };
  },
};

export const routes = (router: TripleRouter) => router.service(GreetService, greeter);
// #endregion
