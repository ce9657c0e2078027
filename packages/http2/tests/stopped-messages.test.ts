// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory, and no message waits for ever for it. Messages that share the pool for large ones, and stop.
// Mutant: http2/src/guards/stopped-streams.ts # largeMessages.stopped(now, options.frameTimeoutMs, stoppedAtOnce) => []
// Mutant: http2/src/flow/large-messages.ts # message.bodyReceived - mark.bytes >= leastGain => message.bodyReceived > mark.bytes
// Mutant: http2/src/flow/large-messages.ts # message.bodyReceived - mark.bytes >= leastGain => false
// Mutant: http2/src/streams/receive-window.ts # this.largeMessages.delete(this);
// Mutant: http2/src/flow/large-messages.ts # for (const mark of this.marks.values()) mark.since = -1;
// Mutant: http2/src/flow/receive-flow.ts # (first || this.passed + n <= this.budget) => true
// Mutant: http2/src/streams/receive-window.ts # if (charged === 0 && this.left * 2 > this.windowTarget) return this.goesOn(message);
// Mutant: http2/src/streams/receive-window.ts # const step = this.outOfCredit ? this.streams.receiveFlow.tryOut(lent) : 0; => const step = 0;
// Mutant: http2/src/streams/receive-window.ts # if (!message.waits) largeMessages.add(this);
// Mutant: http2/src/streams/receive-window.ts # (!message.waits || this.outOfCredit) => true
// Mutant: http2/src/guards/stopped-streams.ts # if (stopped.length === stoppedAtOnce) => if (false)
// Mutant: http2/src/flow/large-messages.ts # if (stopped.length === most) break;
// Mutant: http2/src/flow/large-messages.ts # message.outOfCredit ||
// Mutant: http2/src/streams/receive-window.ts # if (this.borrowed > 0 && charged === 0) return true;
import { describe, expect, it, test } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import { data, headers, request, response } from "./frames.js";
import { play, Subject } from "./subject.js";

const mib = 1_048_576;
const frameTimeoutMs = 30_000;
/** Half of a stream's first window: a message that is larger asks for room when so much has come. */
const half = 32_768;

/** A server, or a client, with so many streams whose bodies are never taken. */
function receiving(role: "server" | "client", streams: number, options = {}): Subject {
  const subject = new Subject(role, { maxBufferedBytes: 4 * mib, ...options }).greet();
  for (let i = 0; i < streams; i++) {
    if (role === "client") subject.open();
    play(subject, [headers(2 * i + 1, role === "client" ? response : request)]);
  }
  subject.crediting = false;
  subject.quiesce();
  subject.log.length = 0;
  subject.sent();
  return subject;
}

/** The reader of a stream has seen the prefix of a message, of which so much has come. */
function announce(subject: Subject, id: number, size: number, begun = half): void {
  play(subject, [data(id, 5)]);
  subject.stream(id).messageNeeds(size, size + 5);
  subject.quiesce();
  send(subject, id, begun);
}

function send(subject: Subject, id: number, n: number): void {
  for (let left = n; left > 0; left -= 16_384) play(subject, [data(id, Math.min(left, 16_384))]);
  subject.quiesce();
}

/** Time passes, and the connection is looked at once a second. */
function pass(subject: Subject, ms: number, everySecond: () => void = () => {}): void {
  for (let left = ms; left > 0; left -= 1000) {
    subject.link.clock += Math.min(1000, left);
    everySecond();
    subject.connection.advance(subject.link.clock);
    subject.quiesce();
  }
}

const letIn = (subject: Subject, id: number): boolean => subject.peerWindow(id) > 65_535;
const resets = (subject: Subject): string[] => subject.sent().filter((line) => line.startsWith("RST_STREAM"));

