// SPDX-License-Identifier: Apache-2.0
import {
  type Clock,
  createServer,
  createTransport,
  keepTime,
  type Server,
  type ServerOptions,
  systemClock,
  type TransportOptions,
  type TripleTransport,
} from "@tristream/core";
import { Connection, type Http2Options } from "@tristream/http2";
import { type LinkHook, type MemoryLink, type MemoryPair, memoryPair } from "./memory-link.js";

/** Options of {@link loopback}. */
export interface LoopbackOptions extends ServerOptions {
  /** Sees, delays, changes or drops what passes. */
  hook?: LinkHook | undefined;
  /** Options of the client's transport. */
  transport?: TransportOptions | undefined;
  /** HTTP/2 options of both ends. */
  http2?: Http2Options | undefined;
  /**
   * The clock of all times of both ends: deadlines, HTTP/2's times, the grace time of a shutdown, reports of stuck handlers. Default:
   * the runtime's. A clock of {@link createClock} advances when the test says so.
   */
  clock?: Clock | undefined;
}

/** A server and a transport to it in one process, without sockets, with the same frames as over sockets. */
export interface Loopback extends AsyncDisposable {
  readonly server: Server;
  readonly transport: TripleTransport;
  /** The pipe between them, to be cut. */
  readonly pair: MemoryPair;
}

/** Serves routes to a client in the same process. `await using` ends both. */
export function loopback(options: LoopbackOptions): Loopback {
  const { hook, transport: transportOptions, http2, clock = systemClock, ...serverOptions } = options;
  const pair = memoryPair(hook, clock);
  const server = createServer({ ...serverOptions, clock });
  server.accept(timed(new Connection("server", pair.server, http2), pair.server, clock));
  const client = timed(new Connection("client", pair.client, http2), pair.client, clock);
  const transport = createTransport(client, { ...transportOptions, clock: transportOptions?.clock ?? clock });
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

/** A connection that ticks by the clock until its link is closed. */
function timed(connection: Connection, link: MemoryLink, clock: Clock): Connection {
  link.onClosed = keepTime(connection, clock);
  return connection;
}
