// SPDX-License-Identifier: Apache-2.0
// Who talks to whom in the tests of foreign peers: one end is always ours.
import {
  connectOurs,
  connectOursOnStock,
  connectStock,
  connectStockOnOurs,
  serveOurs,
  serveStock,
} from "./foreign-connect.js";
import type { ClientSettings, GreetClient, GreetServer, Handlers, ServerSettings } from "./foreign-greet.js";
import { connectGrpcJs, serveGrpcJs } from "./foreign-grpc-js.js";
import { connectNiceGrpc, serveNiceGrpc } from "./foreign-nice-grpc.js";

export interface Pair {
  readonly title: string;
  /** Which end is our own code; `client` also for our client over a foreign transport. */
  readonly ours: "client" | "server";
  readonly client: "connect-es" | "grpc-js" | "nice-grpc" | "tristream" | "mixed";
  /** Which ends are on our engine: over our own HTTP/2. */
  readonly engine: { readonly client: boolean; readonly server: boolean };
  readonly connect: (port: number, settings?: ClientSettings) => GreetClient;
  readonly serve: (handlers: Handlers, settings?: ServerSettings) => Promise<GreetServer>;
}

export interface AnyClient {
  readonly title: string;
  readonly client: Pair["client"];
  readonly connect: Pair["connect"];
}

export interface AnyServer {
  readonly title: string;
  readonly serve: Pair["serve"];
}

const ourServer: AnyServer = { title: "our server", serve: serveOurs };
const ourClient: AnyClient = { title: "our client", client: "tristream", connect: connectOurs };
const ourClientOnStock: AnyClient = {
  title: "our client over Connect's transport",
  client: "mixed",
  connect: connectOursOnStock,
};

const foreignClients: readonly AnyClient[] = [
  { title: "a connect-es client", client: "connect-es", connect: connectStock },
  { title: "a grpc-js client", client: "grpc-js", connect: connectGrpcJs },
  { title: "a nice-grpc client", client: "nice-grpc", connect: connectNiceGrpc },
  { title: "Connect's createClient on our transport", client: "mixed", connect: connectStockOnOurs },
];

const foreignServers: readonly AnyServer[] = [
  { title: "a connect-es server", serve: serveStock },
  { title: "a grpc-js server", serve: serveGrpcJs },
  { title: "a nice-grpc server", serve: serveNiceGrpc },
];

/** A server of each library. */
export const servers: readonly AnyServer[] = [ourServer, ...foreignServers];

/** A client of each library. */
export const clients: readonly AnyClient[] = [ourClient, ...foreignClients];

function pair(ours: Pair["ours"], client: AnyClient, server: AnyServer): Pair {
  const engine = {
    client: client === ourClient || client.connect === connectStockOnOurs,
    server: server === ourServer,
  };
  return { ...client, ...server, ours, engine, title: `${client.title} and ${server.title}` };
}

/** Every pair: each foreign client with our server, our client with each foreign server, and the mixtures. */
export const pairs: readonly Pair[] = [
  ...foreignClients.map((client) => pair("server", client, ourServer)),
  ...foreignServers.map((server) => pair("client", ourClient, server)),
  pair("client", ourClientOnStock, ourServer),
];

/** Both ends of a pair, connected. */
export interface Ends extends AsyncDisposable {
  readonly client: GreetClient;
  readonly server: GreetServer;
}

/** Starts both ends; `await using` ends both. */
export async function open(
  pair: Pair,
  handlers: Handlers,
  settings: { client?: ClientSettings; server?: ServerSettings } = {},
): Promise<Ends> {
  const server = await pair.serve(handlers, settings.server);
  const client = pair.connect(server.port, settings.client);
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
