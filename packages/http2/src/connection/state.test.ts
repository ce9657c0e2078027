// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "@jest/globals";
import { ConnectionState, Input } from "./state.js";

const { GOAWAY_RECEIVED, GOAWAY_SENT, LAST_GOAWAY_SENT, END, LINK_CLOSED } = Input;

function stateAfter(...inputs: number[]): ConnectionState {
  const state = new ConnectionState();
  for (const input of inputs) state.apply(input);
  return state;
}

describe("the state of a connection (RFC 9113 §6.8)", () => {
  test("a new connection is open", () => {
    const { open, goAwaySent, closesWhenIdle, over, closed } = stateAfter();
    expect({ open, goAwaySent, closesWhenIdle, over, closed }).toEqual({
      open: true,
      goAwaySent: false,
      closesWhenIdle: false,
      over: false,
      closed: false,
    });
  });

  test("a server that shuts down closes only after its second GOAWAY", () => {
    expect(stateAfter(GOAWAY_SENT)).toMatchObject({
      open: false,
      goAwayFollows: true,
      closesWhenIdle: false,
    });
    expect(stateAfter(GOAWAY_SENT, GOAWAY_RECEIVED)).toMatchObject({
      goAwayFollows: true,
      closesWhenIdle: false,
    });
    expect(stateAfter(GOAWAY_SENT, LAST_GOAWAY_SENT)).toMatchObject({
      goAwayFollows: false,
      closesWhenIdle: true,
    });
  });

  test("a GOAWAY of the peer lets the connection close, whether or not this side answers with its own", () => {
    expect(stateAfter(GOAWAY_RECEIVED)).toMatchObject({
      open: false,
      goAwaySent: false,
      closesWhenIdle: true,
    });
    for (const own of [GOAWAY_SENT, LAST_GOAWAY_SENT])
      expect(stateAfter(GOAWAY_RECEIVED, own)).toMatchObject({ goAwaySent: true, closesWhenIdle: true });
  });

  test("no input brings a connection back that is over", () => {
    for (const input of Object.values(Input)) {
      expect(stateAfter(END, input)).toMatchObject({ over: true, closesWhenIdle: false });
      expect(stateAfter(LINK_CLOSED, input)).toMatchObject({ over: true, closed: true });
    }
    expect(stateAfter(END, GOAWAY_RECEIVED).closed).toBe(false);
  });
});
