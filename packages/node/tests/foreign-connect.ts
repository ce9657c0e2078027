// SPDX-License-Identifier: Apache-2.0
// Ours and connect-es: their clients, handlers and errors have the same shape, so that one adapter serves both.
import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import {
  type CallOptions,
  type Code,
  ConnectError,
  type ConnectRouter,
  createClient as createConnectClient,
  createContextKey,
  createContextValues,
  decodeBinaryHeader,
  encodeBinaryHeader,
  type HandlerContext,
  type Client as OfConnect,
} from "@connectrpc/connect";
import {
  compressionGzip,
  connectNodeAdapter,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve, type TripleContext } from "@tristream/node";
import {
  type CallSettings,
  type ClientSettings,
  type GreetClient,
  type GreetServer,
  type Handlers,
  type Metadata,
  mapped,
  Refusal,
  type Selector,
  type ServedCall,
  type ServerSettings,
} from "./foreign-greet.js";

const { greet, greetServerStream, greetClientStream, greetStream } = GreetService.method;

/** Our client on our transport. */
export function connectOurs(port: number, { selector, compress }: ClientSettings = {}): GreetClient {
  const transport = createTransport(`tri://127.0.0.1:${port}`, sending(compress));
  return client(createClient(GreetService, transport, selector ?? {}), () => transport.close());
}

/** Connect's own `createClient` on our transport. */
export function connectStockOnOurs(port: number, { selector, compress }: ClientSettings = {}): GreetClient {
  const query = selector === undefined ? "" : `?group=${selector.group}&version=${selector.version}`;
  const transport = createTransport(`tri://127.0.0.1:${port}${query}`, sending(compress));
  return client(createConnectClient(GreetService, transport), () => transport.close());
}

/** connect-es, over node:http2. */
export function connectStock(port: number, { selector, compress }: ClientSettings = {}): GreetClient {
  const { transport, close } = stockTransport(port, compress);
  return client(createConnectClient(GreetService, transport), close, selectorHeaders(selector));
}

/** Our client over a transport of connect-es. */
export function connectOursOnStock(port: number, { selector, compress }: ClientSettings = {}): GreetClient {
  const { transport, close } = stockTransport(port, compress);
  return client(createClient(GreetService, transport, selector ?? {}), close);
}

/** A transport of connect-es, and how to close its connection. */
export function stockTransport(port: number, compress?: boolean) {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager, ...sending(compress) });
  return { transport, close: async () => sessionManager.abort() };
}

function sending(compress: boolean | undefined) {
  return compress === true ? { sendCompression: compressionGzip } : {};
}

