// SPDX-License-Identifier: Apache-2.0
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { loopback } from "@tristream/testing";
import { errorOf, happening } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";

test("routes that come later are found on connections that are open already", async () => {
  const go = happening();
  await using end = loopback({
    logger: quiet,
    async routes(router) {
      await go;
      router.service(GreetService, greeter());
    },
  });
  const client = createClient(GreetService, end.transport);
  for (let i = 0; i < 5; i++) expect((await errorOf(client.greet({}))).code).toBe(Code.Unimplemented);
  go.tell();
  await end.server.ready;
  for (let i = 0; i < 5; i++) expect((await client.greet({ name: "a" })).greeting).toBe("a");
});
