// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";
import { routes } from "./greeter.js";

await using server = await serve({ host: "127.0.0.1", port: 0, routes });
const address = server.url;

// #region
await using transport = createTransport(address); // one for all clients; leaving the block closes it
const client = createClient(GreetService, transport);

const { greeting } = await client.greet({ name: "a" }); // unary: a promise
console.log(greeting);

for await (const { greeting } of client.greetServerStream({ name: "b" })) console.log(greeting);

const names = ["c", "d"].map((name) => ({ name })); // an array, a generator, any iterable, async or not
console.log((await client.greetClientStream(names)).greeting); // with messages: a promise

for await (const { greeting } of client.greetStream(names)) console.log(greeting);
// #endregion
