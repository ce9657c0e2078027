// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  type Interceptor,
  type StreamResponse,
  type Transport,
  type UnaryResponse,
} from "@connectrpc/connect";
import type { Connection } from "../../carrier/connection.js";
import type { Compression } from "../../connect-private.js";
import { transportDialect } from "../../dialects/default.js";
import type { Dialect } from "../../dialects/dialect.js";
import { type DeadlineWheel, deadlinesOf } from "../../engine/call/deadline.js";
import { type FormatOptions, formatOptionKinds, formatOptions } from "../../engine/message/format-options.js";
import { asMessage, messageCodec } from "../../engine/message/message-codec.js";
import { flushWarnings } from "../../log/client-log.js";
import { errorFromThrown } from "../../log/thrown.js";
import {
  checkOptions,
  clock as clockKind,
  compression,
  compressions,
  flag,
  hasAll,
  interceptors,
  type OptionKinds,
  wrongArgument,
} from "../../options/check-options.js";
import { defaultMaxElements, largestMessage, size, sizeOrZero } from "../../options/number-options.js";
import { CheckedHeaders } from "../../protocol/checked-headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { selectorFields } from "../../protocol/selector.js";
import { runIsolated } from "../../runtime/async-context.js";
import { type Clock, systemClock } from "../../runtime/clock.js";
import {
  type AnyResponse,
  applyInterceptors,
  callRequest,
  checkResponse,
  type Next,
} from "../api/call-request.js";
import { CallScope } from "../call/call-scope.js";
import { MethodCaller } from "../call/method-caller.js";
import { readOnce } from "../call/read-once.js";
import { RequestSource } from "../call/request-source.js";
import { WatchedMessages } from "../call/watched-messages.js";
import {
  type EngineTransport,
  type MethodSettings,
  type PreparedMethod,
  prepareMethod,
} from "./engine-transport.js";

/** Options of a transport. Sizes are in bytes. */
export interface TransportOptions extends FormatOptions {
  /** Connect's interceptors, outermost first; those of a client are outside of them. */
  interceptors?: Interceptor[] | undefined;
  /** Largest message that is received, after decompression. Default 4,194,304 (4 MiB). Pair it with the server's `writeMaxBytes`. */
  readMaxBytes?: number | undefined;
  /**
   * Most elements of a message that is received: messages in it, strings and bytes in lists, entries of maps, and unknown fields. Each
   * takes an object of up to 200 bytes. A message with more ends its call with `ResourceExhausted`. Default: `readMaxBytes` / 8, at
   * least 1000, so 524,288.
   */
  readMaxElements?: number | undefined;
  /** Largest message that is sent, before compression. Default 4,294,967,295. */
  writeMaxBytes?: number | undefined;
  /** Compressions that responses may come with. Default none here; `@tristream/node` adds gzip. */
  acceptCompression?: Compression[] | undefined;
  /** Compression of requests. Default none. */
  sendCompression?: Compression | undefined;
  /** Requests below this size are not compressed. Default 1024. */
  compressMinBytes?: number | undefined;
  /** Sends JSON (`application/grpc+json`) instead of binary messages. Default false. */
  useJson?: boolean | undefined;
  /**
   * The clock of deadlines. Default: the runtime's, which a test's fake timers don't stop. For tests: `createClock` of
   * `@tristream/testing`.
   */
  clock?: Clock | undefined;
}

/** The kinds of {@link TransportOptions}. */
export const transportOptionKinds: OptionKinds<TransportOptions> = {
  ...formatOptionKinds,
  interceptors,
  readMaxBytes: size,
  readMaxElements: size,
  writeMaxBytes: size,
  acceptCompression: compressions,
  sendCompression: compression,
  compressMinBytes: sizeOrZero,
  useJson: flag,
  clock: clockKind,
};

/** A call that waits for a connection. */
export interface WaitingCall {
  /** Fires when the call no longer waits. Read it only if there is no connection yet: the first read makes the signal. */
  readonly signal: AbortSignal;
}

