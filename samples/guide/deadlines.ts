// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport, serve, type TripleRouter } from "@tristream/node";
import { routes as routesBehind } from "./greeter.js";

await using behind = await serve({ host: "127.0.0.1", port: 0, routes: routesBehind });
await using transportBehind = createTransport(behind.url);
const other = createClient(GreetService, transportBehind);

// #region
const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    async greet(request, context) {
      await sleep(1000, undefined, { signal: context.signal }); // what awaits gets the signal
      return { greeting: request.name };
    },
    // A call that is made for another one ends with it, and has what is left of its time.
    greetServerStream: (request, { signal, timeoutMs }) =>
      other.greetServerStream(request, { signal, timeoutMs: timeoutMs() ?? 0 }),
  });
// #endregion

await using server = await serve({ host: "127.0.0.1", port: 0, routes, maxTimeoutMs: 60_000 });
await using transport = createTransport(server.url);

// #region
const client = createClient(GreetService, transport, {
  timeoutMs: 5000, // of each call
  methods: { greet: { timeoutMs: 50 } }, // of one method, before the client's
});
const codeOf = (call: Promise<unknown>) => call.then(String, (error) => Code[ConnectError.from(error).code]);

console.log(await codeOf(client.greet({ name: "a" }))); // DeadlineExceeded
console.log(await codeOf(client.greet({ name: "b" }, { timeoutMs: 10 }))); // of one call, before all others
console.log(await codeOf(client.greet({ name: "c" }, { timeoutMs: 0, signal: AbortSignal.timeout(10) }))); // Canceled

const stream = client.greetServerStream({ name: "d" });
stream.cancel("enough"); // as an aborted signal, break, and leaving its block
console.log(await codeOf(stream.receive())); // Canceled
// #endregion

for await (const { greeting } of client.greetServerStream({ name: "e" })) console.log(greeting);
for await (const { greeting } of client.greetServerStream({ name: "f" }, { timeoutMs: 0 }))
  console.log(greeting);
console.log(await codeOf(client.greet({ name: "g" }, { timeoutMs: 100_000 })));
