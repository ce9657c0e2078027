// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  createChannel,
  createClient,
  createTransport,
  mergeUntilFirst,
  serve,
  type TripleServiceImpl,
} from "@tristream/node";

// #region
const ticker: Pick<TripleServiceImpl<typeof GreetService>, "greetStream"> = {
  // Says hello every 10 ms, to the name that the client sent last, until the client has sent all.
  async *greetStream(requests, { signal }) {
    const ticks = createChannel<"tick">({ capacity: 1, signal });
    const timer = setInterval(() => ticks.trySend("tick"), 10); // a tick for which there is no room is dropped
    let name = "nobody";
    try {
      for await (const event of mergeUntilFirst(requests, ticks)) {
        if (event === "tick") yield { greeting: `hello ${name}` };
        else name = event.name;
      }
    } finally {
      clearInterval(timer);
    }
  },
};
// #endregion

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes: (router) => router.service(GreetService, ticker),
});
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);
const chat = client.greetStream();
console.log((await chat.receive())?.greeting);
await chat.send({ name: "a" });
for await (const { greeting } of chat) {
  if (greeting !== "hello a") continue;
  console.log(greeting);
  break; // cancels the call
}
const second = client.greetStream();
await second.closeRequest();
for await (const _ of second); // ends, since the client has sent all
console.log("ended"); // no timer keeps the process alive
