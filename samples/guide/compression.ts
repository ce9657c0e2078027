// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { TripleRouter } from "@tristream/node";
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

// #region
const chatty = (router: TripleRouter) =>
  router.service(GreetService, {
    async *greetStream(requests, context) {
      for await (const { name } of requests) {
        const came = context.requestCompressed;
        context.compress = !came; // for what is yielded from here on
        yield { greeting: `${name}: ${came}` };
      }
    },
  });
// #endregion

await using other = await serve({ host: "127.0.0.1", port: 0, routes: chatty });
await using sending = createTransport(other.url, { sendCompression: compressionGzip });
const talker = createClient(GreetService, sending);

// #region
await using chat = talker.greetStream({ compress: true }); // all of this call, small ones too
await chat.send({ name: "a small one is compressed" });
console.log((await chat.receive())?.greeting);
console.log("its answer is not:", chat.responseCompressed); // the message that was received last
await chat.send({ name: "a secret is not compressed" }, { compress: false }); // this one
console.log((await chat.receive())?.greeting);
console.log("its answer is:", chat.responseCompressed);
// #endregion
