// SPDX-License-Identifier: Apache-2.0
import { ClientError, createChannel, createClient, createServer, ServerError } from "nice-grpc";
import { definition } from "../grpc-definition.js";
import type { Library } from "../library.js";

export const library: Library = {
  name: "nice-grpc",
  async serve(handlers) {
    const server = createServer();
    const served = Object.entries(definition).filter(([method]) => method in handlers);
    server.add(Object.fromEntries(served) as typeof definition, handlers as Required<typeof handlers>);
    const port = await server.listen("127.0.0.1:0");
    return {
      port,
      stop: () => server.shutdown(),
      cut: async () => server.forceShutdown(),
    };
  },
  connect(port) {
    const channel = createChannel(`127.0.0.1:${port}`, undefined, { "grpc.use_local_subchannel_pool": 1 });
    return { ...createClient(definition, channel), close: async () => channel.close() };
  },
  failure: (code, text) => new ServerError(code, text),
  read(error) {
    if (error instanceof ClientError) return { code: error.code, text: error.details };
    return { code: undefined, text: String(error) };
  },
};
