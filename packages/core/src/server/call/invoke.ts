// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type {
  ContextValues,
  Interceptor,
  StreamRequest,
  StreamResponse,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";
import { lazyField } from "../../engine/call/lazy-field.js";
import { LazyHeaders } from "../../engine/call/lazy-headers.js";
import { type ObservedCall, observedKey } from "../../engine/call/observe.js";
import type { ServerCall } from "../../engine/call/server-call.js";
import { MessageReader } from "../../engine/message/message-reader.js";
import { replayable } from "../../engine/message/replayable.js";
import { describeValue } from "../../options/describe-value.js";
import { replaceHeaders } from "../../protocol/metadata.js";
import type { AsyncContext } from "../../runtime/async-context.js";
import { ContextIterable } from "../../runtime/context-iterator.js";
import { isThenable } from "../../runtime/iterator.js";
import { DrivenResponses } from "../driven/driven-responses.js";
import type { Handler } from "../routing/registration.js";
import { contextWith } from "./call-context.js";
import { checkedMessage } from "./checked-message.js";
import { HandlerRuns } from "./handler-runs.js";
import type { TripleContext } from "./triple-context.js";

type AnyRequest = UnaryRequest | StreamRequest;
type AnyResponse = UnaryResponse | StreamResponse;
type Next = (req: AnyRequest) => Promise<AnyResponse>;
type Handle = (input: unknown, context: TripleContext, call: ServerCall) => unknown;

/** Marks the request object that interceptors get, with its call; survives `{ ...req }`. */
const callKey = Symbol("tristream.call");
/** The runs of the call's handler, also on a copy of the request. */
const runsKey = Symbol("tristream.runs");

/** Runs a handler for the engine: directly, or inside Connect's server interceptors if there are any. */
export function createInvoke(
  desc: DescMethod,
  handler: Handler,
  interceptors: readonly Interceptor[],
  contextOf: (call: ServerCall) => TripleContext,
): (call: ServerCall, input: unknown) => void {
  const run = handler as (input: unknown, context: TripleContext) => unknown;
  const handle: Handle = (input, context, call) => {
    let result: unknown;
    try {
      result = run(input, context);
    } catch (error) {
      call.leftHere();
      throw error;
    }
    if (!unary || call.listens) call.leftHere();
    return result;
  };
  const unary = desc.methodKind === "unary";
  const single = desc.methodKind === "unary" || desc.methodKind === "client_streaming";
  if (interceptors.length > 0) return intercepted(desc, handle, interceptors, contextOf);
  const answer = single
    ? (call: ServerCall, result: unknown): void => call.respond(result)
    : (call: ServerCall, result: unknown): void => {
        if (result instanceof DrivenResponses) result.attach(call);
        call.respondAll(result as AsyncIterable<unknown>);
      };
  return (call, input) => {
    let result: unknown;
    let later: Promise<unknown> | null;
    try {
      result = handle(input, contextOf(call), call);
      // Also of a stream, whose handler should be a generator: an async function's error is the call's, not the process's.
      later = isThenable(result) ? Promise.resolve(result) : null;
    } catch (error) {
      call.failed(error);
      return;
    }
    if (later === null) answer(call, result);
    else
      later.then(
        (value) => answer(call, value),
        (error) => {
          call.leftHere();
          call.failed(error);
        },
      );
  };
}

