// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from "node:async_hooks";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, type Interceptor, serve } from "@tristream/node";

// #region
const tenant = new AsyncLocalStorage<string>();

const inTenant: Interceptor = (next) => (req) =>
  tenant.run(req.header.get("x-tenant") ?? "none", () => next(req));

await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  interceptors: [inTenant],
  routes: (router) =>
    router.service(GreetService, {
      async *greetServerStream({ name }) {
        for (let i = 1; i <= 2; i++) yield { greeting: `${name} of ${tenant.getStore()}` }; // at each step
      },
    }),
});
// #endregion

await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);
const read = async (name: string) => {
  const seen: string[] = [];
  const headers = { "x-tenant": name === "a" ? "blue" : "red" };
  for await (const { greeting } of client.greetServerStream({ name }, { headers })) seen.push(greeting);
  return seen;
};
console.log(await Promise.all([read("a"), read("b")]));
