// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import type { End } from "./pipe.js";
import { Random, seeds } from "./random.js";
import { runTraffic, type Traffic } from "./traffic.js";

const narrow = {
  connectionWindow: 70_000,
  maxBufferedBytes: 2 ** 30,
  maxStreamWindow: 100_000,
  maxFrameSize: 16_384,
};
const wide = {};

/** Both ends are at rest, and agree on every byte of the connection's windows. */
function expectRest({ pipe }: Traffic): void {
  const pairs: [End, End][] = [
    [pipe.client, pipe.server],
    [pipe.server, pipe.client],
  ];
  for (const [here, there] of pairs) {
    expect(here.link.state).toBe("open");
    expect(here.connection.activeStreams).toBe(0);
    expect(here.connection.flow.balanced).toBe(true);
    expect(here.connection.flow.held).toBe(0);
    expect(here.connection.flow.window).toBe(there.connection.streams.sendWindow.left);
  }
}

describe.each([
  ["narrow", narrow],
  ["wide", wide],
])("two connections back to back, windows %s", (_, options) => {
  it.each(seeds(5))("deliver every body in order and whole, seed %i", (seed) => {
    const traffic = runTraffic(new Random(seed), 40, false, options);
    expectRest(traffic);
    expect(traffic.answerers.size).toBe(40);
    traffic.callers.forEach((caller, call) => {
      const answerer = traffic.answerers.get(call)!;
      expect([caller.outcome, caller.received]).toEqual(["trailers", answerer.size]);
      expect(caller.declared).toBe(answerer.size);
      expect([answerer.outcome, answerer.received]).toEqual(["end", caller.size]);
    });
  });

  it.each(seeds(5))("tell both sides of every reset and leave the others whole, seed %i", (seed) => {
    const traffic = runTraffic(new Random(1000 + seed), 60, true, options);
    expectRest(traffic);
    let whole = 0;
    let resets = 0;
    traffic.callers.forEach((caller, call) => {
      const answerer = traffic.answerers.get(call);
      // A call that was given up while it waited for the limit never arrived.
      expect(answerer !== undefined || caller.gaveUp).toBe(true);
      if (answerer === undefined) return;
      // The side that did not reset got the reset, unless its side of the call was over.
      const given = [caller, answerer].some((party) => party.gaveUp);
      const untold = [caller, answerer].filter((party) => given && !party.gaveUp && party.outcome === "");
      expect(untold).toEqual([]);
      if (given) {
        resets++;
        return;
      }
      whole++;
      expect(caller.complete(answerer.size)).toBe(true);
      expect(answerer.complete(caller.size)).toBe(true);
    });
    expect(whole).toBeGreaterThan(0);
    expect(resets).toBeGreaterThan(0);
  });
});
