// SPDX-License-Identifier: Apache-2.0
import { createServer, type ServerHttp2Session } from "node:http2";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { BenchService } from "../../gen/bench_pb.js";
import { handlers } from "../handlers.js";
import type { Peer } from "../peer.js";
import { iterableClient } from "./iterable-client.js";
import { settings, WINDOW, wideSession } from "./wide-session.js";

/** connect-es over node:http2, with its gRPC protocol; bench/README.md says what settings were tried. */
export const peer: Peer = {
  async startServer(served) {
    const handler = connectNodeAdapter({
      routes: (router) => router.service(BenchService, handlers(served)),
      acceptCompression: [],
      connect: false,
      grpcWeb: false,
    });
    const server = createServer({ settings }, handler);
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.setLocalWindowSize(WINDOW);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    // A server that listens on TCP has an address with a port.
    const { port } = server.address() as { port: number };
    return {
      port,
      async close() {
        for (const session of sessions) session.destroy();
        server.close();
      },
    };
  },
  async connect(port) {
    const baseUrl = `http://127.0.0.1:${port}`;
    const sessionManager = wideSession(baseUrl);
    const transport = createGrpcTransport({ baseUrl, sessionManager, acceptCompression: [] });
    return iterableClient(createClient(BenchService, transport), () => sessionManager.close());
  },
};
