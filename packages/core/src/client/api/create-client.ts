// SPDX-License-Identifier: Apache-2.0
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor, makeAnyClient, type Transport } from "@connectrpc/connect";
import { choose } from "../../engine/message/compress-choice.js";
import { asMessage } from "../../engine/message/message-codec.js";
import { errorFromThrown } from "../../log/thrown.js";
import {
  anyValue,
  checkOptions,
  faultOfOptions,
  func,
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
import { describeValue } from "../../options/describe-value.js";
import { CheckedHeaders } from "../../protocol/checked-headers.js";
import { appendHeaders, replaceHeaders } from "../../protocol/metadata.js";
import { quote } from "../../protocol/quote.js";
import { runIsolated } from "../../runtime/async-context.js";
import { isThenable } from "../../runtime/iterator.js";
import { CallScope, type RequestMaker } from "../call/call-scope.js";
import { foreignMethod } from "../call/foreign-method.js";
import { observeInContext } from "../call/observe-in-context.js";
import { RequestQueue } from "../call/request-queue.js";
import { RequestSource } from "../call/request-source.js";
import { StreamCall } from "../call/stream-call.js";
import { withSelector } from "../transport/create-transport.js";
import { isEngineTransport, type PreparedMethod, prepareMethod } from "../transport/engine-transport.js";
import { awaitableClient } from "./awaitable-client.js";
import { type CallObserver, observeReceived } from "./call-observer.js";
import type { SendOptions, TripleCallOptions } from "./call-options.js";
import { applyInterceptors, callRequest, checkResponse, type Next } from "./call-request.js";
import { callOf } from "./call-response.js";
import {
  type BidiStream,
  BidiStreamHandle,
  type ClientStream,
  ClientStreamHandle,
  onlyMessage,
  type ServerStream,
  ServerStreamHandle,
} from "./stream-handles.js";

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

class ClientMethodCaller implements RequestMaker {
  private readonly desc: DescMethodUnary | DescMethodStreaming;
  private readonly name: string;
  private readonly prepared: PreparedMethod;
  private readonly chain: Next;
  private readonly timeoutMs: number | undefined;
  private readonly selector: { readonly group: string; readonly version: string };
  private readonly fixedHeaders: Headers | null;
  private readonly askHeaders: (() => HeadersInit | Promise<HeadersInit>) | null;

  constructor(desc: DescMethodUnary | DescMethodStreaming, transport: Transport, options: ClientOptions) {
    this.desc = desc;
    const serviceName = options.interface ?? desc.parent.typeName;
    this.name = `${serviceName}/${desc.name}`;
    const defaults = isEngineTransport(transport) ? transport.defaults : { group: "", version: "" };
    this.selector = { group: options.group ?? defaults.group, version: options.version ?? defaults.version };
    const timeoutMs = options.methods?.[desc.localName]?.timeoutMs ?? options.timeoutMs;
    this.timeoutMs = positive(timeoutMs);
    this.askHeaders = typeof options.headers === "function" ? options.headers : null;
    this.fixedHeaders =
      typeof options.headers === "function" || options.headers === undefined
        ? null
        : new CheckedHeaders(options.headers);
    const headers: string[] = [];
    if (this.fixedHeaders !== null) appendHeaders(headers, this.fixedHeaders);
    const settings = { ...this.selector, serviceName, headers };
    this.prepared = isEngineTransport(transport)
      ? transport[prepareMethod](desc, settings)
      : foreignMethod(desc, transport, settings);
    this.chain = applyInterceptors(this.prepared.call, options.interceptors ?? []);
  }

  /** @inheritdoc */
  get url(): string {
    return this.prepared.url;
  }

  /** @inheritdoc */
  makeHeaders(ofCall: HeadersInit | undefined): Headers {
    return this.combine(this.fixedHeaders ?? undefined, ofCall);
  }

  readonly unary = (message: unknown, options?: TripleCallOptions): Promise<unknown> => {
    const scope = this.scope(options);
    if (message === undefined) scope.cancel(this.noMessage());
    return new Promise((resolve, reject) => {
      if (scope.error !== null) {
        reject(scope.error);
        return;
      }
      let observer: CallObserver | undefined = observeInContext(options);
      scope.onEnd = (error) => {
        if (error === null) return;
        if (observer) observeReceived(scope, observer);
        reject(error);
      };
      const failed = (error: unknown): void => scope.cancel(errorFromThrown(error));
      let response: ReturnType<Next>;
      try {
        // An interceptor may return a plain value in place of a promise.
        const given = asMessage(this.desc.input, message as never);
        response = Promise.resolve(runIsolated(this.begin, this, scope, given));
      } catch (error) {
        failed(errorFromThrown(error, Code.Internal));
        return;
      }
      response.then((res) => {
        if (scope.over) return;
        try {
          checkResponse(res, this.name);
          observer = undefined;
          options?.onHeader?.(res.header);
          if (options?.onCompressed !== undefined) {
            const compressed = callOf(res)?.reader.compressed;
            if (compressed !== undefined) options.onCompressed(compressed);
          }
          options?.onTrailer?.(res.trailer);
        } catch (error) {
          failed(error);
          return;
        }
        scope.finish(null);
        resolve(res.message);
      }, failed);
    });
  };

  readonly serverStream = (message: unknown, options?: TripleCallOptions): ServerStream<unknown> =>
    new ServerStreamHandle(this.streamCall(this.messageScope(message, options), [message], options));

  readonly clientStream = (
    first?: Messages<unknown> | TripleCallOptions,
    second?: TripleCallOptions,
  ): ClientStream<unknown, unknown> | Promise<unknown> => {
    if (isMessages(first)) {
      const call = this.streamCall(this.scope(second), first, second);
      return onlyMessage(call, call);
    }
    const scope = this.handleScope(first);
    const queue = new RequestQueue(this.desc.input, scope);
    return new ClientStreamHandle(this.streamCall(scope, queue, first), queue, this.copyWithOptions);
  };

  readonly bidiStream = (
    first?: Messages<unknown> | TripleCallOptions,
    second?: TripleCallOptions,
  ): BidiStream<unknown, unknown> | ServerStream<unknown> => {
    if (isMessages(first)) return new ServerStreamHandle(this.streamCall(this.scope(second), first, second));
    const scope = this.handleScope(first);
    const queue = new RequestQueue(this.desc.input, scope);
    return new BidiStreamHandle(this.streamCall(scope, queue, first), queue, this.copyWithOptions);
  };

  /** A copy of the message for `options`: the given object may be sent again with others. Throws for invalid options. */
  private readonly copyWithOptions = (given: unknown, options: SendOptions): unknown => {
    checkOptions(`send() of ${this.name}`, options, sendOptionKinds);
    const { compress } = options;
    if (compress === undefined) return given;
    this.checkCompress(compress);
    const message = asMessage(this.desc.input, given as never);
    const own =
      message === given ? Object.assign(Object.create(Object.getPrototypeOf(given)), given) : message;
    choose(own, compress);
    return own;
  };

  private checkCompress(compress: unknown): void {
    if (typeof compress !== "boolean") {
      throw new ConnectError(
        `option compress of ${this.name} is ${describeValue(compress)}: pass true or false, or leave it out`,
        Code.InvalidArgument,
      );
    }
    this.prepared.checkCompress(compress);
  }

  private streamCall(
    scope: CallScope,
    given: Messages<unknown> | RequestQueue,
    options: TripleCallOptions | undefined,
  ): StreamCall<unknown> {
    if (given instanceof RequestQueue) {
      return new StreamCall(
        scope,
        options ?? {},
        () => this.begin(scope, given),
        () => given.over(),
        () => given.answered(),
      );
    }
    const message = new RequestSource(this.desc.input, given, scope);
    return new StreamCall(scope, options ?? {}, () => this.begin(scope, message));
  }

  private messageScope(message: unknown, options: TripleCallOptions | undefined): CallScope {
    const scope = this.scope(options);
    if (message === undefined) scope.cancel(this.noMessage());
    return scope;
  }

  private noMessage(): ConnectError {
    return new ConnectError(
      `${this.name} was called without a message: pass one of type ${this.desc.input.typeName}, or {} for an empty one`,
      Code.InvalidArgument,
    );
  }

  /** Of a call without messages: what it is given instead has to be options, or they were meant to be messages. */
  private handleScope(options: TripleCallOptions | undefined): CallScope {
    if (mayBeOptions(options)) return this.scope(options);
    const scope = this.scope(undefined);
    scope.cancel(
      new ConnectError(
        `${describeValue(options)} is neither messages nor options of a call: give an AsyncIterable or an Iterable of messages, or nothing and send them by the handle`,
        Code.InvalidArgument,
      ),
    );
    return scope;
  }

  private scope(options: TripleCallOptions | undefined): CallScope {
    const timeoutMs = options?.timeoutMs === undefined ? this.timeoutMs : positive(options.timeoutMs);
    const scope = new CallScope(this.name, timeoutMs, options?.signal, this.prepared.deadlines);
    scope.maker = this;
    if (options !== undefined) {
      const fault = faultOfOptions(this.name, options, callOptionKinds);
      if (fault !== null) {
        scope.cancel(fault);
        return scope;
      }
      scope.ofCall = options.headers;
      scope.contextValues = options.contextValues;
      if (options.compress !== undefined) this.setCompress(scope, options.compress);
    }
    return scope;
  }

  private setCompress(scope: CallScope, compress: boolean): void {
    try {
      this.checkCompress(compress);
      scope.compress = compress;
    } catch (error) {
      scope.cancel(errorFromThrown(error));
    }
  }

  private begin(scope: CallScope, message: unknown): ReturnType<Next> {
    const ask = this.askHeaders;
    if (ask === null) return this.chain(callRequest(scope, this.desc, message));
    return (async () => {
      scope.headers = this.combine(await ask(), scope.ofCall);
      scope.ofCall = undefined;
      return this.chain(callRequest(scope, this.desc, message));
    })();
  }

  private combine(first: HeadersInit | undefined, second: HeadersInit | undefined): Headers {
    const headers = new CheckedHeaders(first);
    if (second !== undefined) replaceHeaders(headers, new CheckedHeaders(second));
    return withSelector(headers, this.selector);
  }
}

/** As in Connect: 0 and less is no deadline. */
function positive(timeoutMs: number | undefined): number | undefined {
  return timeoutMs !== undefined && timeoutMs > 0 ? timeoutMs : undefined;
}

/** The kinds of a call's options. The signal, the headers and the compression are checked where they are read. */
const callOptionKinds: OptionKinds<TripleCallOptions> = {
  timeoutMs: timeout,
  headers: anyValue,
  signal: anyValue,
  onHeader: func,
  onTrailer: func,
  contextValues: {
    accepts: (value) => hasAll(value, ["get", "set"]),
    wanted: "what createContextValues gives",
  },
  compress: anyValue,
  onCompressed: func,
};

/** The kinds of a message's options. */
const sendOptionKinds: OptionKinds<SendOptions> = { compress: anyValue };

const optionNames = Object.keys(callOptionKinds);

/** True if a value can be meant as options: an object without members, or with one that an option has. */
function mayBeOptions(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  return optionNames.some((name) => name in value) || (Object.keys(value).length === 0 && !isThenable(value));
}

function isMessages(value: unknown): value is Messages<unknown> {
  return (
    typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}
