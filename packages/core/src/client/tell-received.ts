// SPDX-License-Identifier: Apache-2.0
import { contextFrom, rootContext } from "../engine/async-context.js";
import type { CallScope } from "./call-scope.js";

/** Callbacks of a call's options. */
export interface CallObserver {
  onHeader?: ((headers: Headers) => void) | undefined;
  onTrailer?: ((trailers: Headers) => void) | undefined;
  onCompressed?: ((compressed: boolean) => void) | undefined;
}

/**
 * Gives the callbacks of a call that failed the headers and the trailers that its last stream had received. A Trailers-Only
 * answer has trailers only.
 */
export function tellReceived({ call, name }: CallScope, observer: CallObserver): void {
  if (call === null) return;
  if (call.hasHeaders) tell(name, "onHeader", () => observer.onHeader?.(call.responseHeader));
  if (call.hasTrailers) tell(name, "onTrailer", () => observer.onTrailer?.(call.responseTrailer));
}

/** Calls a callback of a call whose outcome is known: nobody is there to get an error of the callback, so it is logged. */
export function tell(name: string, callback: keyof CallObserver, call: () => void): void {
  try {
    call();
  } catch (error) {
    const text = `tristream: ${callback} of ${name} threw: ${String(error)}`;
    contextFrom(rootContext()).runInAsyncScope(console.warn, console, text);
  }
}
