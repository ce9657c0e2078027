// SPDX-License-Identifier: Apache-2.0
import { nextTurn } from "./turns.js";

/** A request stream that has ended. */
interface HeldEnd {
  endHeld(): void;
}

/** Ends that came in this turn of the event loop, and in the one before. */
let fresh: HeldEnd[] = [];
let older: HeldEnd[] = [];
let turning = false;

/**
 * Holds the end of a request stream until the input of this turn of the event loop and of the next was read. connect-es and HAProxy
 * cancel an upload by END_STREAM and send RST_STREAM close behind it: the reset has to win. All streams share one callback a turn,
 * so an engine's call costs no closure.
 */
export function holdEnd(end: HeldEnd): void {
  fresh.push(end);
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
  for (const end of due) end.endHeld();
}