function client(
  greeter: OfConnect<typeof GreetService>,
  close: () => Promise<void>,
  ofEach: Metadata = {},
): GreetClient {
  const options = (call: CallSettings = {}): CallOptions => ({
    headers: appended(new Headers(), { ...ofEach, ...call.headers }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
    ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    ...(call.onHeader === undefined ? {} : { onHeader: (header) => call.onHeader?.(fromHeaders(header)) }),
    ...(call.onTrailer === undefined
      ? {}
      : { onTrailer: (trailer) => call.onTrailer?.(fromHeaders(trailer)) }),
  });
  const named = (names: AsyncIterable<string>) => mapped(names, (name) => ({ name }));
  return {
    unary: async (name, call) => (await greeter.greet({ name }, options(call))).greeting,
    serverStream: (name, call) => mapped(greeter.greetServerStream({ name }, options(call)), greeting),
    clientStream: async (names, call) =>
      (await greeter.greetClientStream(named(names), options(call))).greeting,
    bidi: (names, call) => mapped(greeter.greetStream(named(names), options(call)), greeting),
    failure(error) {
      if (!(error instanceof ConnectError)) throw error;
      return { code: error.code, text: error.rawMessage, metadata: fromHeaders(error.metadata) };
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Our server. */
export async function serveOurs(handlers: Handlers, settings: ServerSettings = {}): Promise<GreetServer> {
  const server = await serve({
    port: 0,
    host: "127.0.0.1",
    compressResponses: settings.compress === true,
    logger: { ...console, debug() {} },
    routes: (router) => {
      const served = (context: HandlerContext) =>
        servedCall(context, (context as TripleContext).peer.address);
      register(router, handlers, served, settings.selector);
    },
  });
  return {
    port: server.port,
    stop: () => server.shutdown(),
    async [Symbol.asyncDispose]() {
      await server.shutdown({ graceMs: 0 });
    },
  };
}

const peerKey = createContextKey("");

/** The server of connect-es, on node:http2. It compresses large messages by default. */
export async function serveStock(handlers: Handlers, settings: ServerSettings = {}): Promise<GreetServer> {
  const adapter = connectNodeAdapter({
    routes: (router) =>
      register(router, handlers, (context) => servedCall(context, context.values.get(peerKey))),
    contextValues: (req) => createContextValues().set(peerKey, `127.0.0.1:${req.socket.remotePort}`),
    ...(settings.compress === false ? { acceptCompression: [] } : {}),
  });
  const server = createServer(adapter);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type ConnectRouteOptions = Parameters<ConnectRouter["rpc"]>[2];

/** Registers the kinds that there are, each alone: the other paths stay unknown. */
function register(
  router: ConnectRouter,
  { unary, serverStream, clientStream, bidi }: Handlers,
  served: (context: HandlerContext) => ServedCall,
  selector?: Selector,
): void {
  // Group and version are options of our router; Connect's is given none.
  const options = { ...selector } as ConnectRouteOptions;
  if (unary !== undefined)
    router.rpc(greet, ({ name }, context) => reply(() => unary(name, served(context))), options);
  if (serverStream !== undefined)
    router.rpc(
      greetServerStream,
      ({ name }, context) => replies(serverStream(name, served(context))),
      options,
    );
  if (clientStream !== undefined) {
    router.rpc(
      greetClientStream,
      (requests, context) => reply(() => clientStream(mapped(requests, nameOf), served(context))),
      options,
    );
  }
  if (bidi !== undefined) {
    router.rpc(
      greetStream,
      (requests, context) => replies(bidi(mapped(requests, nameOf), served(context))),
      options,
    );
  }
}

function servedCall(context: HandlerContext, peer: string): ServedCall {
  return {
    headers: fromHeaders(context.requestHeader),
    signal: context.signal,
    peer,
    setHeader: (name, value) => appended(context.responseHeader, { [name]: value }),
    setTrailer: (name, value) => appended(context.responseTrailer, { [name]: value }),
  };
}

async function reply(answer: () => Promise<string>): Promise<{ greeting: string }> {
  try {
    return { greeting: await answer() };
  } catch (error) {
    throw toConnectError(error);
  }
}

async function* replies(greetings: AsyncIterable<string>): AsyncGenerator<{ greeting: string }> {
  try {
    for await (const greeting of greetings) yield { greeting };
  } catch (error) {
    throw toConnectError(error);
  }
}

function toConnectError(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  return new ConnectError(error.message, error.code as Code, appended(new Headers(), error.metadata));
}

const greeting = (message: { greeting: string }): string => message.greeting;
const nameOf = (message: { name: string }): string => message.name;

/** Group and version as a peer that knows nothing of them sends them. */
export function selectorHeaders(selector: Selector | undefined): Metadata {
  if (selector === undefined) return {};
  return { "tri-service-group": selector.group, "tri-service-version": selector.version };
}

function appended(headers: Headers, metadata: Metadata): Headers {
  for (const [name, value] of Object.entries(metadata))
    headers.append(name, typeof value === "string" ? value : encodeBinaryHeader(value));
  return headers;
}

function fromHeaders(headers: Headers): Metadata {
  const metadata: Record<string, string | Uint8Array> = {};
  headers.forEach((value, name) => {
    metadata[name] = name.endsWith("-bin") ? decodeBinaryHeader(value) : value;
  });
  return metadata;
}
