// SPDX-License-Identifier: Apache-2.0
import { captureContext } from "../../runtime/async-context.js";
import type { CallObserver } from "./call-observer.js";

/** The callbacks of a call without any. */
export const noObserver: CallObserver = Object.freeze({});

/** Binds the callbacks of a call to the current context: headers and ends of calls arrive in a context that calls share. */
export function observeInContext(given: CallObserver | undefined): CallObserver {
  const { onHeader, onTrailer, onCompressed } = given ?? noObserver;
  if (onHeader === undefined && onTrailer === undefined && onCompressed === undefined) return noObserver;
  const context = captureContext();
  const bind = <T>(callback: ((value: T) => void) | undefined): ((value: T) => void) | undefined =>
    callback && ((value) => context.runInAsyncScope(callback, given, value));
  return { onHeader: bind(onHeader), onTrailer: bind(onTrailer), onCompressed: bind(onCompressed) };
}
