// SPDX-License-Identifier: Apache-2.0
// Both ends over HTTP/2, the client with the gRPC protocol, so that all four libraries speak the same.
import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { type Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { Library } from "../library.js";

export const library: Library = {
  name: "connect-es",
  async serve(handlers) {
    // Compression off: with it, large messages of one letter would be small ones.
    const handler = connectNodeAdapter({
      routes: (router) => router.service(GreetService, handlers),
      acceptCompression: [],
    });
    const server = createServer(handler);
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("error", () => {});
      session.on("close", () => sessions.delete(session));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const closed = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
    return {
      port: (server.address() as AddressInfo).port,
      // connect-es has no shutdown: this is how a Node server is stopped in order.
      async stop() {
        const done = closed();
        for (const session of sessions) session.close();
        await done;
      },
      async cut() {
        const done = closed();
        for (const session of sessions) session.destroy();
        await done;
      },
    };
  },
  connect(port) {
    const baseUrl = `http://127.0.0.1:${port}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    const transport = createGrpcTransport({ baseUrl, sessionManager, acceptCompression: [] });
    return { ...createClient(GreetService, transport), close: async () => sessionManager.abort() };
  },
  failure: (code, text) => new ConnectError(text, code as Code),
  read(error) {
    const { code, rawMessage } = ConnectError.from(error);
    return { code, text: rawMessage };
  },
};