describe.each(["server", "client"] as const)("a %s", (role) => {
  it("resets four messages that were let in and stop, and lets in the one that waits", () => {
    const subject = receiving(role, 5);
    for (const id of [1, 3, 5, 7, 9]) announce(subject, id, mib);
    expect([1, 3, 5, 7, 9].map((id) => letIn(subject, id))).toEqual([true, true, true, true, false]);
    send(subject, 1, 60_000);
    const sends = () => send(subject, 9, subject.peerWindow(9));
    pass(subject, frameTimeoutMs - 1000, sends);
    expect(resets(subject)).toEqual([]);
    pass(subject, 3000, sends);
    expect(resets(subject)).toEqual([1, 3, 5, 7].map((id) => `RST_STREAM ${id} ENHANCE_YOUR_CALM`));
    expect(subject.log).toContain("7 reset ENHANCE_YOUR_CALM local maybe-processed");
    sends();
    expect(subject.stream(9).closed).toBe(false);
    expect(subject.held.get(9)).toBeGreaterThanOrEqual(mib);
    expect(subject.imbalance()).toEqual([]);
    expect(subject.alive).toBe(true);
  });

  it("resets a message that gains less than 64 KiB in that time though no other waits, and none that gains as much", () => {
    const subject = receiving(role, 3);
    for (const id of [1, 3, 5]) announce(subject, id, mib);
    const seen = Array.from({ length: 8 }, () => {
      pass(subject, frameTimeoutMs, () => {
        send(subject, 1, 2300);
        if (!subject.stream(3).closed) send(subject, 3, 2100);
      });
      return resets(subject);
    });
    const second = [3, 5].map((id) => `RST_STREAM ${id} ENHANCE_YOUR_CALM`);
    expect(seen).toEqual([[], second, [], [], [], [], [], []]);
    expect(subject.alive).toBe(true);
  });

  it("resets no message that is whole in time, however small its rest is", () => {
    const subject = receiving(role, 2);
    // The first one is let in for 40,000 bytes, since unread bytes before it fill a part of the window.
    send(subject, 1, 60_000);
    subject.stream(1).messageNeeds(40_000, 60_000);
    send(subject, 1, 1);
    announce(subject, 3, half + 70_000);
    subject.quiesce();
    expect([letIn(subject, 3), subject.peerWindow(1) >= 39_999]).toEqual([true, true]);
    // The second one gains 64 KiB, and then has as long for its last 4464 bytes.
    send(subject, 1, 39_998);
    send(subject, 3, 65_536);
    pass(subject, frameTimeoutMs - 1000);
    send(subject, 1, 1);
    send(subject, 3, 4464);
    pass(subject, 3 * frameTimeoutMs);
    expect(resets(subject)).toEqual([]);
    expect(subject.alive).toBe(true);
  });

  it("resets a slow message with the next look when its time is over, while another one waits", () => {
    const subject = receiving(role, 2);
    announce(subject, 1, 5 * mib);
    announce(subject, 3, mib);
    expect(letIn(subject, 3)).toBe(false);
    let waited = 0;
    while (!letIn(subject, 3) && waited < 5 * frameTimeoutMs) {
      pass(subject, 1000, () => send(subject, 1, 2000));
      waited += 1000;
    }
    expect(waited).toBeGreaterThan(frameTimeoutMs - 1000);
    expect(waited).toBeLessThanOrEqual(frameTimeoutMs + 2000);
  });

  it("resets a message that gains less than 64 KiB in that time while others wait, and none that gains as much", () => {
    const subject = receiving(role, 4, { maxBufferedBytes: 24 * mib });
    announce(subject, 1, 10 * mib);
    announce(subject, 3, 10 * mib);
    announce(subject, 5, 10 * mib);
    expect(letIn(subject, 5)).toBe(false);
    for (let i = 0; i < 8; i++) {
      pass(subject, frameTimeoutMs, () => {
        send(subject, 1, 2300);
        if (!subject.stream(3).closed) send(subject, 3, 2100);
      });
    }
    // The one that waited got the room, and then stopped.
    expect(resets(subject)).toEqual([3, 5].map((id) => `RST_STREAM ${id} ENHANCE_YOUR_CALM`));
  });
});

