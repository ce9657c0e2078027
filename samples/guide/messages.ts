// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";
import { greeter } from "./greeter.js";

// #region
await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  readMaxBytes: 1024, // of one message, decompressed; default: 4 MiB
  routes: (router) => router.service(GreetService, greeter, { readMaxBytes: 2048 }), // of one registration
});
await using transport = createTransport(server.url, {
  useJson: true, // the server needs no option for that
  writeMaxBytes: 4096, // default: 4 GiB
});
const client = createClient(GreetService, transport);
console.log((await client.greet({ name: "a" })).greeting);
for (const length of [3000, 5000])
  await client.greet({ name: "a".repeat(length) }).catch((e) => console.log(e.message));
// #endregion
