// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  createClient,
  createTransport,
  encodeBinaryHeader,
  readAttachments,
  serve,
  type TripleRouter,
} from "@tristream/node";

// #region
const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    greet({ name }, context) {
      console.log(readAttachments(context.requestHeader)); // without the protocol's own, -bin decoded
      context.responseHeader.set("x-served-by", "a");
      context.responseTrailer.set("x-rows", "1");
      return { greeting: `hello ${name}, ${context.requestHeader.get("x-tenant")}` };
    },
    async *greetServerStream({ name }, context) {
      context.responseHeader.set("x-served-by", context.peer.transport); // who calls: context.peer
      context.sendHeaders(); // now; else with the first message
      yield { greeting: `hello ${name}` };
      context.responseTrailer.set("x-rows", "1"); // until the handler returns
    },
  });
// #endregion

await using server = await serve({ host: "127.0.0.1", port: 0, routes });
await using transport = createTransport(server.url);

// #region
const client = createClient(GreetService, transport, {
  headers: async () => ({ "x-tenant": "blue" }), // or an object; a function is asked before each call
});
await client.greet(
  { name: "a" },
  {
    headers: { "x-key-bin": encodeBinaryHeader(new Uint8Array([1, 2])) }, // -bin: bytes
    onHeader: (header) => console.log(header.get("x-served-by")),
    onTrailer: (trailer) => console.log(trailer.get("x-rows")),
  },
);
const stream = client.greetServerStream({ name: "b" }); // it takes the callbacks too
console.log((await stream.responseHeader).get("x-served-by")); // before the first message
for await (const { greeting } of stream) console.log(greeting);
console.log((await stream.responseTrailer).get("x-rows")); // at the end of the call
// #endregion