describe.each([100, 1000])("%i messages that are announced and stop", (count) => {
  const others = Array.from({ length: count }, (_, i) => 2 * i + 1);
  const honest = 2 * count + 1;

  /** How long the message of the last stream takes, though its peer sends whatever it may; at most so many times the limit. */
  function wait(stopAt: number, size = mib): number {
    const subject = receiving("server", count + 1, {
      maxBufferedBytes: 16 * mib,
      maxConcurrentStreams: 2000,
    });
    for (const id of [...others, honest]) announce(subject, id, size, 0);
    const sent = new Map<number, number>();
    const all = (id: number, end: number): boolean => {
      if (subject.stream(id).closed) return false;
      const before = sent.get(id) ?? 0;
      const n = Math.min(end - before, subject.peerWindow(id));
      send(subject, id, n);
      sent.set(id, before + n);
      return n > 0;
    };
    const round = () => others.map((id) => all(id, stopAt)).includes(true);
    let waited = 0;
    for (;;) {
      while (round() || all(honest, size));
      if (sent.get(honest) === size || waited === 10 * frameTimeoutMs) break;
      pass(subject, 1000);
      waited += 1000;
    }
    pass(subject, frameTimeoutMs + 2000 - waited);
    expect(resets(subject).length).toBe(stopAt < half ? 0 : count);
    expect(subject.imbalance()).toEqual([]);
    expect(subject.alive).toBe(true);
    return waited;
  }

  it("take no room when less than half of their windows came", () => {
    expect(wait(0)).toBe(0);
    expect(wait(half - 10)).toBe(0);
  });

  it.each([half, 50_000, 65_530])(
    "keep others waiting for one frameTimeoutMs when they stop at %i bytes",
    (stopAt) => {
      expect(wait(stopAt)).toBeLessThanOrEqual(frameTimeoutMs + 2000);
    },
  );

  it("keep others waiting no longer when they stop further on, as long as the pool for trials lasts", () => {
    expect(wait(65_530 + Math.floor(mib / count))).toBeLessThanOrEqual(frameTimeoutMs + 2000);
  });
});

test("a hundred streams are ended in a turn, those that were let in first", () => {
  const subject = receiving("server", 250, { maxBufferedBytes: 16 * mib });
  for (let i = 0; i < 250; i++) announce(subject, 2 * i + 1, mib);
  for (let seconds = 0; seconds < 31; seconds++) {
    subject.link.clock += 1000;
    subject.connection.advance(subject.link.clock);
  }
  const closed = () => [...subject.streams.values()].filter((stream) => stream.closed).length;
  const inTurns = [closed()];
  while (subject.link.turn()) inTurns.push(closed());
  expect(inTurns.slice(0, 3)).toEqual([100, 200, 250]);
});

describe("a message that was let in", () => {
  it("has no time while the server reads nothing", () => {
    const subject = receiving("server", 2, { maxUnreadOutput: 65_536, writeTimeoutMs: 10_000 });
    announce(subject, 1, mib);
    subject.link.fast = false;
    subject.stream(3).sendHeaders(response, false);
    subject.stream(3).write(new Uint8Array(65_000), false);
    subject.stream(1).sendHeaders(response, false);
    subject.stream(1).write(new Uint8Array(65_000), false);
    subject.quiesce();
    expect(subject.link.paused).toBe(true);
    // The peer takes a little now and then, so it is not late with that.
    pass(subject, 2 * frameTimeoutMs, () => (subject.link.pending -= 1));
    expect(subject.stream(1).closed).toBe(false);
  });

  it("has no time while it waits and has used all its credit", () => {
    const subject = receiving("server", 2, { maxBufferedBytes: 65_535 });
    announce(subject, 1, mib);
    announce(subject, 3, mib);
    while (subject.peerWindow(3) > 0) send(subject, 3, subject.peerWindow(3));
    pass(subject, 3 * frameTimeoutMs, () => send(subject, 1, 2300));
    expect([1, 3].map((id) => subject.stream(id).closed)).toEqual([false, false]);
    subject.stream(1).reset(ErrorCode.CANCEL);
    subject.quiesce();
    expect(letIn(subject, 3)).toBe(true);
  });

  it("may be answered by the sink when it stops", () => {
    const subject = receiving("server", 1);
    const stream = subject.stream(1);
    const heard: string[] = [];
    stream.sink = {
      ...stream.sink,
      stopped(message) {
        heard.push(message);
        stream.sendHeaders([":status", "200"], true);
        stream.close();
      },
    };
    announce(subject, 1, mib);
    pass(subject, frameTimeoutMs + 3000);
    expect(heard).toEqual([
      "a message of 1048581 bytes gained less than 65536 within 30000 ms: its room is given to others (option http2.frameTimeoutMs)",
    ]);
    expect(subject.sent().slice(-2)).toEqual(["HEADERS 1 END_STREAM", "RST_STREAM 1 NO_ERROR"]);
  });
});

