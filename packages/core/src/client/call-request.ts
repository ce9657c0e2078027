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
import { describeValue } from "../engine/describe-value.js";
import { LazyContextValues } from "../engine/lazy-context-values.js";
import { lazyField } from "../engine/lazy-field.js";
import { LazyHeaders } from "../engine/lazy-headers.js";
import type { CallScope } from "./call-scope.js";

/** Connect's request and response, of either kind. */
export type AnyRequest = UnaryRequest | StreamRequest;
export type AnyResponse = UnaryResponse | StreamResponse;
/** What an interceptor calls to go on. */
export type Next = (req: AnyRequest) => Promise<AnyResponse>;

const scopeKey = Symbol("tristream.scope");

/**
 * The request that interceptors get. Its costly parts are made when somebody looks at them, and they are its own
 * enumerable properties, since `{ ...req }` is how interceptors change requests.
 */
class CallRequest {
  readonly [scopeKey]: CallScope;
  readonly stream: boolean;
  readonly method: DescMethod;
  readonly service: DescService;
  readonly requestMethod = "POST";
  readonly message: unknown;
  readonly url: string;
  readonly header: Headers;
  readonly contextValues: ContextValues;

  constructor(scope: CallScope, method: DescMethod, message: unknown) {
    this[scopeKey] = scope;
    this.stream = method.methodKind !== "unary";
    this.method = method;
    this.service = method.parent;
    this.message = message;
    this.url = scope.maker!.url;
    this.contextValues = scope.contextValues ?? new LazyContextValues();
    this.header = new LazyHeaders(scope, null);
    lazyField(this, "signal", lazySignal);
  }
}

function lazySignal(this: CallRequest): AbortSignal {
  return this[scopeKey].signal;
}

/** Makes the request of a call; `message` is the message, or the stream of messages. */
export function callRequest(scope: CallScope, method: DescMethod, message: unknown): AnyRequest {
  return new CallRequest(scope, method, message) as unknown as AnyRequest;
}

/** The call that a request belongs to; undefined for a request that somebody else made. */
export function scopeOf(req: AnyRequest): CallScope | undefined {
  return (req as { [scopeKey]?: CallScope })[scopeKey];
}

/** Whether a request is the one that was made for its call, not a copy by an interceptor. */
export function isOriginal(req: AnyRequest): boolean {
  return req instanceof CallRequest;
}

/** The headers of a request, or null when nobody has asked for them: then they are the method's own. */
export function requestedHeaders(req: AnyRequest): Headers | null {
  if (!isOriginal(req)) return req.header;
  const scope = scopeOf(req)!;
  return scope.ofCall === undefined ? scope.headers : req.header;
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
