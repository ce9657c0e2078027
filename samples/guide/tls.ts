// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";
import { makeAuthority } from "./certificates.js";
import { routes } from "./greeter.js";

const authority = await makeAuthority();
const { ca } = authority;
const { key, cert } = await authority.issue("greeter");
const client = await authority.issue("caller");

// #region
await using server = await serve({ port: 0, host: "127.0.0.1", routes, tls: { key, cert } });
await using transport = createTransport(server.url, { tls: { ca } }); // https://127.0.0.1: and the port
// #endregion

console.log((await createClient(GreetService, transport).greet({ name: "a" })).greeting);

// #region
await using strict = await serve({
  port: 0,
  host: "127.0.0.1",
  tls: { key, cert, ca, requireClientCertificate: true },
  routes: (router) =>
    router.service(GreetService, {
      greet: (_request, { peer }) => ({ greeting: `hello ${peer.certificate?.subject}` }),
    }),
});
await using caller = createTransport(strict.url, { tls: { ca, ...client } }); // client: { key, cert }
// #endregion

console.log((await createClient(GreetService, caller).greet({})).greeting);
