// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  createClient,
  createTransport,
  idleTimeout,
  serve,
  type TripleRouter,
  withTimeout,
} from "@tristream/node";

// #region
const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    // Ends the call of a client that sends nothing for 50 ms.
    async *greetStream(requests) {
      for await (const { name } of idleTimeout(requests, 50)) yield { greeting: `hello ${name}` };
    },
  });
// #endregion

await using server = await serve({ host: "127.0.0.1", port: 0, routes });
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);

// #region
const chat = client.greetStream();
await chat.send({ name: "a" });
console.log((await chat.receive())?.greeting);
await chat.receive().catch((error) => console.log(error.message)); // the server has waited 50 ms

// The whole stream; the call is cancelled when the time has passed.
for await (const { greeting } of withTimeout(client.greetStream([{ name: "b" }]), 5000))
  console.log(greeting);
// #endregion
