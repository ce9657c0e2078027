// SPDX-License-Identifier: Apache-2.0
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { type Interceptor, makeAnyClient, type Transport } from "@connectrpc/connect";
import {
  anyValue,
  checkOptions,
  generatedService,
  hasAll,
  interceptors,
  isService,
  type OptionKinds,
  object,
  text,
  timeout,
  wrongArgument,
} from "../../options/check-options.js";
import { quote } from "../../protocol/quote.js";
import { awaitableClient } from "./awaitable-client.js";
import type { TripleCallOptions } from "./call-options.js";
import { ClientMethodCaller } from "./client-method-caller.js";
import type { BidiStream, ClientStream, ServerStream } from "./stream-handles.js";

/** A stream of messages that an application gives: an async generator, an array, any iterable. */
export type Messages<I> = AsyncIterable<I> | Iterable<I>;

/** A client of a service: a function per method, by its kind. The last argument is Connect's `CallOptions`, with Triple's additions. */
export type Client<Desc extends DescService> = {
  [P in keyof Desc["method"]]: ClientMethodOf<Desc["method"][P]>;
};

/** The function of one method. */
export type ClientMethodOf<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: TripleCallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: TripleCallOptions) => ServerStream<MessageShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? {
            (options?: TripleCallOptions): ClientStream<MessageInitShape<I>, MessageShape<O>>;
            (requests: Messages<MessageInitShape<I>>, options?: TripleCallOptions): Promise<MessageShape<O>>;
          }
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? {
              (options?: TripleCallOptions): BidiStream<MessageInitShape<I>, MessageShape<O>>;
              (
                requests: Messages<MessageInitShape<I>>,
                options?: TripleCallOptions,
              ): ServerStream<MessageShape<O>>;
            }
          : never;

/**
 * The handle of a method with a stream, for the type of a parameter: `HandleOf<typeof GreetService.method.greetStream>` is what
 * `client.greetStream()` returns.
 */
export type HandleOf<M extends DescMethod> =
  M extends DescMethodServerStreaming<infer _, infer O>
    ? ServerStream<MessageShape<O>>
    : M extends DescMethodClientStreaming<infer I, infer O>
      ? ClientStream<MessageInitShape<I>, MessageShape<O>>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? BidiStream<MessageInitShape<I>, MessageShape<O>>
        : never;

/** Options of a client; a call's own `CallOptions` come before them. */
export interface ClientOptions<Desc extends DescService = DescService> {
  /** Service group to ask for. Default: the transport's, else none. */
  group?: string | undefined;
  /** Service version to ask for. Default: the transport's, else none. */
  version?: string | undefined;
  /** Name of the service on the wire, if it is not the proto's full name: a Java interface, say. */
  interface?: string | undefined;
  /** Deadline of each call in milliseconds, connecting included. Default: none. */
  timeoutMs?: number | undefined;
  /**
   * Headers of each call, or a function that is asked before each call: for a token that expires, say. Names that belong to
   * the protocol, values with other characters than visible ASCII, and what is no headers (null, too: leave them out) are
   * refused with `InvalidArgument`; `createClient` throws it for those given here.
   */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined;
  /** Connect's interceptors, outermost first; a transport's are inside of them. */
  interceptors?: Interceptor[] | undefined;
  /** Options of single methods, by their local names. */
  methods?: { [P in keyof Desc["method"]]?: MethodOptions | undefined } | undefined;
}

/** Options of one method. */
export interface MethodOptions {
  /** Deadline in milliseconds; 0 and less for none, whatever the client has. */
  timeoutMs?: number | undefined;
}

/**
 * Makes a client of a service. Over a transport of Connect's own it has the same handles; there they cancel by the signal.
 */
export function createClient<T extends DescService>(
  service: T,
  transport: Transport,
  options: ClientOptions<NoInfer<T>> = {},
): Client<T> {
  checkClient(service, transport, options as ClientOptions);
  const client = makeAnyClient(service, (method) => {
    const caller = new ClientMethodCaller(method, transport, options as ClientOptions);
    switch (method.methodKind) {
      case "unary":
        return caller.unary;
      case "server_streaming":
        return caller.serverStream;
      case "client_streaming":
        return caller.clientStream;
      case "bidi_streaming":
        return caller.bidiStream;
    }
  }) as Client<T>;
  return awaitableClient(client);
}

const clientOptionKinds: OptionKinds<ClientOptions> = {
  group: text,
  version: text,
  interface: text,
  timeoutMs: timeout,
  headers: anyValue,
  interceptors,
  methods: object,
};

const methodOptionKinds: OptionKinds<MethodOptions> = { timeoutMs: timeout };

function checkClient(service: DescService, transport: Transport, options: ClientOptions): void {
  if (!isService(service)) throw wrongArgument("the service of createClient", service, generatedService);
  if (typeof transport === "string") {
    const address = quote(transport);
    throw wrongArgument("the transport of createClient", transport, `createTransport(${address})`);
  }
  if (!hasAll(transport, ["unary", "stream"])) {
    throw wrongArgument(
      "the transport of createClient",
      transport,
      "a transport, such as createTransport(…) gives",
    );
  }
  checkOptions("createClient", options, clientOptionKinds);
  if (options.methods === undefined) return;
  const methods = Object.fromEntries(service.methods.map(({ localName }) => [localName, object]));
  checkOptions("methods of createClient", options.methods, methods);
  for (const [name, given] of Object.entries(options.methods))
    if (given !== undefined) checkOptions(`method ${name} of createClient`, given, methodOptionKinds);
}
