// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createTransport,
  type Interceptor,
  replayable,
  serve,
} from "@tristream/node";
import { greeter } from "./greeter.js";

let busy = 1;
await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes: (router) =>
    router.service(GreetService, {
      ...greeter,
      async greetClientStream(requests, context) {
        const answer = await greeter.greetClientStream!(requests, context);
        if (busy-- > 0) throw new ConnectError("busy", Code.Unavailable);
        return answer;
      },
    }),
});

// #region
/** Makes a call of one of these methods again if it ends with `Unavailable`, after 1.5, 3, 6, … s. */
function retry(methods: readonly string[], attempts: number): Interceptor {
  return (next) => async (req) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await next(req); // the deadline and the signal hold for all attempts together
      } catch (error) {
        const { code } = ConnectError.from(error);
        const mayRunTwice = methods.includes(req.method.localName);
        if (code !== Code.Unavailable || !mayRunTwice || attempt === attempts) throw error;
        await delay(1500 * 2 ** (attempt - 1), undefined, { signal: req.signal });
      }
    }
  };
}

await using transport = createTransport(server.url);
const client = createClient(GreetService, transport, { interceptors: [retry(["greetClientStream"], 3)] });

async function* names() {
  yield { name: "a" };
  yield { name: "b" };
}
const { greeting } = await client.greetClientStream(replayable(names)); // each attempt calls names()
// #endregion
console.log(greeting);

busy = 1;
// #region
// Without `replayable`, the second attempt would send a part: the call fails instead, with the first error as its cause.
const failed = await client.greetClientStream(names()).then(() => undefined, ConnectError.from);
// #endregion
if (failed?.cause instanceof Error) console.log(Code[failed.code], "after", failed.cause.message);
