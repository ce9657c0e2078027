// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve, type TripleRouter } from "@tristream/node";

// #region
const routes = (router: TripleRouter) =>
  router
    .service(GreetService, { greet: () => ({ greeting: "one" }) }, { group: "g", version: "1.0.0" })
    .service(
      GreetService,
      { greet: (_, { version }) => ({ greeting: version }) },
      { group: "g", version: "2.0.0" },
    )
    .service(GreetService, { greet: () => ({ greeting: "java" }) }, { interface: "org.example.Greeter" })
    .rpc(GreetService.method.greet, () => ({ greeting: "one method" }));
// #endregion

await using server = await serve({ host: "127.0.0.1", port: 0, routes });

// #region
await using transport = createTransport(`${server.url}?group=g&version=1.0.0`); // for clients that name none
const clients = [
  createClient(GreetService, transport),
  createClient(GreetService, transport, { version: "2.0.0" }),
  createClient(GreetService, transport, { group: "", version: "", interface: "org.example.Greeter" }),
  createClient(GreetService, transport, { group: "", version: "" }),
];
for (const client of clients) console.log((await client.greet({})).greeting);
// #endregion
