// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { Agent, createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Socket, Server as SocketServer } from "node:net";
import type { ConnectRouter, ConnectRouterOptions, ContextValues } from "@connectrpc/connect";
import { expressConnectMiddleware } from "@connectrpc/connect-express";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import {
  connectNodeAdapter,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import {
  type Compression,
  type MountOptions,
  mount,
  type Transport,
  type TripleRouter,
} from "@tristream/core";
import express from "express";
import { fastify } from "fastify";
import { quiet } from "./every-link.js";

/** The common part of all adapters' requests. */
export interface Caller {
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** The mount of a test. */
export interface MountedRoutes extends MountOptions {
  routes: (router: TripleRouter) => unknown;
  /** Sees the adapter's router when everything is registered. */
  behind?: (router: ConnectRouter) => void;
  /** Options of the adapter, beside its routes. */
  adapter?: Omit<ConnectRouterOptions, "interceptors"> & {
    contextValues?: (req: Caller) => ContextValues;
    requestPathPrefix?: string;
  };
}

/** Routes that listen under an adapter. `await using` ends it, with all its connections. */
export interface Mounted extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
}

/** One of Connect's own adapters, over one version of HTTP. */
export interface Mount {
  readonly title: string;
  readonly http: "1.1" | "2";
  start(routes: MountedRoutes): Promise<Mounted>;
}

function adapted({ routes, behind, adapter, ...options }: MountedRoutes) {
  const register = mount(routes, { logger: quiet, ...options });
  const mounted = (router: ConnectRouter): void => {
    register(router);
    behind?.(router);
  };
  return { ...adapter, routes: mounted };
}

async function listen(server: SocketServer, close?: () => Promise<unknown>): Promise<Mounted> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await (close?.() ?? new Promise((resolve) => server.close(resolve)));
    },
  };
}

async function listenFastify(app: ReturnType<typeof fastify>, routes: MountedRoutes): Promise<Mounted> {
  await app.register(fastifyConnectPlugin, adapted(routes));
  await app.ready();
  return listen(app.server, () => app.close());
}

/** All mounts that there are. Express can't be served over HTTP/2. */
export const mounts: readonly Mount[] = [
  {
    title: "connectNodeAdapter over HTTP/1.1",
    http: "1.1",
    start: (routes) => listen(createHttpServer(connectNodeAdapter(adapted(routes)))),
  },
  {
    title: "connectNodeAdapter over HTTP/2",
    http: "2",
    start: (routes) => listen(createHttp2Server(connectNodeAdapter(adapted(routes)))),
  },
  {
    title: "connect-fastify over HTTP/1.1",
    http: "1.1",
    start: (routes) => listenFastify(fastify(), routes),
  },
  {
    title: "connect-fastify over HTTP/2",
    http: "2",
    // Fastify's type has HTTP/1.1 in it unless the generics of HTTP/2 are spelled out.
    start: (routes) => listenFastify(fastify({ http2: true }) as never, routes),
  },
  {
    title: "connect-express over HTTP/1.1",
    http: "1.1",
    start: (routes) =>
      listen(createHttpServer(express().use(expressConnectMiddleware(adapted(routes) as never)))),
  },
];

/** The mounts over one version of HTTP. */
export const over = (http: "1.1" | "2"): readonly Mount[] => mounts.filter((mount) => mount.http === http);

export type Protocol = "gRPC" | "gRPC-Web" | "Connect";

/** A stock connect-es client of one protocol, and the mount that it reaches. */
export interface Way {
  readonly title: string;
  readonly mount: Mount;
  readonly protocol: Protocol;
}

/** Every protocol over every mount that can carry it: gRPC needs HTTP/2. */
export const ways: readonly Way[] = mounts.flatMap((mount) =>
  (["gRPC", "gRPC-Web", "Connect"] as const)
    .filter((protocol) => protocol !== "gRPC" || mount.http === "2")
    .map((protocol) => ({ title: `${protocol} to ${mount.title}`, mount, protocol })),
);

/** A transport of connect-es, with a connection of its own. */
export interface StockTransport extends Disposable {
  readonly transport: Transport;
}

/** The compression of a stock transport; the way decides its other options. */
export interface StockOptions {
  readonly acceptCompression?: Compression[];
  readonly sendCompression?: Compression;
  readonly compressMinBytes?: number;
  readonly useBinaryFormat?: boolean;
}

/** A stock transport for a protocol over a version of HTTP. */
export function stockTransport(
  port: number,
  protocol: Protocol,
  http: "1.1" | "2",
  more: StockOptions = {},
): StockTransport {
  const baseUrl = `http://127.0.0.1:${port}`;
  if (http === "1.1") {
    const agent = new Agent({ keepAlive: true });
    const options = { ...more, baseUrl, httpVersion: http, nodeOptions: { agent } };
    const transport =
      protocol === "Connect" ? createConnectTransport(options) : createGrpcWebTransport(options);
    return { transport, [Symbol.dispose]: () => agent.destroy() };
  }
  const sessionManager = new Http2SessionManager(baseUrl);
  const options = { ...more, baseUrl, httpVersion: http, sessionManager };
  const make = {
    gRPC: createGrpcTransport,
    "gRPC-Web": createGrpcWebTransport,
    Connect: createConnectTransport,
  };
  return { transport: make[protocol](options), [Symbol.dispose]: () => sessionManager.abort() };
}
