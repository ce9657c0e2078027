// SPDX-License-Identifier: Apache-2.0

import { warn } from "../../log/client-log.js";
import type { Call } from "./call.js";

/** Callbacks of a call's options. */
export interface CallObserver {
  onHeader?: ((headers: Headers) => void) | undefined;
  onTrailer?: ((trailers: Headers) => void) | undefined;
  onCompressed?: ((compressed: boolean) => void) | undefined;
}

/**
 * Calls `onHeader` and `onTrailer` of a failed call with the headers and trailers that its last attempt had received. A
 * Trailers-Only answer has trailers only.
 */
export function observeReceived({ attempt, name }: Call, observer: CallObserver): void {
  if (attempt === null) return;
  if (attempt.hasHeaders) observe(name, "onHeader", () => observer.onHeader?.(attempt.responseHeader));
  if (attempt.hasTrailers) observe(name, "onTrailer", () => observer.onTrailer?.(attempt.responseTrailer));
}

/** Calls a callback of a call whose outcome is known. An error of the callback can't reach the caller, so it is logged. */
export function observe(name: string, callback: keyof CallObserver, call: () => void): void {
  try {
    call();
  } catch (error) {
    warn(`errors of ${callback}`, name, () => `${callback} of ${name} threw: ${textOf(error)}`);
  }
}

/** A thrown value may have no text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a thrown ${typeof thrown} that has no text`;
  }
}
