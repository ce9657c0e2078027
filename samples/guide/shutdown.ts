// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";

// #region
const server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes: (router) =>
    router.service(GreetService, {
      // A stream that has no end of its own ends in order when the server stops.
      async *greetServerStream({ name }, { shutdownSignal }) {
        while (!shutdownSignal.aborted) {
          yield { greeting: `hello ${name}` };
          await sleep(1000, undefined, { signal: shutdownSignal }).catch(() => {});
        }
      },
    }),
});
process.once("SIGTERM", async () => {
  const { finished, cut } = await server.shutdown({ graceMs: 5000 }); // default: 10,000
  console.log(`stopped: ${finished} finished, ${cut} cut`);
});
// #endregion

await using transport = createTransport(server.url);
const stream = createClient(GreetService, transport).greetServerStream({ name: "a" });
console.log((await stream.receive())?.greeting);
process.kill(process.pid, "SIGTERM");
for await (const _ of stream);
console.log("the stream has ended");
