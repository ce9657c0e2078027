// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createTransport,
  serve,
  type TripleServiceImpl,
} from "@tristream/node";

const over: string[] = [];

// #region
const duplex: Pick<TripleServiceImpl<typeof GreetService>, "greetStream"> = {
  // Says hello again and again, to the name that the client sent last.
  async *greetStream(requests, { signal }) {
    let name = "nobody";
    const read = async () => {
      for await (const request of requests) name = request.name;
    };
    // Caught in the same statement: an unhandled rejection would end the process.
    const reading = read().then(
      () => "the client has sent all",
      (error) => ConnectError.from(error),
    );
    let outcome: string | ConnectError | undefined;
    try {
      while (outcome === undefined) {
        yield { greeting: `hello ${name}` };
        outcome = await Promise.race([reading, sleep(10, undefined)]);
      }
    } finally {
      // A cancel ends the other loop too, with the call's error: once it is awaited, nothing of this call runs any more.
      if (signal.aborted) outcome = await reading;
      over.push(outcome instanceof ConnectError ? Code[outcome.code] : `${outcome}`);
    }
  },
};
// #endregion

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes: (router) => router.service(GreetService, duplex),
});
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);

for (const [i, name] of ["a", "b"].entries()) {
  const chat = client.greetStream();
  console.log((await chat.receive())?.greeting);
  await chat.send({ name });
  for await (const { greeting } of chat) {
    if (greeting !== `hello ${name}`) continue;
    console.log(greeting);
    break; // cancels the call
  }
  while (!over.includes("Canceled", i)) await sleep(1);
}
const chat = client.greetStream();
await chat.closeRequest();
let last = "";
for await (const { greeting } of chat) last = greeting;
console.log(last);
console.log(over);
