// SPDX-License-Identifier: Apache-2.0
import { nextTurn } from "./turns.js";

/** A call whose request stream has ended. */
interface HeldCall {
  endHeld(): void;
}

/** Ends that came in this turn of the event loop, and in the one before. */
let fresh: HeldCall[] = [];
let older: HeldCall[] = [];
let turning = false;

/**
 * Holds the end of a request stream until the input of this turn of the event loop and of the next has been seen. Some clients
 * and proxies cancel an upload by END_STREAM and send RST_STREAM close behind it (connect-es, HAProxy): the reset has to win. All
 * calls share one callback a turn, so that a call costs no closure.
 */
export function holdEnd(call: HeldCall): void {
  fresh.push(call);
  if (turning) return;
  turning = true;
  nextTurn(turn);
}

function turn(): void {
  const due = older;
  older = fresh;
  fresh = [];
  turning = older.length > 0;
  if (turning) nextTurn(turn);
  for (const call of due) call.endHeld();
}
