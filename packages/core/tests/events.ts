// SPDX-License-Identifier: Apache-2.0
// The module's own: a test may fake the global one.
import { performance } from "node:perf_hooks";
import { ConnectError } from "@tristream/core";

/** Time after which `until` gives up: below jest's limit for a test, so that the failure names the condition. */
const untilMs = 50_000;

/** Something that a test waits for. */
export interface Happening<T> extends PromiseLike<T> {
  readonly promise: Promise<T>;
  /** The event happened. */
  tell(value: T): void;
}

/** Makes something to wait for: `tell` it in one place, `await` it in another. */
export function happening<T = void>(): Happening<T> {
  let tell!: (value: T) => void;
  const promise = new Promise<T>((resolve) => {
    tell = resolve;
  });
  // biome-ignore lint/suspicious/noThenProperty: a test awaits the happening itself.
  return { promise, tell, then: (...then) => promise.then(...then) };
}

/** The error that a promise rejects with; a `ConnectError`, or the test fails. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<ConnectError> {
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    if (error instanceof ConnectError) return error;
    throw new Error(`rejected with a value that is not a ConnectError: ${String(error)}`, { cause: error });
  }
  throw new Error(`settled with ${JSON.stringify(result)} instead of an error`);
}

/** The code that a promise rejects with; undefined if it resolves. */
export async function codeOf(promise: PromiseLike<unknown>): Promise<ConnectError["code"] | undefined> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ConnectError) return error.code;
    throw new Error(`rejected with a value that is not a ConnectError: ${String(error)}`, { cause: error });
  }
  return undefined;
}

/** The reason of a signal, once it fires. */
export function fired(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}

/**
 * Settles when `condition` gives something truthy; it is asked once per turn of the event loop. Rejects after 50 s with the text of the
 * condition and its last value.
 */
export async function until(condition: () => unknown): Promise<void> {
  const begun = performance.now();
  for (let last = await condition(); !last; last = await condition()) {
    if (performance.now() - begun > untilMs)
      throw new Error(`waited ${untilMs / 1000} s in vain for ${condition}: the last value is ${last}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets `n` turns of the event loop pass: to see that something does not happen. */
export async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Never settles: a handler that is stuck on an await of its own. */
export function forEver(): Promise<never> {
  return new Promise(() => {});
}

/** All of an iterable. */
export async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const message of messages) out.push(message);
  return out;
}
