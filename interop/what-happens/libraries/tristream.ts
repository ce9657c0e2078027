// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { type Code, ConnectError, createClient, createTransport, serve } from "@tristream/node";
import type { Library } from "../library.js";

const silent = { error() {}, warn() {}, info() {}, debug() {} };

export const library: Library = {
  name: "tristream",
  async serve(handlers) {
    const server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: silent,
      routes: (router) => router.service(GreetService, handlers),
    });
    return {
      port: server.port,
      stop: async (graceMs) => void (await server.shutdown({ graceMs })),
      cut: async () => void (await server.shutdown({ graceMs: 0 })),
    };
  },
  connect(port) {
    const transport = createTransport(`tri://127.0.0.1:${port}`);
    const client = createClient(GreetService, transport);
    return { ...client, close: () => transport.close() };
  },
  failure: (code, text) => new ConnectError(text, code as Code),
  read(error) {
    const { code, rawMessage } = ConnectError.from(error);
    return { code, text: rawMessage };
  },
};
