// SPDX-License-Identifier: Apache-2.0
import type { TransportOptions, TripleTransport } from "@tristream/core";
import { Connection } from "@tristream/http2";
import { memoryPair } from "@tristream/testing";
import { createTransportOf } from "../src/client/transport/create-transport.js";
import { connectUnary } from "../src/dialects/connect/unary.js";
import type { Dialect } from "../src/dialects/dialect.js";
import { grpc } from "../src/dialects/grpc/grpc.js";
import { createServerOf, type Server, type ServerOptions } from "../src/server/lifecycle/create-server.js";
import { quiet } from "./every-link.js";

/** A server of both dialects, and a transport to it in one of them. `await using` ends both. */
export interface UnaryEnds extends AsyncDisposable {
  readonly server: Server;
  readonly transport: TripleTransport;
}

/** A server that answers gRPC and Connect's unary calls. */
export function serveBoth(options: ServerOptions): Server {
  return createServerOf({ logger: quiet, ...options }, [grpc, connectUnary]);
}

/** Serves in one process to a transport of the given dialect. */
export function startUnary(
  options: ServerOptions & { transport?: TransportOptions },
  dialect: Dialect = connectUnary,
): UnaryEnds {
  const { transport: transportOptions = {}, ...serverOptions } = options;
  const pair = memoryPair();
  const server = serveBoth(serverOptions);
  server.accept(new Connection("server", pair.server));
  const transport = createTransportOf(new Connection("client", pair.client), transportOptions, dialect);
  return {
    server,
    transport,
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.shutdown({ graceMs: 0 });
    },
  };
}
