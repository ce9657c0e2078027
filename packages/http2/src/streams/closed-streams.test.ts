// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { ClosedBy, ClosedStreams } from "./closed-streams.js";

describe("ClosedStreams", () => {
  it("tells an id that was skipped from one that closed", () => {
    const closed = new ClosedStreams();
    closed.add(5, ClosedBy.ENDED);
    expect(closed.cause(5)).toBe(ClosedBy.ENDED);
    expect(closed.cause(3)).toBe(ClosedBy.NEVER_OPENED);
  });

  it("remembers the last 1024, and takes one that it forgot for one that we reset", () => {
    const closed = new ClosedStreams();
    for (let id = 1; id <= 2 * 1025; id += 2) closed.add(id, ClosedBy.ENDED);
    expect(closed.cause(3)).toBe(ClosedBy.ENDED);
    expect(closed.cause(1)).toBe(ClosedBy.LOCAL_RESET);
    expect(closed.cause(2049)).toBe(ClosedBy.ENDED);
    expect(closed.cause(2051)).toBe(ClosedBy.NEVER_OPENED);
  });

  it("forgets an old stream that closes late rather than a newer one", () => {
    const closed = new ClosedStreams();
    closed.add(2049, ClosedBy.ENDED);
    closed.add(1, ClosedBy.PEER_RESET);
    expect(closed.cause(2049)).toBe(ClosedBy.ENDED);
    expect(closed.cause(1)).toBe(ClosedBy.LOCAL_RESET);
  });

  it("keeps what else it knows of a stream while its table grows", () => {
    const closed = new ClosedStreams();
    closed.add(3, ClosedBy.ENDED, 7, 1234.5);
    closed.add(5, ClosedBy.PEER_RESET, 7);
    for (let id = 7; id <= 1501; id += 2) closed.add(id, ClosedBy.ENDED);
    expect(closed.cause(3)).toBe(ClosedBy.ENDED);
    expect([3, 5, 7].map((id) => closed.dueAt(id))).toEqual([1234.5, 0, 0]);
    expect([7, 8].map((chunk) => closed.answeredAfter(3, chunk))).toEqual([true, false]);
    expect(closed.answeredAfter(5, 7)).toBe(false);
  });

  it.each([0, 1, 254, 255, 256, 300])(
    "knows the latest cause of an id that it has twice, after %i others",
    (n) => {
      const closed = new ClosedStreams();
      for (let i = 0; i < n; i++) closed.add(1001 + 2 * i, ClosedBy.ENDED);
      closed.add(1, ClosedBy.PEER_RESET);
      closed.add(1, ClosedBy.LOCAL_RESET);
      expect(closed.cause(1)).toBe(ClosedBy.LOCAL_RESET);
    },
  );
});
