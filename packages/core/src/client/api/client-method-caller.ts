// SPDX-License-Identifier: Apache-2.0
import type { DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { DeadlineWheel } from "../../engine/call/deadline.js";
import { choose } from "../../engine/message/compress-choice.js";
import { asMessage } from "../../engine/message/message-codec.js";
import { errorFromThrown } from "../../log/thrown.js";
import { describeValue } from "../../options/describe-value.js";
import { CheckedHeaders } from "../../protocol/checked-headers.js";
import { appendHeaders, replaceHeaders } from "../../protocol/metadata.js";
import { withSelector } from "../../protocol/selector.js";
import { type Call, type InterceptedMethod, limitOf } from "../call/call.js";
import { type AnyResponse, applyInterceptors, callRequest, type Next } from "../call/call-request.js";
import { foreignMethod } from "../call/foreign-method.js";
import { RequestQueue } from "../call/request-queue.js";
import { RequestSource } from "../call/request-source.js";
import { StreamCall } from "../call/stream-call.js";
import { UnaryCall } from "../call/unary-call.js";
import { isEngineTransport, type PreparedMethod, prepareMethod } from "../transport/engine-transport.js";
import type { SendOptions, TripleCallOptions } from "./call-options.js";
import { checkSendOptions, faultOfCallOptions, isMessages, mayBeOptions } from "./check-call-options.js";
import type { ClientOptions, Messages } from "./create-client.js";
import {
  type BidiStream,
  BidiStreamHandle,
  type ClientStream,
  ClientStreamHandle,
  onlyMessage,
  type ServerStream,
  ServerStreamHandle,
} from "./stream-handles.js";

/** Makes the calls of one method of a client: the functions that users call. */
export class ClientMethodCaller implements InterceptedMethod {
  readonly desc: DescMethodUnary | DescMethodStreaming;
  readonly name: string;
  readonly deadlines: DeadlineWheel;
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
    this.timeoutMs = limitOf(timeoutMs);
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
    this.deadlines = this.prepared.deadlines;
    this.chain = applyInterceptors(this.prepared.call, options.interceptors ?? []);
  }

  // ---- the functions of the method

  readonly unary = (message: unknown, options?: TripleCallOptions): Promise<unknown> => {
    const call = new UnaryCall(this, this.limitOf(options));
    const fault = this.configure(call, options) ?? this.faultOfMessage(message);
    return call.start(message, options, fault);
  };

  readonly serverStream = (message: unknown, options?: TripleCallOptions): ServerStream<unknown> => {
    const call = this.streamCall(options);
    const fault = this.configure(call, options) ?? this.faultOfMessage(message);
    call.start(new RequestSource(this.desc.input, [message], call), options, fault);
    return new ServerStreamHandle(call);
  };

  readonly clientStream = (
    first?: Messages<unknown> | TripleCallOptions,
    second?: TripleCallOptions,
  ): ClientStream<unknown, unknown> | Promise<unknown> => {
    if (isMessages(first)) {
      const call = this.startWith(first, second);
      return onlyMessage(call, call);
    }
    const call = this.streamCall(first);
    const queue = this.startDriven(call, first, second);
    return new ClientStreamHandle(call, queue);
  };

  readonly bidiStream = (
    first?: Messages<unknown> | TripleCallOptions,
    second?: TripleCallOptions,
  ): BidiStream<unknown, unknown> | ServerStream<unknown> => {
    if (isMessages(first)) return new ServerStreamHandle(this.startWith(first, second));
    const call = this.streamCall(first);
    const queue = this.startDriven(call, first, second);
    return new BidiStreamHandle(call, queue);
  };

  private streamCall(options: TripleCallOptions | undefined): StreamCall<unknown> {
    return new StreamCall(this, this.limitOf(options));
  }

  /** Begins a call with the messages of an iterable. */
  private startWith(
    messages: Messages<unknown>,
    options: TripleCallOptions | undefined,
  ): StreamCall<unknown> {
    const call = this.streamCall(options);
    const fault = this.configure(call, options);
    call.start(new RequestSource(this.desc.input, messages, call), options, fault);
    return call;
  }

  /** Begins a call whose messages its user sends. */
  private startDriven(
    call: StreamCall<unknown>,
    options: TripleCallOptions | undefined,
    second: TripleCallOptions | undefined,
  ): RequestQueue {
    const queue = new RequestQueue(this.desc.input, call);
    // The call was given no messages. What it was given instead has to be options, or it was meant as messages.
    if (second !== undefined) call.start(queue, undefined, notMessages(options));
    else if (mayBeOptions(options)) call.start(queue, options, this.configure(call, options));
    else call.start(queue, undefined, notMessages(options));
    return queue;
  }

  // ---- for its calls

  /** @inheritdoc */
  get url(): string {
    return this.prepared.url;
  }

  /** @inheritdoc */
  makeHeaders(ofCall: HeadersInit | undefined): Headers {
    return this.combine(this.fixedHeaders ?? undefined, ofCall);
  }

  /** @inheritdoc */
  begin(call: Call, message: unknown): Promise<AnyResponse> {
    const ask = this.askHeaders;
    if (ask === null) return this.chain(callRequest(call, message));
    return (async () => {
      call.headers = this.combine(await ask(), call.ofCall);
      call.ofCall = undefined;
      return this.chain(callRequest(call, message));
    })();
  }

  /** @inheritdoc */
  copyWithOptions(given: unknown, options: SendOptions): unknown {
    checkSendOptions(this.name, options);
    const { compress } = options;
    if (compress === undefined) return given;
    this.checkCompress(compress);
    const message = asMessage(this.desc.input, given as never);
    const own =
      message === given ? Object.assign(Object.create(Object.getPrototypeOf(given)), given) : message;
    choose(own, compress);
    return own;
  }

  // ---- the options of a call

  private limitOf(options: TripleCallOptions | undefined): number | undefined {
    return options?.timeoutMs === undefined ? this.timeoutMs : limitOf(options.timeoutMs);
  }

  /** Gives a call its options. Returns what is wrong with them, or null. */
  private configure(call: Call, options: TripleCallOptions | undefined): ConnectError | null {
    if (options === undefined) return null;
    const fault = faultOfCallOptions(this.name, options);
    if (fault !== null) return fault;
    call.ofCall = options.headers;
    call.contextValues = options.contextValues;
    if (options.compress === undefined) return null;
    try {
      this.checkCompress(options.compress);
    } catch (error) {
      return errorFromThrown(error);
    }
    call.compress = options.compress;
    return null;
  }

  private checkCompress(compress: unknown): void {
    if (typeof compress !== "boolean") {
      throw new ConnectError(
        `option compress of ${this.name} is ${describeValue(compress)}: pass true or false, or leave it out`,
        Code.InvalidArgument,
      );
    }
    this.prepared.checkCompress(compress);
  }

  private faultOfMessage(message: unknown): ConnectError | null {
    if (message !== undefined) return null;
    return new ConnectError(
      `${this.name} was called without a message: pass one of type ${this.desc.input.typeName}, or {} for an empty one`,
      Code.InvalidArgument,
    );
  }

  private combine(first: HeadersInit | undefined, second: HeadersInit | undefined): Headers {
    const headers = new CheckedHeaders(first);
    if (second !== undefined) replaceHeaders(headers, new CheckedHeaders(second));
    return withSelector(headers, this.selector);
  }
}

function notMessages(given: unknown): ConnectError {
  return new ConnectError(
    `${describeValue(given)} is neither messages nor options of a call: give an AsyncIterable or an Iterable of messages, or nothing and send them by the handle`,
    Code.InvalidArgument,
  );
}
