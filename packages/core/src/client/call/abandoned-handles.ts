// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { warn } from "../../log/client-log.js";
import type { Call } from "./call.js";

/**
 * Cancels calls whose handle was garbage-collected: no code could read or end them. A warning says so, since the program has a
 * mistake. Calls that have ended are not registered.
 */
const handles = new FinalizationRegistry((call: Call) => {
  if (call.over) return;
  const { name } = call;
  warn(
    "dropped streams",
    name,
    () =>
      `a stream of ${name} was dropped while it ran, and is canceled: read it to its end, leave its loop, or call cancel()`,
  );
  call.cancel(new ConnectError("the stream's handle was garbage-collected", Code.Canceled));
});

/** Has the call canceled when its handle is collected while the call runs. */
export function watchHandle(handle: object, call: Call): void {
  if (!call.over) handles.register(handle, call, call);
}

/** The call is over. Forgets its handle: the stack of the call's error may refer to the handle, which would live for ever. */
export function forgetHandle(call: Call): void {
  handles.unregister(call);
}
