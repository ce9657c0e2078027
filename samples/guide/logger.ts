// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve } from "@tristream/node";

const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    greet() {
      throw new TypeError("the disk is full");
    },
  });

// #region
import type { Logger, TripleRouter } from "@tristream/node";

const write = (level: string) => (message: string) => console.log(JSON.stringify({ level, message }));
const logger: Logger = { error: write("error"), warn: write("warn"), info: write("info"), debug() {} };
await using server = await serve({ host: "127.0.0.1", port: 0, routes, logger });
// #endregion

await using transport = createTransport(server.url);
await createClient(GreetService, transport)
  .greet({})
  .catch(() => {});
