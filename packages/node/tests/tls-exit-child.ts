// SPDX-License-Identifier: Apache-2.0
// tls-exit-child.ts KEY CERT: a server with TLS that prints its port, shuts down when its input ends, and says so.
import { once } from "node:events";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";

const [key = "", cert = ""] = process.argv.slice(2);
const server = await serve({
  host: "127.0.0.1",
  port: 0,
  tls: { key, cert },
  // Longer than the test.
  http2: { prefaceTimeoutMs: 600_000 },
  routes: (router) => router.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
});
console.log(server.port);
await once(process.stdin.resume(), "end");
console.log(await server.shutdown({ graceMs: 0 }));
