// SPDX-License-Identifier: Apache-2.0
// Promise 9: shutdown is finite. No call runs behind it, whenever a connection comes.
// Mutant: core/src/server/lifecycle/create-server.ts # if (this.stopping !== null && this.stopped === null) { => if (false) {
import { Code, type ConnectionProvider, createClient, createServer, createTransport } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection } from "@tristream/http2";
import { memoryPair } from "@tristream/testing";
import { errorOf } from "./events.js";
import { quiet } from "./every-link.js";

test("a connection that comes after a shutdown has settled is closed, and its calls don't run", async () => {
  let ran = 0;
  const server = createServer({
    logger: quiet,
    routes: (router) => router.service(GreetService, { greet: () => ({ greeting: String(++ran) }) }),
  });
  expect(await server.shutdown()).toEqual({ finished: 0, cut: 0 });
  const pair = memoryPair();
  const connection = new Connection("client", pair.client);
  const provider: ConnectionProvider = { pick: () => connection, close: async () => {} };
  const client = createClient(GreetService, createTransport(provider));
  connection.start({});
  const error = errorOf(client.greet({}));
  server.accept(new Connection("server", pair.server));
  expect((await error).code).toBe(Code.Unavailable);
  expect(ran).toBe(0);
  expect(connection.usable).toBe(false);
});