function intercepted(
  desc: DescMethod,
  handle: Handle,
  interceptors: readonly Interceptor[],
  contextOf: (call: ServerCall) => TripleContext,
): (call: ServerCall, input: unknown) => void {
  const contextFor = (req: AnyRequest): TripleContext => {
    const context = contextOf(callOf(req));
    if (req instanceof InterceptedRequest) return context;
    return contextWith(context, {
      requestHeader: req.header,
      signal: req.signal,
      values: req.contextValues,
    });
  };
  const respond = (req: AnyRequest, result: unknown): AnyResponse => {
    const call = callOf(req);
    const message = responseMessage(desc, result, call.asyncContext);
    return new InterceptedResponse(call, desc, message) as unknown as AnyResponse;
  };
  const bottom = (req: AnyRequest): Promise<AnyResponse> => {
    try {
      const result = runKind(desc, handle, callOf(req), messageOf(req), contextFor(req));
      return isThenable(result)
        ? Promise.resolve(result).then(
            (value) => respond(req, value),
            (error) => {
              callOf(req).leftHere();
              throw error;
            },
          )
        : Promise.resolve(respond(req, result));
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const chain = [...interceptors]
    .reverse()
    .reduce<Next>((next, interceptor) => interceptor(next as never) as unknown as Next, bottom);
  return (call, input) => {
    let response: Promise<AnyResponse>;
    try {
      // An interceptor may return a plain value in place of a promise.
      response = Promise.resolve(
        chain(new InterceptedRequest(call, desc, input, contextOf(call)) as unknown as AnyRequest),
      );
    } catch (error) {
      call.failed(error);
      return;
    }
    response.then((res) => answer(desc, call, res)).catch((error) => call.failed(error));
  };
}

/** The request that server interceptors get; its costly parts are made at their first access. */
class InterceptedRequest {
  readonly [callKey]: ServerCall;
  readonly [observedKey]: ObservedCall;
  readonly [runsKey]: HandlerRuns | null;
  readonly stream: boolean;
  readonly method: DescMethod;
  readonly service: DescService;
  readonly requestMethod = "POST";
  readonly message: unknown;
  readonly url: string;
  readonly header: Headers;
  readonly contextValues: ContextValues;

  constructor(call: ServerCall, desc: DescMethod, input: unknown, context: TripleContext) {
    this[callKey] = call;
    this[observedKey] = call;
    this.stream = desc.methodKind !== "unary";
    this.method = desc;
    this.service = desc.parent;
    this[runsKey] = input instanceof MessageReader ? new HandlerRuns(input, call.method.name) : null;
    if (this[runsKey] === null) call.input = input;
    this.message =
      desc.methodKind === "server_streaming" ? replayable(() => [input]) : (this[runsKey] ?? input);
    this.url = context.url;
    this.contextValues = context.values;
    this.header = new LazyHeaders(call, "request");
    lazyField(this, "signal", lazySignal);
  }
}

/** The response that server interceptors get. */
class InterceptedResponse {
  readonly stream: boolean;
  readonly method: DescMethod;
  readonly service: DescService;
  readonly message: unknown;
  readonly header: Headers;
  readonly trailer: Headers;

  constructor(call: ServerCall, desc: DescMethod, message: unknown) {
    this.stream = desc.methodKind !== "unary";
    this.method = desc;
    this.service = desc.parent;
    this.message = message;
    this.header = new LazyHeaders(call, "header");
    this.trailer = new LazyHeaders(call, "trailer");
  }
}

function callOf(req: AnyRequest): ServerCall {
  return (req as unknown as { [callKey]: ServerCall })[callKey];
}

/** The message for a new run of the handler: for a stream, all messages or a loop that throws. */
function messageOf(req: AnyRequest): unknown {
  const runs = (req as unknown as { [runsKey]: HandlerRuns | null })[runsKey];
  return runs === null ? req.message : runs.begin(req.message);
}

function lazySignal(this: InterceptedRequest): AbortSignal {
  return this[callKey].signal;
}

function runKind(
  desc: DescMethod,
  handle: Handle,
  call: ServerCall,
  message: unknown,
  context: TripleContext,
): unknown {
  if (desc.methodKind !== "server_streaming") return handle(message, context, call);
  // The one message was read before; interceptors see it as a stream, as in Connect.
  return firstMessage(message as AsyncIterable<unknown>).then((first) => handle(first, context, call));
}

async function firstMessage(messages: AsyncIterable<unknown>): Promise<unknown> {
  for await (const message of messages) return message;
  throw new TypeError("an interceptor left no request message");
}

/** `context`: the handler's. Its stream of answers runs there, whichever code reads it, and its call ends there. */
function responseMessage(desc: DescMethod, result: unknown, context: AsyncContext): unknown {
  switch (desc.methodKind) {
    case "unary":
      return checkedMessage(desc, result);
    case "client_streaming":
      return new ContextIterable(oneMessage(checkedMessage(desc, result)), context);
    default:
      return new ContextIterable(result as AsyncIterable<unknown>, context);
  }
}

/** Sends what the outermost interceptor returned. */
function answer(desc: DescMethod, call: ServerCall, res: AnyResponse): void {
  if (typeof res !== "object" || res === null) {
    throw new TypeError(
      `an interceptor of ${call.method.name} returned ${describeValue(res)}: return the response that next() resolves to, or one like it`,
    );
  }
  if (!(res instanceof InterceptedResponse)) {
    takeHeaders(res.header, call.response.header);
    takeHeaders(res.trailer, call.response.trailer);
  }
  if (desc.methodKind === "unary") call.respond(res.message);
  else if (res.message instanceof ContextIterable) {
    if (res.message.source instanceof DrivenResponses) res.message.source.attach(call);
    call.respondAll(res.message.source, res.message.context);
  } else call.respondAll(res.message as AsyncIterable<unknown>);
}

function takeHeaders(given: Headers, to: Headers): void {
  const from = LazyHeaders.real(given);
  if (from === to) return;
  for (const name of new Set(to.keys())) to.delete(name);
  replaceHeaders(to, from);
}

async function* oneMessage(message: unknown): AsyncGenerator<unknown> {
  yield message;
}
