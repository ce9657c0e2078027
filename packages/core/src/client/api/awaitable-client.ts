// SPDX-License-Identifier: Apache-2.0

/** The property that makes an object a promise to `await`. */
const then = "then";

/**
 * A client of a service with an rpc `Then` has a method `then`, by which `await` and async functions take it for a promise and call it
 * with two functions. Such a client resolves to one without `then`, instead of making a call; both have the rpc as `then$`. A client of
 * another service stays as it is.
 */
export function awaitableClient<C extends object>(client: C): C {
  if (!Object.hasOwn(client, then)) return client;
  const methods = client as Record<string, unknown>;
  const call = methods[then] as (...args: unknown[]) => unknown;
  const { [then]: _, ...others } = methods;
  const plain = { ...others, then$: call };
  return {
    ...plain,
    [then]: (first: unknown, ...rest: unknown[]): unknown => {
      // No message is a function.
      if (typeof first === "function") return void first(plain);
      return call(first, ...rest);
    },
  } as unknown as C;
}
