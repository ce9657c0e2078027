// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { Setting } from "../src/connection/settings.js";
import { headers, request, response, settings, windowUpdate } from "./frames.js";
import { Subject } from "./subject.js";

const zeros = (n: number) => new Uint8Array(n);

/** A server with streams 1, 3, 5 … whose own windows are open; the connection's is used up by stream 99. */
function blocked(count: number): { subject: Subject; ids: number[] } {
  const subject = new Subject("server").greet(Setting.INITIAL_WINDOW_SIZE, 10_000_000);
  const ids = Array.from({ length: count }, (_, i) => 1 + 2 * i);
  for (const id of [...ids, 99]) {
    subject.receive(headers(id, request));
    subject.stream(id).sendHeaders(response, false);
  }
  subject.stream(99).write(zeros(65_535), false);
  subject.quiesce();
  subject.sent();
  subject.log.length = 0;
  return { subject, ids };
}

/** The streams of the DATA frames that were sent, in order. */
const served = (subject: Subject) =>
  subject.sent().flatMap((line) => (line.startsWith("DATA") ? [Number(line.split(" ")[1])] : []));

describe("streams that wait for the connection's window", () => {
  it("are served in turns, a frame each, when it opens wide", () => {
    const { subject, ids } = blocked(3);
    for (const id of ids) subject.stream(id).write(zeros(40_000), true);
    subject.receive(windowUpdate(0, 200_000));
    const order = served(subject);
    expect(order.slice(0, 3)).toEqual([1, 3, 5]);
    const firstDone = order.lastIndexOf(1);
    expect(order.slice(0, firstDone).filter((id) => id === 5).length).toBeGreaterThanOrEqual(2);
    for (const id of ids) expect(subject.stream(id).queuedBytes).toBe(0);
  });

  it.each([16_384, 5000, 16_385, 1])("are served in turns when it opens by %i bytes at a time", (step) => {
    const { subject, ids } = blocked(3);
    for (const id of ids) subject.stream(id).write(zeros(60_000), false);
    for (let i = 0; i < 6; i++) subject.receive(windowUpdate(0, step));
    const sent = ids.map((id) => 60_000 - subject.stream(id).queuedBytes);
    expect(sent.reduce((sum, n) => sum + n)).toBe(6 * step);
    expect(Math.max(...sent) - Math.min(...sent)).toBeLessThanOrEqual(16_384);
    expect(Math.min(...sent)).toBeGreaterThan(0);
  });

  it("keep their place when another stream begins to wait", () => {
    const { subject } = blocked(2);
    subject.stream(3).write(zeros(100), false);
    subject.stream(1).write(zeros(100), false);
    subject.receive(windowUpdate(0, 100));
    expect(served(subject)).toEqual([3]);
    subject.receive(windowUpdate(0, 100));
    expect(served(subject)).toEqual([1]);
  });

  it("are passed by one that waits for its own window, which takes its turn when that opens", () => {
    const { subject } = blocked(2);
    subject.receive(settings(Setting.INITIAL_WINDOW_SIZE, 0));
    subject.receive(windowUpdate(3, 10_000_000));
    subject.stream(1).write(zeros(10), false);
    subject.stream(3).write(zeros(10), false);
    subject.receive(windowUpdate(0, 1000));
    expect(served(subject)).toEqual([3]);
    subject.receive(windowUpdate(1, 10_000_000));
    expect(served(subject)).toEqual([1]);
  });

  it("leave the others alone when one is reset", () => {
    const { subject, ids } = blocked(3);
    for (const id of ids) subject.stream(id).write(zeros(10), false);
    subject.stream(3).reset(8);
    subject.receive(windowUpdate(0, 1000));
    expect(served(subject)).toEqual([1, 5]);
  });
});

