// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
// #region
import { compressionBrotli, compressionGzip, createClient, createTransport, serve } from "@tristream/node";
import { routes } from "./greeter.js";

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  routes,
  acceptCompression: [compressionBrotli, compressionGzip], // requests; default: gzip
  compressResponses: true, // with the first in the client's list that is in this one; default: no
  compressMinBytes: 200, // smaller ones aren't; default: 1024
});
await using transport = createTransport(server.url, {
  sendCompression: compressionGzip, // requests; default: none
  acceptCompression: [compressionGzip, compressionBrotli], // responses; default: gzip
});
const client = createClient(GreetService, transport);
const { greeting } = await client.greet(
  { name: "a".repeat(100_000) },
  { onHeader: (header) => console.log(header.get("grpc-encoding")) },
);
console.log(greeting.length);
// #endregion
