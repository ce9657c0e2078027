// SPDX-License-Identifier: Apache-2.0
// The transitions of RFC 9113 §5.1, figure 2, without the reserved states: each input in each state that it can meet.
import { describe, expect, test } from "@jest/globals";
import {
  endQueued,
  endReceived,
  endRewound,
  endSent,
  endWaits,
  hasHeaders,
  headersReceived,
  headersSent,
  idle,
  isClosed,
  isIdle,
  mayReceive,
  maySend,
  reset,
  rfcState,
  StreamState,
} from "./state.js";

const { IDLE, OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED } = StreamState;
const nameOf = new Map(Object.entries(StreamState).map(([name, state]) => [state as number, name]));

describe("the state of a stream (RFC 9113 §5.1)", () => {
  test.each([
    [IDLE, headersSent, OPEN],
    [IDLE, headersReceived, OPEN],
    [IDLE, reset, CLOSED],
    [OPEN, headersSent, OPEN],
    [OPEN, headersReceived, OPEN],
    [OPEN, endQueued, OPEN],
    [OPEN, endSent, HALF_CLOSED_LOCAL],
    [OPEN, endReceived, HALF_CLOSED_REMOTE],
    [OPEN, reset, CLOSED],
    [HALF_CLOSED_LOCAL, headersReceived, HALF_CLOSED_LOCAL],
    [HALF_CLOSED_LOCAL, endReceived, CLOSED],
    [HALF_CLOSED_LOCAL, reset, CLOSED],
    [HALF_CLOSED_REMOTE, headersSent, HALF_CLOSED_REMOTE],
    [HALF_CLOSED_REMOTE, endQueued, HALF_CLOSED_REMOTE],
    [HALF_CLOSED_REMOTE, endSent, CLOSED],
    [HALF_CLOSED_REMOTE, endRewound, OPEN],
    [HALF_CLOSED_REMOTE, reset, CLOSED],
  ])("%s changes with an input", (from, input, to) => {
    expect(nameOf.get(rfcState(input(from)))).toBe(nameOf.get(to));
  });

  test.each([
    [IDLE, { send: true, receive: true, idle: true, closed: false }],
    [OPEN, { send: true, receive: true, idle: false, closed: false }],
    [HALF_CLOSED_LOCAL, { send: false, receive: true, idle: false, closed: false }],
    [HALF_CLOSED_REMOTE, { send: true, receive: false, idle: false, closed: false }],
    [CLOSED, { send: false, receive: false, idle: false, closed: true }],
  ])("%s decides which side may send", (state, allowed) => {
    expect({
      send: maySend(state),
      receive: mayReceive(state),
      idle: isIdle(state),
      closed: isClosed(state),
    }).toEqual(allowed);
  });

  test("an end that waits stops further sends, and leaves the stream open until it is sent", () => {
    const waiting = endQueued(headersSent(idle));
    expect([rfcState(waiting), maySend(waiting), endWaits(waiting)]).toEqual([OPEN, false, true]);
    const bothEnded = endReceived(waiting);
    expect(rfcState(bothEnded)).toBe(HALF_CLOSED_REMOTE);
    expect([rfcState(endSent(bothEnded)), endWaits(endSent(bothEnded))]).toEqual([CLOSED, false]);
  });

  test("a header list that arrived is remembered in all later states", () => {
    const state = headersReceived(idle);
    expect(hasHeaders(idle)).toBe(false);
    for (const later of [state, endSent(state), endReceived(endSent(state)), reset(state)])
      expect(hasHeaders(later)).toBe(true);
  });
});
