// SPDX-License-Identifier: Apache-2.0
import { nextTurn } from "@tristream/core";

/** Runs `callback` when the input of this turn of the event loop and of the next was read. */
export function afterInput(callback: () => void): void {
  nextTurn(() => nextTurn(callback));
}