describe("streams that wait for the link", () => {
  it("stop when it is congested, and go on in turns when it has drained", () => {
    const { subject, ids } = blocked(2);
    subject.receive(windowUpdate(0, 10_000_000));
    subject.link.fast = false;
    for (const id of ids) subject.stream(id).write(zeros(1_000_000), false);
    subject.quiesce();
    expect(subject.link.pending).toBeLessThanOrEqual(262_144 + 2 * 65_536);
    let rounds = 0;
    let afterFive: number[] = [];
    for (; subject.link.pending > 0 && rounds < 100; rounds++) {
      subject.sent();
      subject.link.drain();
      subject.quiesce();
      if (rounds === 4) afterFive = ids.map((id) => subject.stream(id).queuedBytes);
    }
    subject.sent();
    for (const id of ids) expect(subject.stream(id).queuedBytes).toBe(0);
    expect(rounds).toBeLessThan(20);
    expect(afterFive).toHaveLength(ids.length);
    expect(Math.max(...afterFive)).toBeLessThan(900_000);
  });

  it("get no place to write to while it is congested", () => {
    const { subject } = blocked(1);
    subject.receive(windowUpdate(0, 10_000_000));
    subject.link.fast = false;
    subject.stream(1).write(zeros(400_000), false);
    subject.stream(99).write(zeros(10), false);
    expect(subject.stream(99).reserve(10)).toBe(-1);
    while (subject.link.pending > 0) {
      subject.link.drain();
      subject.quiesce();
    }
    expect(subject.stream(99).reserve(10)).toBeGreaterThanOrEqual(0);
  });
});

describe("the sink of a stream whose queue is full", () => {
  it("hears `writable` once, when less than half of the queue is left", () => {
    const { subject } = blocked(1);
    expect(subject.stream(1).write(zeros(65_535), false)).toBe(true);
    expect(subject.stream(1).write(zeros(10), false)).toBe(false);
    subject.receive(windowUpdate(0, 65_545 - 32_768));
    expect(subject.stream(1).queuedBytes).toBe(32_768);
    expect(subject.log).toEqual([]);
    subject.receive(windowUpdate(0, 1), windowUpdate(0, 1), windowUpdate(0, 1));
    expect(subject.log).toEqual(["1 writable"]);
    subject.receive(windowUpdate(0, 100_000));
    expect(subject.log).toEqual(["1 writable"]);
  });

  it("hears nothing if no send has returned false", () => {
    const { subject } = blocked(1);
    subject.stream(1).write(zeros(65_535), false);
    subject.receive(windowUpdate(0, 100_000));
    expect(subject.log).toEqual([]);
  });

  it("hears nothing any more when the stream was reset", () => {
    const { subject } = blocked(1);
    subject.stream(1).write(zeros(65_536), false);
    subject.stream(1).reset(8);
    subject.receive(windowUpdate(0, 100_000));
    expect(subject.log).toEqual([]);
  });
});

describe("a sender that has used up its turn", () => {
  function spend(subject: Subject, id: number): number {
    for (let n = 1; n < 100; n++) {
      expect(subject.stream(id).reserve(8192)).toBeGreaterThanOrEqual(0);
      if (!subject.stream(id).commit(8192, false)) return n;
    }
    throw new Error("never told to rest");
  }

  it("rests until the next turn, and then hears `writable` once", () => {
    const { subject } = blocked(1);
    subject.receive(windowUpdate(0, 10_000_000));
    expect(spend(subject, 1)).toBeLessThanOrEqual(16);
    subject.link.endTurn();
    expect(subject.log).toEqual([]);
    subject.link.turn();
    expect(subject.log).toEqual(["1 writable"]);
    subject.quiesce();
    expect(subject.log).toEqual(["1 writable"]);
  });

  it("is not woken twice in one turn", () => {
    const { subject } = blocked(1);
    let woken = 0;
    const stream = subject.stream(1);
    stream.sink = {
      ...stream.sink,
      writable: () => {
        woken++;
        if (woken < 3) while (stream.reserve(8192) >= 0 && stream.commit(8192, false)) {}
      },
    };
    stream.write(zeros(70_000), false);
    // Three credits in one turn, each of which finds the queue below its mark.
    for (const n of [50_000, 10_000, 5_000_000]) subject.connection.receive(windowUpdate(0, n));
    subject.link.turn();
    expect(woken).toBe(1);
    subject.link.turn();
    expect(woken).toBe(2);
    subject.quiesce();
    expect(woken).toBe(3);
  });
});
