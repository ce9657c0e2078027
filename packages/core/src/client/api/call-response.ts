// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ClientCall } from "../../engine/call/client-call.js";
import { LazyHeaders } from "../../engine/call/lazy-headers.js";
import type { AnyResponse } from "./call-request.js";

const carriedKey = Symbol("tristream.carried");

/** The call that brought a response, or a copy of it by an interceptor. Undefined for a response that an interceptor made. */
export function callOf(res: AnyResponse): ClientCall | undefined {
  return (res as { [carriedKey]?: ClientCall })[carriedKey];
}

/** The response that interceptors get. */
export class CallResponse {
  readonly [carriedKey]: ClientCall;
  readonly stream: boolean;
  readonly method: DescMethod;
  readonly service: DescService;
  readonly message: unknown;
  readonly header: Headers;
  readonly trailer: Headers;

  constructor(call: ClientCall, method: DescMethod, message: unknown) {
    this[carriedKey] = call;
    this.stream = method.methodKind !== "unary";
    this.method = method;
    this.service = method.parent;
    this.message = message;
    this.header = new LazyHeaders(call, "header");
    this.trailer = new LazyHeaders(call, "trailer");
  }
}
