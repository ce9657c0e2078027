// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { broadcast, createClient, createTransport, serve, type TripleRouter } from "@tristream/node";

async function* prices() {
  for (let i = 1; ; i++) {
    yield { greeting: `price ${i}` };
    await sleep(1);
  }
}

// #region
await using feed = broadcast(prices(), { capacity: 4, whenSlow: "drop-oldest" }); // read once, for all clients

const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    greetServerStream: (_request, { signal }) => feed.subscribe({ signal }), // a reader is what a handler may return
  });
// #endregion

await using server = await serve({ host: "127.0.0.1", port: 0, routes });
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);
const clients = [1, 2, 3].map(() => client.greetServerStream({}));
for (const stream of clients) console.log(((await stream.receive())?.greeting ?? "").replace(/\d+/, "…"));
console.log(feed.readers, "readers");
for (const stream of clients) await stream.closeResponse();
while (feed.readers > 0) await sleep(1);

// #region
const slow = feed.subscribe();
while (slow.dropped < 6) await sleep(1); // reads nothing for a while
console.log(slow.size, "values wait,", slow.dropped > 5, "that others were dropped");
await slow.return();
// #endregion
