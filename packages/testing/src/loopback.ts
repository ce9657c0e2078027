// SPDX-License-Identifier: Apache-2.0
import {
  createServer,
  createTransport,
  type Server,
  type ServerOptions,
  type TransportOptions,
  type TripleTransport,
} from "@tristream/core";
import { Connection, type Http2Options } from "@tristream/http2";
import { type LinkHook, type MemoryPair, memoryPair } from "./memory-link.js";

/** Options of {@link loopback}. */
export interface LoopbackOptions extends ServerOptions {
  /** Sees, delays, changes or drops what passes. */
  hook?: LinkHook;
  /** Options of the client's transport. */
  transport?: TransportOptions;
  /** HTTP/2 options of both ends. */
  http2?: Http2Options;
}

/** A server and a transport to it in one process, without sockets: the frames are those of the wire. */
export interface Loopback extends AsyncDisposable {
  readonly server: Server;
  readonly transport: TripleTransport;
  /** The pipe between them, to be cut. */
  readonly pair: MemoryPair;
}

/** Serves routes to a client in the same process. `await using` ends both. */
export function loopback(options: LoopbackOptions): Loopback {
  const { hook, transport: transportOptions, http2, ...serverOptions } = options;
  const pair = memoryPair(hook);
  const server = createServer(serverOptions);
  server.accept(new Connection("server", pair.server, http2));
  const transport = createTransport(new Connection("client", pair.client, http2), transportOptions);
  return {
    server,
    transport,
    pair,
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.shutdown({ graceMs: 0 });
    },
  };
}