describe("the pool for large messages", () => {
  it("is not taken for ever by smaller messages that pass the first one that waits", () => {
    const subject = receiving("server", 100, { maxBufferedBytes: mib, maxConcurrentStreams: 200 });
    announce(subject, 1, 600_000);
    announce(subject, 3, 1_000_000);
    expect(letIn(subject, 3)).toBe(false);
    let passed = 0;
    for (let id = 5; id < 200 && !letIn(subject, 3); id += 2) {
      announce(subject, id, 300_000);
      if (letIn(subject, id)) {
        passed += 300_000;
        send(subject, id, 300_000 - half);
      } else if (!subject.stream(1).closed) {
        // The others wait behind the large one now; the pool gets empty.
        subject.stream(1).reset(ErrorCode.CANCEL);
        subject.quiesce();
      }
    }
    expect(letIn(subject, 3)).toBe(true);
    expect(passed).toBeGreaterThan(600_000);
    expect(passed).toBeLessThanOrEqual(mib + 300_000);
  });

  it("lets in no message by the room that was left for padding, as long as the one before is not taken", () => {
    const maxBufferedBytes = 4 * mib;
    const subject = receiving("server", 1, { maxBufferedBytes });
    const size = 200_000;
    let whole = 0;
    // The peer uses each byte of its window for messages, and none is taken.
    for (let round = 0; round < 50; round++) {
      if (subject.peerWindow(1) < 5) break;
      announce(subject, 1, size, 0);
      const begun = Math.min(subject.peerWindow(1), half);
      send(subject, 1, begun);
      const n = Math.min(subject.peerWindow(1), size - begun);
      send(subject, 1, n);
      if (begun + n < size) break;
      subject.stream().messageNeeds(0);
      whole++;
    }
    expect(whole).toBe(1);
    expect(subject.connection.flow.held).toBeLessThanOrEqual(65_535 + size);
    // The reader takes it, and the next one comes.
    const rest = size - (subject.held.get(1)! - size - 10);
    subject.held.set(1, subject.held.get(1)! - size - 5);
    subject.stream().credit(size + 5);
    subject.quiesce();
    expect(subject.peerWindow(1)).toBeGreaterThanOrEqual(rest);
    expect(subject.imbalance()).toEqual([]);
  });

  it("keeps no room behind a message when unread ones before it fill the window", () => {
    const subject = receiving("server", 1);
    send(subject, 1, 65_500);
    announce(subject, 1, 100_000);
    expect(subject.peerWindow(1)).toBeLessThanOrEqual(100_000 + 30);
    send(subject, 1, 100_000);
    send(subject, 1, subject.peerWindow(1));
    expect(subject.connection.flow.held).toBeLessThanOrEqual(65_535 + 100_005);
    // The bytes before it are taken: there is room again for the padding of the next message.
    expect(subject.imbalance()).toEqual([]);
  });
});