/** Where a transport gets its connections. */
export interface Connector {
  /**
   * A connection for new calls: the open one, or a new one. Rejects with the reason if there is no connection. `call` is the call that
   * waits: a connection that no call waits for must not keep the process alive.
   */
  connect(call?: WaitingCall): Connection | Promise<Connection>;
  /** Ends all connections; calls that run end with `Unavailable`. */
  close(): Promise<void>;
  /** Group and version of every call whose client names none. */
  readonly group?: string;
  readonly version?: string;
}

/** Connect's `Transport` over the engine. `await using` closes it. */
export interface TripleTransport extends Transport, AsyncDisposable {
  /** Ends its connections; calls that run end with `Unavailable`, later ones are refused. May be repeated. */
  close(): Promise<void>;
}

/**
 * Makes a transport of a connection that is not started, or of a connector. Throws `InvalidArgument` for an invalid option.
 */
export function createTransport(
  connector: Connector | Connection,
  options: TransportOptions = {},
): TripleTransport {
  checkOptions("createTransport", options, transportOptionKinds);
  if (!hasAll(connector, ["connect", "close"]) && !hasAll(connector, ["open", "prepare"])) {
    throw wrongArgument("the connector of createTransport", connector, "a connector, or a connection");
  }
  return createTransportOf(connector, options, transportDialect);
}

/** Makes a transport that makes its calls in a dialect. */
export function createTransportOf(
  connector: Connector | Connection,
  options: TransportOptions,
  dialect: Dialect,
): TripleTransport {
  const provider = "connect" in connector ? connector : singleConnection(connector);
  return new ConnectorTransport(provider, options, dialect);
}

class ConnectorTransport implements TripleTransport, EngineTransport {
  readonly defaults: { readonly group: string; readonly version: string };
  private readonly connector: Connector;
  private readonly options: TransportOptions;
  private readonly readMaxBytes: number;
  private readonly readMaxElements: number;
  private readonly writeMaxBytes: number;
  private readonly compressMinBytes: number;
  private readonly codecOptions: FormatOptions;
  private readonly dialect: Dialect;
  private readonly format: MessageFormat;
  /** See {@link ClientMethod.plainHead}. */
  private readonly plainHead = {};
  private readonly deadlines: DeadlineWheel;
  private readonly plain = new WeakMap<DescMethod, PreparedMethod>();
  private closed = false;

  constructor(connector: Connector, options: TransportOptions, dialect: Dialect) {
    this.dialect = dialect;
    this.readMaxBytes = options.readMaxBytes ?? 4_194_304;
    this.readMaxElements = options.readMaxElements ?? defaultMaxElements("responses", this.readMaxBytes);
    this.writeMaxBytes = options.writeMaxBytes ?? largestMessage;
    this.compressMinBytes = options.compressMinBytes ?? 1024;
    this.codecOptions = formatOptions(options);
    this.connector = connector;
    this.deadlines = deadlinesOf(options.clock ?? systemClock);
    this.options = options;
    this.format = options.useJson === true ? "json" : "proto";
    this.defaults = { group: connector.group ?? "", version: connector.version ?? "" };
  }

  unary: Transport["unary"] = (method, signal, timeoutMs, header, input, contextValues) => {
    const { scope, call } = this.plainCall(method, signal, timeoutMs, header, contextValues);
    return new Promise((resolve, reject) => {
      if (scope.error !== null) {
        reject(scope.error);
        return;
      }
      scope.onEnd = (error) => {
        if (error !== null) reject(error);
      };
      runIsolated(begin, null, () => call(callRequest(scope, method, asMessage(method.input, input))))
        .then((res) => {
          checkResponse(res, scope.name);
          scope.finish(null);
          resolve(res as UnaryResponse as never);
        })
        .catch((error) => scope.cancel(errorFromThrown(error)));
    });
  };

