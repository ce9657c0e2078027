// SPDX-License-Identifier: Apache-2.0
import { createChannel, createClient, createServer } from "nice-grpc";
import { handlers } from "../handlers.js";
import type { Peer } from "../peer.js";
import { channelOptions, serverOptions } from "./grpc-js-options.js";
import { iterableClient } from "./iterable-client.js";
import { definition } from "./nice-definition.js";

/** nice-grpc, with async generators on top of grpc-js. */
export const peer: Peer = {
  async startServer(served) {
    const server = createServer(serverOptions);
    server.add(definition, handlers(served));
    const port = await server.listen("127.0.0.1:0");
    return {
      port,
      async close() {
        server.forceShutdown();
      },
    };
  },
  async connect(port) {
    const channel = createChannel(`127.0.0.1:${port}`, undefined, channelOptions);
    return iterableClient(createClient(definition, channel), () => channel.close());
  },
};
