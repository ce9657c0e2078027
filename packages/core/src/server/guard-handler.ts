// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import { openIterator } from "../engine/iterator.js";

type AnyHandler = (input: never, context: HandlerContext) => unknown;

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/**
 * A handler for Connect's own machinery that keeps what the engine promises elsewhere: when the call ends, by its client,
 * its deadline or the server, a pending read of requests rejects, a generator that is blocked at a `yield` is returned and
 * runs its `finally`, and the caller gets its answer even from a handler that ignores its signal.
 */
export function guardHandler(desc: DescMethod, handler: AnyHandler): AnyHandler {
  const streamsIn = desc.methodKind === "client_streaming" || desc.methodKind === "bidi_streaming";
  const streamsOut = desc.methodKind === "server_streaming" || desc.methodKind === "bidi_streaming";
  return (input, context) => {
    const given = streamsIn ? guardIterable(input as AsyncIterable<unknown>, context.signal, false) : input;
    const result = handler(given as never, context);
    if (streamsOut) return guardIterable(result as AsyncIterable<unknown>, context.signal, true);
    return unlessAborted(Promise.resolve(result), context.signal);
  };
}

/** The promise's outcome, or the signal's reason if it fires before. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    const done = (): void => signal.removeEventListener("abort", abort);
    promise.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}

/** An iterable whose reads reject when the signal fires; `own`: then its source is returned too. */
function guardIterable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  own: boolean,
): AsyncIterableIterator<T> {
  const iterator = openIterator(source);
  let pending: ((error: unknown) => void) | null = null;
  let over = false;
  const leave = (): void => {
    if (over) return;
    over = true;
    signal.removeEventListener("abort", abort);
    returnQuietly(iterator);
  };
  const abort = (): void => {
    pending?.(reasonOf(signal));
    pending = null;
    if (own) leave();
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
  return {
    next: () =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(reasonOf(signal));
          return;
        }
        pending = reject;
        Promise.resolve(iterator.next()).then(
          (result) => {
            pending = null;
            if (result.done === true) {
              over = true;
              signal.removeEventListener("abort", abort);
            }
            resolve(result);
          },
          (error: unknown) => {
            pending = null;
            over = true;
            signal.removeEventListener("abort", abort);
            reject(error);
          },
        );
      }),
    return: async () => {
      leave();
      return finished;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function reasonOf(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason);
}

function returnQuietly(iterator: AsyncIterator<unknown> | Iterator<unknown>): void {
  try {
    const result: unknown = iterator.return?.();
    if (result instanceof Promise) result.catch(() => {});
  } catch {
    // The call is over; its outcome is known.
  }
}
