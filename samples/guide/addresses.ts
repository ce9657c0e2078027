// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";
import { routes } from "./greeter.js";

const folder = mkdtempSync(join(tmpdir(), "tristream-guide-"));
const socketPath = join(folder, "greet.sock");

// #region
await using server = await serve({ socketPath, routes }); // instead of port
await using transport = createTransport(server.url); // unix: and the path
// #endregion

console.log((await createClient(GreetService, transport).greet({ name: "a" })).greeting);

// #region
await using several = createTransport(`tri://127.0.0.1:1; unix:${socketPath}`, {
  connectTimeoutMs: 500, // for each address; default: 10,000
});
// #endregion

console.log((await createClient(GreetService, several).greet({ name: "b" })).greeting);
await using none = createTransport("tri://127.0.0.1:1; unix:/no/such.sock");
await createClient(GreetService, none)
  .greet({})
  .catch((error) => console.log(error.message));
rmSync(folder, { recursive: true });
