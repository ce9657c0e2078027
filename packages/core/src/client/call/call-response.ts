// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { LazyHeaders } from "../../engine/call/lazy-headers.js";
import type { Attempt } from "./attempt.js";
import type { AnyResponse } from "./call-request.js";

const attemptKey = Symbol("tristream.attempt");

/** The attempt that brought a response, or a copy of it by an interceptor. Undefined for a response that an interceptor made. */
export function attemptOf(res: AnyResponse): Attempt | undefined {
  return (res as { [attemptKey]?: Attempt })[attemptKey];
}

/** The response that interceptors get. */
export class CallResponse {
  readonly [attemptKey]: Attempt;
  readonly stream: boolean;
  readonly method: DescMethod;
  readonly service: DescService;
  readonly message: unknown;
  readonly header: Headers;
  readonly trailer: Headers;

  constructor(attempt: Attempt, method: DescMethod, message: unknown) {
    this[attemptKey] = attempt;
    this.stream = method.methodKind !== "unary";
    this.method = method;
    this.service = method.parent;
    this.message = message;
    this.header = new LazyHeaders(attempt, "header");
    this.trailer = new LazyHeaders(attempt, "trailer");
  }
}
