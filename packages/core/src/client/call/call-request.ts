// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { LazyContextValues } from "../../engine/call/lazy-context-values.js";
import { lazyField } from "../../engine/call/lazy-field.js";
import { LazyHeaders } from "../../engine/call/lazy-headers.js";
import { type ObservedCall, observedKey } from "../../engine/call/observe.js";
import { describeValue } from "../../options/describe-value.js";
import { isSignal } from "../../runtime/shared-signal.js";
import type { Call } from "./call.js";

/** Connect's request and response, of either kind. */
export type AnyRequest = UnaryRequest | StreamRequest;
export type AnyResponse = UnaryResponse | StreamResponse;
/** The `next` of an interceptor. */
export type Next = (req: AnyRequest) => Promise<AnyResponse>;

const callKey = Symbol("tristream.call");

/**
 * The request that interceptors get. Its costly parts are made at their first access. All parts are own enumerable properties, since
 * interceptors change requests by `{ ...req }`.
 */
class CallRequest {
  readonly [callKey]: Call;
  readonly [observedKey]: ObservedCall;
  readonly stream: boolean;
  readonly method: DescMethod;
  readonly service: DescService;
  readonly requestMethod = "POST";
  readonly message: unknown;
  readonly url: string;
  readonly header: Headers;
  readonly contextValues: ContextValues;

  constructor(call: Call, message: unknown) {
    const { desc, url } = call.method;
    this[callKey] = call;
    this[observedKey] = call;
    this.stream = desc.methodKind !== "unary";
    this.method = desc;
    this.service = desc.parent;
    this.message = message;
    if (!this.stream) call.input = message;
    this.url = url;
    this.contextValues = call.contextValues ?? new LazyContextValues();
    this.header = new LazyHeaders(call, null);
    lazyField(this, "signal", lazySignal);
  }
}

function lazySignal(this: CallRequest): AbortSignal {
  return this[callKey].signal;
}

/** Makes the request of a call; `message` is the message, or the stream of messages. */
export function callRequest(call: Call, message: unknown): AnyRequest {
  return new CallRequest(call, message) as unknown as AnyRequest;
}

/** The call that a request belongs to; undefined for a request that other code made. */
export function callOf(req: AnyRequest): Call | undefined {
  return (req as { [callKey]?: Call })[callKey];
}

/** True if a request is the one that was made for its call, not a copy by an interceptor. */
export function isOriginal(req: AnyRequest): boolean {
  return req instanceof CallRequest;
}

/** The headers of a request; null if none were read or set: then the method's own headers count. */
export function requestedHeaders(req: AnyRequest): Headers | null {
  if (!isOriginal(req)) return req.header;
  const call = callOf(req)!;
  return call.ofCall === undefined ? call.headers : req.header;
}

/**
 * The error that says what is wrong with the request that an interceptor of a call passed on; null if nothing is. Missing parts are
 * not filled in, since the interceptor may have removed them on purpose.
 */
export function faultOf(req: AnyRequest, name: string): ConnectError | null {
  if (isOriginal(req)) return null;
  const given = req as Partial<AnyRequest> | null | undefined;
  let fault: string;
  if (typeof given !== "object" || given === null) fault = describeValue(given);
  else if (typeof given.header?.forEach !== "function" || typeof given.header.has !== "function")
    fault = `a request whose header is ${describeValue(given.header)}, not Headers`;
  else if (!isSignal(given.signal))
    fault = `a request whose signal is ${describeValue(given.signal)}, not an AbortSignal`;
  else return null;
  return new ConnectError(
    `an interceptor of ${name} passed on ${fault}: pass on the request that it got, or a copy with all of its members`,
    Code.Internal,
  );
}

/** Throws a `TypeError` that names the call if what interceptors returned is no response. */
export function checkResponse(res: AnyResponse, name: string): void {
  if (typeof res === "object" && res !== null && "message" in res) return;
  throw new TypeError(
    `an interceptor of ${name} returned ${describeValue(res)}: return the response that next() resolves to, or one like it`,
  );
}

/** Puts interceptors around `next`, the first one outermost, as Connect does. */
export function applyInterceptors(next: Next, interceptors: readonly Interceptor[]): Next {
  return [...interceptors]
    .reverse()
    .reduce<Next>((inner, interceptor) => interceptor(inner as never) as unknown as Next, next);
}
