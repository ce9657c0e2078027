// SPDX-License-Identifier: Apache-2.0
// nice-grpc: async generators on top of grpc-js.
import {
  type CallContext,
  type CallOptions,
  ClientError,
  createChannel,
  createClient,
  createServer,
  Metadata as NiceMetadata,
  ServerError,
  type ServiceImplementation,
} from "nice-grpc";
import { selectorHeaders } from "./foreign-connect.js";
import {
  type CallSettings,
  type ClientSettings,
  type GreetClient,
  type GreetServer,
  type Handlers,
  type Metadata,
  mapped,
  Refusal,
  type ServedCall,
} from "./foreign-greet.js";
import { definition, definitionOf, type Greeting, type Named } from "./foreign-grpc-definition.js";

export function connectNiceGrpc(port: number, { selector, compress }: ClientSettings = {}): GreetClient {
  const channel = createChannel(`127.0.0.1:${port}`, undefined, {
    "grpc.default_compression_algorithm": compress === true ? 2 : 0,
    "grpc.use_local_subchannel_pool": 1,
  });
  const client = createClient(definition, channel);
  const options = (call: CallSettings = {}): CallOptions => ({
    metadata: toNice({ ...selectorHeaders(selector), ...timeoutHeader(call), ...call.headers }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
    onHeader: (header) => call.onHeader?.(fromNice(header)),
    onTrailer: (trailer) => call.onTrailer?.(fromNice(trailer)),
  });
  const named = (names: AsyncIterable<string>) => mapped(names, (name) => ({ name }));
  return {
    unary: async (name, call) => (await client.unary({ name }, options(call))).greeting,
    serverStream: (name, call) => mapped(client.serverStream({ name }, options(call)), greetingOf),
    clientStream: async (names, call) => (await client.clientStream(named(names), options(call))).greeting,
    bidi: (names, call) => mapped(client.bidi(named(names), options(call)), greetingOf),
    failure(error) {
      if ((error as Error).name === "AbortError")
        return { code: 1, text: "The operation has been aborted", metadata: undefined };
      if (!(error instanceof ClientError)) throw error;
      return { code: error.code, text: error.details, metadata: undefined };
    },
    async [Symbol.asyncDispose]() {
      channel.close();
    },
  };
}

/** nice-grpc has no deadlines of its own: the server alone keeps what this asks for. */
function timeoutHeader({ timeoutMs }: CallSettings): Metadata {
  return timeoutMs === undefined ? {} : { "grpc-timeout": `${timeoutMs}m` };
}

export async function serveNiceGrpc(handlers: Handlers): Promise<GreetServer> {
  const server = createServer();
  const offered = definitionOf(handlers);
  if (Object.keys(offered).length > 0) server.add(offered as typeof definition, implementation(handlers));
  const port = await server.listen("127.0.0.1:0");
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

function implementation(handlers: Handlers): ServiceImplementation<typeof definition> {
  return {
    unary: ({ name }, context) => reply(context, (served) => handlers.unary!(name, served)),
    clientStream: (requests, context) =>
      reply(context, (served) => handlers.clientStream!(complete(requests, context), served)),
    serverStream: ({ name }, context) => replies(context, (served) => handlers.serverStream!(name, served)),
    bidi: (requests, context) =>
      replies(context, (served) => handlers.bidi!(complete(requests, context), served)),
  };
}

/** nice-grpc ends a cancelled request in order, and leaves it to the handler to ask the signal. */
async function* complete(requests: AsyncIterable<Named>, { signal }: CallContext): AsyncGenerator<string> {
  for await (const { name } of requests) yield name;
  signal.throwIfAborted();
}

async function reply(
  context: CallContext,
  answer: (served: ServedCall) => Promise<string>,
): Promise<Greeting> {
  try {
    return { greeting: await answer(servedCall(context)) };
  } catch (error) {
    throw toServerError(error, context);
  }
}

async function* replies(
  context: CallContext,
  answer: (served: ServedCall) => AsyncIterable<string>,
): AsyncGenerator<Greeting> {
  try {
    for await (const greeting of answer(servedCall(context))) yield { greeting };
  } catch (error) {
    throw toServerError(error, context);
  }
}

function servedCall(context: CallContext): ServedCall {
  return {
    headers: fromNice(context.metadata),
    signal: context.signal,
    peer: context.peer,
    setHeader: (name, value) => context.header.set(name, value as never),
    setTrailer: (name, value) => context.trailer.set(name, value as never),
  };
}

function toServerError(error: unknown, { trailer }: CallContext): unknown {
  if (!(error instanceof Refusal)) return error;
  for (const [name, value] of Object.entries(error.metadata)) trailer.set(name, value as never);
  return new ServerError(error.code, error.message);
}

const greetingOf = ({ greeting }: Greeting): string => greeting;

function toNice(metadata: Metadata): NiceMetadata {
  return NiceMetadata({ ...metadata });
}

function fromNice(metadata: NiceMetadata): Metadata {
  const entries = [...metadata].map(([name, [value = ""]]): [string, string | Uint8Array] => [
    name,
    typeof value === "string" ? value : new Uint8Array(value),
  ]);
  return Object.fromEntries(entries);
}