  stream: Transport["stream"] = (method, signal, timeoutMs, header, input, contextValues) => {
    const { scope, call } = this.plainCall(method, signal, timeoutMs, header, contextValues);
    return new Promise((resolve, reject) => {
      if (scope.error !== null) {
        reject(scope.error);
        return;
      }
      scope.onEnd = (error) => {
        // A call that failed by itself may have begun to answer: the messages that arrived come before its error.
        if (error !== null && scope.canceled) reject(error);
      };
      runIsolated(begin, null, () => {
        const messages = method.methodKind === "server_streaming" ? readOnce(input) : input;
        return call(callRequest(scope, method, new RequestSource(method.input, messages, scope)));
      })
        .then((res) => {
          checkResponse(res, scope.name);
          const answer = res as StreamResponse;
          const message = answer.message as AsyncIterable<unknown>;
          const watched =
            signal === undefined ? answer : { ...answer, message: new WatchedMessages(message, scope) };
          resolve(watched as never);
        })
        .catch((error) => {
          scope.cancel(errorFromThrown(error));
          reject(scope.error ?? error);
        });
    });
  };

  [prepareMethod](method: DescMethod, settings: MethodSettings): PreparedMethod {
    const { options, codecOptions, format } = this;
    const caller = new MethodCaller(
      {
        name: `${settings.serviceName}/${method.name}`,
        dialect: this.dialect,
        format,
        plainHead: this.plainHead,
        singleResponse: method.methodKind === "unary" || method.methodKind === "client_streaming",
        request: messageCodec(method.input, format, codecOptions) as never,
        response: messageCodec(method.output, format, codecOptions, this.readMaxElements),
        readMaxBytes: this.readMaxBytes,
        writeMaxBytes: this.writeMaxBytes,
        acceptCompression: options.acceptCompression ?? [],
        writeCompression:
          options.sendCompression === undefined
            ? null
            : { compression: options.sendCompression, minBytes: this.compressMinBytes },
      },
      method,
      settings,
      (call) => this.connect(call),
    );
    const call = applyInterceptors(caller.call, options.interceptors ?? []);
    return {
      call,
      deadlines: this.deadlines,
      get url() {
        return caller.url;
      },
      checkCompress(compress) {
        if (!compress || options.sendCompression !== undefined) return;
        throw new ConnectError(
          `compress: true of ${settings.serviceName}/${method.name} needs a compression: set sendCompression of the transport`,
          Code.FailedPrecondition,
        );
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.connector.close();
    // Not ten seconds later, when the program may be over, or the test that made the transport.
    flushWarnings();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private connect(call: WaitingCall): Connection | Promise<Connection> {
    if (this.closed)
      throw new ConnectError("the transport is closed: make a new one", Code.FailedPrecondition);
    return this.connector.connect(call);
  }

  private plainMethod(method: DescMethod): PreparedMethod {
    let prepared = this.plain.get(method);
    if (prepared === undefined) {
      prepared = this[prepareMethod](method, {
        ...this.defaults,
        serviceName: method.parent.typeName,
        headers: [],
      });
      this.plain.set(method, prepared);
    }
    return prepared;
  }

  private plainCall(
    method: DescMethod,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    contextValues: ContextValues | undefined,
  ): { scope: CallScope; call: Next } {
    const prepared = this.plainMethod(method);
    // Connect's convention: 0 and less is no deadline.
    const limit = timeoutMs !== undefined && timeoutMs > 0 ? timeoutMs : undefined;
    const scope = new CallScope(`${method.parent.typeName}/${method.name}`, limit, signal, this.deadlines);
    scope.ofCall = header;
    scope.contextValues = contextValues;
    scope.maker = {
      url: prepared.url,
      makeHeaders: (ofCall) => withSelector(new CheckedHeaders(ofCall), this.defaults),
    };
    return { scope, call: prepared.call };
  }
}

/** Adds group and version to headers that don't name them. */
export function withSelector(
  headers: Headers,
  selector: { readonly group: string; readonly version: string },
): Headers {
  for (const [name, value] of selectorFields(selector)) if (!headers.has(name)) headers.set(name, value);
  return headers;
}

/** The interceptors' answer as a promise: they may return a plain value, or throw. */
async function begin(call: () => ReturnType<Next>): Promise<AnyResponse> {
  return call();
}

function singleConnection(connection: Connection): Connector {
  let started = false;
  return {
    connect() {
      if (!started) connection.start({});
      started = true;
      return connection;
    },
    async close() {
      if (started) connection.abort("the transport was closed");
    },
  };
}
