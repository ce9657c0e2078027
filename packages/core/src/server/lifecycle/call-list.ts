// SPDX-License-Identifier: Apache-2.0
import type { ServerCall } from "../../engine/call/server-call.js";

/**
 * The calls that run, as a list that goes through the calls themselves. Not a `Set`: what one of those leaves behind when
 * it is rehashed keeps ended calls alive (see http2's stream-table.ts).
 */
export class CallList {
  /** Calls in the list. */
  size = 0;
  private first: ServerCall | null = null;

  /** Adds a call that is in no list. */
  add(call: ServerCall): void {
    call.listNext = this.first;
    if (this.first !== null) this.first.listPrevious = call;
    this.first = call;
    this.size++;
  }

  /** Takes a call out, once. */
  delete(call: ServerCall): void {
    if (call.listPrevious === null) this.first = call.listNext;
    else call.listPrevious.listNext = call.listNext;
    if (call.listNext !== null) call.listNext.listPrevious = call.listPrevious;
    call.listNext = null;
    call.listPrevious = null;
    this.size--;
  }

  /** All calls: an array of its own, so that the list may change meanwhile. */
  values(): ServerCall[] {
    const all: ServerCall[] = [];
    for (let call = this.first; call !== null; call = call.listNext) all.push(call);
    return all;
  }
}
