// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext, MethodImpl } from "@connectrpc/connect";
import { ContextIterator } from "../runtime/context-iterator.js";
import { isThenable, openIterator } from "../runtime/iterator.js";
import { checkedMessage } from "../server/call/checked-message.js";
import type { TripleContext } from "../server/call/triple-context.js";
import type { Handler } from "../server/routing/registration.js";

type Handle = (input: unknown, context: TripleContext) => unknown;

/**
 * An implementation for Connect's own handlers that takes what the engine takes of an application: answers at once or by a
 * promise, from any iterable, and only messages as answers.
 */
export function implForConnect(
  desc: DescMethod,
  handler: Handler,
  contextFor: (context: HandlerContext) => TripleContext,
): MethodImpl<DescMethod> {
  const handle = handler as Handle;
  const single = desc.methodKind === "unary" || desc.methodKind === "client_streaming";
  const impl = single
    ? async (input: unknown, context: HandlerContext) =>
        checkedMessage(desc, await handle(input, contextFor(context)))
    : (input: unknown, context: HandlerContext) =>
        asyncIterable(handle(input, contextFor(context)) as AsyncIterable<unknown>);
  return impl as unknown as MethodImpl<DescMethod>;
}

/**
 * An application's answer as the async iterable that Connect needs. Throws a `TypeError` that names the given value. A promise of an
 * iterable is taken as by the engine: the error of an async function is the call's error, even if the answer is never read.
 */
function asyncIterable(source: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterable<unknown> {
  const opened = isThenable(source) ? Promise.resolve(source).then(openInContext) : openInContext(source);
  if (opened instanceof Promise) opened.catch(() => {});
  const answers: AsyncIterator<unknown> = {
    next: async () => (await opened).next(),
    return: async () => (await (await opened).return()) ?? { done: true, value: undefined },
  };
  return { [Symbol.asyncIterator]: () => answers };
}

/** Connect reads an answer outside of the interceptors that called the handler; the answer runs in the handler's context. */
function openInContext(source: AsyncIterable<unknown> | Iterable<unknown>): ContextIterator<unknown> {
  return new ContextIterator(openIterator(source));
}
