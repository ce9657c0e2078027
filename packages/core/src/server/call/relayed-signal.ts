// SPDX-License-Identifier: Apache-2.0
import { captureContext } from "../../runtime/async-context.js";

/**
 * A signal that fires with another one. Its listeners run in the current async context, whichever code fires the other signal.
 * Its `aborted` and `reason` equal the other signal's at any time, also between the two events.
 */
export function relayedSignal(source: AbortSignal): AbortSignal {
  if (source.aborted) return source;
  const controller = new AbortController();
  const { signal } = controller;
  Object.defineProperties(signal, {
    aborted: { get: () => source.aborted },
    reason: { get: () => source.reason as unknown },
    throwIfAborted: { value: () => source.throwIfAborted() },
  });
  const context = captureContext();
  const fire = (): void => context.runInAsyncScope(controller.abort, controller, source.reason);
  source.addEventListener("abort", fire, { once: true });
  return signal;
}
