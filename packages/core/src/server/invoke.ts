// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import type {
  Interceptor,
  StreamRequest,
  StreamResponse,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";
import { asMessage } from "../engine/message-codec.js";
import type { ServerCall } from "../engine/server-call.js";
import { contextWith } from "./call-context.js";
import type { Handler } from "./registration.js";
import type { TripleContext } from "./triple-context.js";

type AnyRequest = UnaryRequest | StreamRequest;
type AnyResponse = UnaryResponse | StreamResponse;
type Next = (req: AnyRequest) => Promise<AnyResponse>;
type Handle = (input: unknown, context: TripleContext) => unknown;

/** Marks the request object that interceptors get, with its call; survives `{ ...req }`. */
const callKey = Symbol("tristream.call");

/** Runs a handler for the engine: directly, or inside Connect's server interceptors if there are any. */
export function createInvoke(
  desc: DescMethod,
  handler: Handler,
  interceptors: readonly Interceptor[],
  contextOf: (call: ServerCall) => TripleContext,
): (call: ServerCall, input: unknown) => void {
  const handle = handler as Handle;
  const single = desc.methodKind === "unary" || desc.methodKind === "client_streaming";
  if (interceptors.length > 0) return intercepted(desc, handle, interceptors, contextOf);
  return single
    ? (call, input) => {
        let result: unknown;
        try {
          result = handle(input, contextOf(call));
        } catch (error) {
          call.failed(error);
          return;
        }
        if (isThenable(result)) {
          result.then(
            (message) => call.respond(message),
            (error) => call.failed(error),
          );
        } else call.respond(result);
      }
    : (call, input) => {
        let result: unknown;
        try {
          result = handle(input, contextOf(call));
        } catch (error) {
          call.failed(error);
          return;
        }
        call.respondAll(result as AsyncIterable<unknown>);
      };
}

function intercepted(
  desc: DescMethod,
  handle: Handle,
  interceptors: readonly Interceptor[],
  contextOf: (call: ServerCall) => TripleContext,
): (call: ServerCall, input: unknown) => void {
  const streaming = desc.methodKind !== "unary";
  const bottom = async (req: AnyRequest): Promise<AnyResponse> => {
    const { [callKey]: call } = req as unknown as { [callKey]: ServerCall };
    const own = (call as CallWithRequest).interceptedRequest === req;
    const context = own
      ? contextOf(call)
      : contextWith(contextOf(call), {
          requestHeader: req.header,
          signal: req.signal,
          values: req.contextValues,
        });
    const result = await runKind(desc, handle, req, context);
    return responseOf(desc, call, streaming, result);
  };
  const chain = [...interceptors]
    .reverse()
    .reduce<Next>((next, interceptor) => interceptor(next as never) as unknown as Next, bottom);
  return (call, input) => {
    const req = requestOf(desc, call, streaming, input, contextOf(call));
    (call as CallWithRequest).interceptedRequest = req;
    let response: Promise<AnyResponse>;
    try {
      response = chain(req);
    } catch (error) {
      call.failed(error);
      return;
    }
    response.then(
      (res) => answer(desc, call, res),
      (error) => call.failed(error),
    );
  };
}

/** The request that was made for a call, to see whether an interceptor passed it on unchanged. */
type CallWithRequest = ServerCall & { interceptedRequest?: unknown };

async function runKind(
  desc: DescMethod,
  handle: Handle,
  req: AnyRequest,
  context: TripleContext,
): Promise<unknown> {
  switch (desc.methodKind) {
    case "unary":
    case "bidi_streaming":
      return handle(req.message, context);
    case "server_streaming": {
      // The one message was read before; interceptors see it as a stream, as in Connect.
      for await (const message of req.message as AsyncIterable<unknown>) return handle(message, context);
      throw new TypeError("an interceptor left no request message");
    }
    case "client_streaming":
      return handle(req.message, context);
  }
}

function requestOf(
  desc: DescMethod,
  call: ServerCall,
  stream: boolean,
  input: unknown,
  context: TripleContext,
): AnyRequest {
  const message = desc.methodKind === "server_streaming" ? oneMessage(input) : input;
  return {
    [callKey]: call,
    stream,
    method: desc,
    service: desc.parent,
    requestMethod: "POST",
    message,
    get url() {
      return context.url;
    },
    get signal() {
      return context.signal;
    },
    get header() {
      return context.requestHeader;
    },
    get contextValues() {
      return context.values;
    },
  } as unknown as AnyRequest;
}

function responseOf(desc: DescMethod, call: ServerCall, stream: boolean, result: unknown): AnyResponse {
  const single = desc.methodKind === "unary" || desc.methodKind === "client_streaming";
  const message = single ? checkedMessage(desc, result) : result;
  return {
    [callKey]: call,
    stream,
    method: desc,
    service: desc.parent,
    message: desc.methodKind === "client_streaming" ? oneMessage(message) : message,
    get header() {
      return call.responseHeader;
    },
    get trailer() {
      return call.responseTrailer;
    },
  } as unknown as AnyResponse;
}

function checkedMessage(desc: DescMethod, result: unknown): unknown {
  if (typeof result !== "object" || result === null) {
    const got = result === null ? "null" : typeof result;
    throw new TypeError(
      `the handler of ${desc.parent.typeName}/${desc.name} returned ${got}: return a message or its init object`,
    );
  }
  return asMessage(desc.output, result as never);
}

/** Sends what the outermost interceptor returned. */
function answer(desc: DescMethod, call: ServerCall, res: AnyResponse): void {
  if (call.over) return;
  if (!(callKey in res)) {
    replaceHeaders(res.header, call.responseHeader);
    replaceHeaders(res.trailer, call.responseTrailer);
  } else {
    const header = Object.getOwnPropertyDescriptor(res, "header");
    const trailer = Object.getOwnPropertyDescriptor(res, "trailer");
    // A spread copy has values where ours has getters: it may carry other objects.
    if (header?.get === undefined) replaceHeaders(res.header, call.responseHeader);
    if (trailer?.get === undefined) replaceHeaders(res.trailer, call.responseTrailer);
  }
  if (desc.methodKind === "unary") call.respond(res.message);
  else call.respondAll(res.message as AsyncIterable<unknown>);
}

function replaceHeaders(from: Headers, to: Headers): void {
  if (from === to) return;
  for (const name of [...to.keys()]) to.delete(name);
  for (const [name, value] of from) to.set(name, value);
}

async function* oneMessage(message: unknown): AsyncGenerator<unknown> {
  yield message;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
