// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import type { Peer } from "../../carrier/connection.js";
import { checkOptions, func, type OptionKinds } from "../../options/check-options.js";
import { describeValue } from "../../options/describe-value.js";

/** How a call ended, for {@link CallHooks.end}. */
export interface CallEnd {
  /** The error that ended the call; undefined if it ended well. On a server, an unexpected error is its `cause`. */
  readonly error: ConnectError | undefined;
  /** The error's code; undefined if the call ended well. */
  readonly code: Code | undefined;
  /** Request messages: those that a client has sent in its last attempt, or that have arrived at a server. */
  readonly requests: number;
  /** Response messages: those that have arrived at a client, or that a server has sent. */
  readonly responses: number;
}

/** The functions that {@link observe} calls. An error that one of them throws, or rejects with, goes to the console. */
export interface CallHooks {
  /**
   * Called with each message, as it is sent or has been received. With several attempts, with those of each attempt, but with the
   * request of a unary call once.
   */
  message?: ((message: unknown, direction: "request" | "response") => void) | undefined;
  /** Called once, when the call has ended: by a status, an error, a cancel, its deadline, or the loss of its connection. */
  end?: ((end: CallEnd) => void) | undefined;
}

const hookKinds: OptionKinds<CallHooks> = { message: func, end: func };

/** A call, as an interceptor's request refers to it. */
export interface ObservedCall {
  /** The other end of the call's connection; undefined while it has none, and where it is not known. */
  readonly peer: Peer | undefined;
  /** Adds hooks. They are told the end at once if the call has ended. */
  observe(hooks: CallHooks): void;
}

/** Marks a request with its call, also a copy of the request. */
export const observedKey: unique symbol = Symbol("tristream.observed");

/**
 * Tells an interceptor of a client or a server what passes in its call, and how the call ends, without a wrapper around the messages.
 * Call it before `next`. The hooks run in the async context of this call of `observe`, and can't fail the observed call.
 *
 * Throws `InvalidArgument` for wrong hooks, and for a request that is neither the one that the interceptor got nor a copy of it.
 *
 * ```ts
 * const log: Interceptor = (next) => (req) => {
 *   observe(req, { end: ({ code, responses }) => console.log(req.method.name, code ?? "OK", responses) });
 *   return next(req);
 * };
 * ```
 */
export function observe(req: UnaryRequest | StreamRequest, hooks: CallHooks): void {
  checkOptions("observe", hooks, hookKinds);
  const call = observedOf(req);
  if (call === undefined) {
    throw new ConnectError(
      `the request of observe() is ${describeValue(req)} without a call: pass the request that the interceptor was given, or a copy with all of its members`,
      Code.InvalidArgument,
    );
  }
  call.observe(hooks);
}

/**
 * The other end of a request's call, for an interceptor: on a server the client, as `context.peer` of the handler. On a client the server
 * once the call has a connection, which is so when `next` has returned. Undefined before, under Connect's adapters, over a transport of
 * Connect's own, and for a request that an interceptor has made itself.
 */
export function peerOf(req: UnaryRequest | StreamRequest): Peer | undefined {
  return observedOf(req)?.peer;
}

function observedOf(req: unknown): ObservedCall | undefined {
  return (req as { readonly [observedKey]?: ObservedCall } | null | undefined)?.[observedKey];
}
