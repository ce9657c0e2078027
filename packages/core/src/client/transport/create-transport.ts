// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Connection } from "../../carrier/connection.js";
import { transportDialect } from "../../dialects/default.js";
import type { Dialect } from "../../dialects/dialect.js";
import { type DeadlineWheel, deadlinesOf } from "../../engine/call/deadline.js";
import { type FormatOptions, formatOptions } from "../../engine/message/format-options.js";
import { asMessage, messageCodec } from "../../engine/message/message-codec.js";
import { flushWarnings } from "../../log/client-log.js";
import { inspect, inspectLine, inspectText } from "../../log/inspect.js";
import { checkOptions, hasAll, wrongArgument } from "../../options/check-options.js";
import { defaultMaxElements, largestMessage } from "../../options/number-options.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { systemClock } from "../../runtime/clock.js";
import { limitOf } from "../call/call.js";
import { applyInterceptors, type Next } from "../call/call-request.js";
import { ConnectCall } from "../call/connect-call.js";
import { keepMessages } from "../call/kept-messages.js";
import { MethodCaller } from "../call/method-caller.js";
import { RequestSource } from "../call/request-source.js";
import { type ConnectionProvider, OneConnection, type PickInfo } from "./connection-provider.js";
import {
  type EngineTransport,
  type MethodSettings,
  type PreparedMethod,
  prepareMethod,
} from "./engine-transport.js";
import { type TransportOptions, transportOptionKinds } from "./transport-options.js";

/** Connect's `Transport` over the engine. `await using` closes it. */
export interface TripleTransport extends Transport, AsyncDisposable {
  /** Ends its connections; calls that run end with `Unavailable`, later ones are refused. May be repeated. */
  close(): Promise<void>;
}

/**
 * Makes a transport of a connection that is not started, or of a provider of connections. Throws `InvalidArgument` for an invalid
 * option.
 */
export function createTransport(
  provider: ConnectionProvider | Connection,
  options: TransportOptions = {},
): TripleTransport {
  checkOptions("createTransport", options, transportOptionKinds);
  if (!hasAll(provider, ["pick", "close"]) && !hasAll(provider, ["open", "prepare"])) {
    throw wrongArgument(
      "the provider of createTransport",
      provider,
      "a connection provider, or a connection",
    );
  }
  return createTransportOf(provider, options, transportDialect);
}

/** Makes a transport that makes its calls in a dialect. */
export function createTransportOf(
  provider: ConnectionProvider | Connection,
  options: TransportOptions,
  dialect: Dialect,
): TripleTransport {
  return new ProviderTransport("pick" in provider ? provider : new OneConnection(provider), options, dialect);
}

class ProviderTransport implements TripleTransport, EngineTransport {
  readonly defaults: { readonly group: string; readonly version: string };
  private readonly provider: ConnectionProvider;
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
  private readonly plain = new WeakMap<DescMethod, PlainMethod>();
  private closed = false;

  constructor(provider: ConnectionProvider, options: TransportOptions, dialect: Dialect) {
    this.dialect = dialect;
    this.readMaxBytes = options.readMaxBytes ?? 4_194_304;
    this.readMaxElements = options.readMaxElements ?? defaultMaxElements("responses", this.readMaxBytes);
    this.writeMaxBytes = options.writeMaxBytes ?? largestMessage;
    this.compressMinBytes = options.compressMinBytes ?? 1024;
    this.codecOptions = formatOptions(options);
    this.provider = provider;
    this.deadlines = deadlinesOf(options.clock ?? systemClock);
    this.options = options;
    this.format = options.useJson === true ? "json" : "proto";
    this.defaults = { group: provider.group ?? "", version: provider.version ?? "" };
  }

  unary: Transport["unary"] = (method, signal, timeoutMs, header, input, contextValues) => {
    const { caller, next } = this.plainMethod(method);
    const call = new ConnectCall(caller, limitOf(timeoutMs));
    call.ofCall = header;
    call.contextValues = contextValues;
    return call.start(() => asMessage(method.input, input), next, signal) as Promise<never>;
  };

  stream: Transport["stream"] = (method, signal, timeoutMs, header, input, contextValues) => {
    const { caller, next } = this.plainMethod(method);
    const call = new ConnectCall(caller, limitOf(timeoutMs));
    call.ofCall = header;
    call.contextValues = contextValues;
    const given = method.methodKind === "server_streaming" ? keepMessages(input) : input;
    const messages = new RequestSource(method.input, given, call);
    call.messages = messages;
    return call.start(() => messages, next, signal) as Promise<never>;
  };

  [prepareMethod](method: DescMethod, settings: MethodSettings): PreparedMethod {
    const { sendCompression } = this.options;
    const caller = this.methodCaller(method, settings);
    return {
      call: this.intercepted(caller),
      deadlines: this.deadlines,
      get url() {
        return caller.url;
      },
      checkCompress(compress) {
        if (!compress || sendCompression !== undefined) return;
        throw new ConnectError(
          `compress: true of ${settings.serviceName}/${method.name} needs a compression: set sendCompression of the transport`,
          Code.FailedPrecondition,
        );
      },
    };
  }

  private methodCaller(method: DescMethod, settings: MethodSettings): MethodCaller {
    const { options, codecOptions, format } = this;
    return new MethodCaller(
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
      this.deadlines,
      this,
    );
  }

  private intercepted(caller: MethodCaller): Next {
    return applyInterceptors(caller.call, this.options.interceptors ?? []);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.provider.close();
    // Not ten seconds later, when the program may be over, or the test that made the transport.
    flushWarnings();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One line for `console.log`: the address. */
  [inspect](): string {
    const state = this.closed ? "closed" : "";
    return inspectLine("Transport", inspectText(this.provider, "a connection provider"), state);
  }

  /** See {@link ConnectionProvider.pick}. */
  pick(info: PickInfo): Connection | Promise<Connection> {
    if (this.closed)
      throw new ConnectError("the transport is closed: make a new one", Code.FailedPrecondition);
    return this.provider.pick(info);
  }

  /** A method as Connect's clients call it, with the group and the version of the transport's URL. */
  private plainMethod(method: DescMethod): PlainMethod {
    let plain = this.plain.get(method);
    if (plain === undefined) {
      const settings = { ...this.defaults, serviceName: method.parent.typeName, headers: [] };
      const caller = this.methodCaller(method, settings);
      plain = { caller, next: this.intercepted(caller) };
      this.plain.set(method, plain);
    }
    return plain;
  }
}

/** A method without the settings of a client. */
interface PlainMethod {
  readonly caller: MethodCaller;
  readonly next: Next;
}
