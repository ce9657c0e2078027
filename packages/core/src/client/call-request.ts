// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import {
  type ContextValues,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import type { CallScope } from "./call-scope.js";

/** Connect's request and response, of either kind. */
export type AnyRequest = UnaryRequest | StreamRequest;
export type AnyResponse = UnaryResponse | StreamResponse;
/** What an interceptor calls to go on. */
export type Next = (req: AnyRequest) => Promise<AnyResponse>;

const scopeKey = Symbol("tristream.scope");

/** What a request is made of. */
export interface RequestInit {
  readonly scope: CallScope;
  readonly method: DescMethod;
  /** The message, or the stream of messages. */
  readonly message: unknown;
  readonly contextValues: ContextValues | undefined;
  /** Makes the request's headers when an interceptor asks for them. */
  readonly makeHeaders: () => Headers;
  /** The URL, when an interceptor asks for it. */
  readonly makeUrl: () => string;
}

/**
 * The request that interceptors get. Its costly parts are made when somebody looks at them, and they are its own
 * enumerable properties, since `{ ...req }` is how interceptors change requests.
 */
export function callRequest(init: RequestInit): AnyRequest {
  const { scope, method } = init;
  let values = init.contextValues;
  return {
    [scopeKey]: scope,
    stream: method.methodKind !== "unary",
    method,
    service: method.parent,
    requestMethod: "POST",
    message: init.message,
    get url() {
      return init.makeUrl();
    },
    get signal() {
      return scope.signal;
    },
    get header() {
      scope.headers ??= init.makeHeaders();
      return scope.headers;
    },
    get contextValues() {
      values ??= createContextValues();
      return values;
    },
  } as unknown as AnyRequest;
}

/** The call that a request belongs to; undefined for a request that somebody else made. */
export function scopeOf(req: AnyRequest): CallScope | undefined {
  return (req as { [scopeKey]?: CallScope })[scopeKey];
}

/** The headers of a request, or null when nobody has asked for them: then they are the method's own. */
export function requestedHeaders(req: AnyRequest): Headers | null {
  const property = Object.getOwnPropertyDescriptor(req, "header");
  return property?.get === undefined ? req.header : (scopeOf(req)?.headers ?? null);
}

/** Puts interceptors around `next`, the first one outermost, as Connect does. */
export function applyInterceptors(next: Next, interceptors: readonly Interceptor[]): Next {
  return [...interceptors]
    .reverse()
    .reduce<Next>((inner, interceptor) => interceptor(inner as never) as unknown as Next, next);
}
