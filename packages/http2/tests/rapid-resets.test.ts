// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded work. Resets of calls whose answer the peer can't have seen, and those of deadlines.
// Mutant: http2/src/receive/peer-resets.ts # (!stream.send.answered || stream.send.answeredAt >= streams.input.reading) => !stream.send.answered
// Mutant: http2/src/receive/peer-resets.ts # const rapid = isServer && past.answeredAfter(id, input.reading); => const rapid = false;
// Mutant: http2/src/streams/send-side.ts # this.answeredAt = this.streams.input.arrived;
// Mutant: http2/src/receive/peer-resets.ts # else if (streams.isServer && queuedBytes > 0) this.countUnseen(stream.dueAt, queuedBytes, whole);
// Mutant: http2/src/receive/peer-resets.ts # explained && past.cause(id) === ClosedBy.ENDED => false
// Mutant: http2/src/receive/peer-resets.ts # if (!this.nearDeadline(dueAt)) limits.answerUnseen => limits.answerUnseen
// Mutant: http2/src/guards/limits.ts # count / 4 => count
// Mutant: http2/src/guards/limits.ts # whole ? 1 : 0, waste - paid => whole ? 1 : 0, waste
// Mutant: http2/src/guards/limits.ts # whole ? 1 : 0, waste - paid => 0, waste - paid
// Mutant: http2/src/guards/limits.ts # 1 + Math.floor(unsent / unsentPerReset) => 1
// Mutant: http2/src/receive/peer-resets.ts # if (this.nearDeadline(dueAt)) limits.deadlinePassed(); => if (this.nearDeadline(dueAt)) limits.resetReceived(0);
// Mutant: http2/src/receive/peer-resets.ts # && this.streams.link.now() >= dueAt - resetsBeforeDeadlineMs
// Mutant: http2/src/receive/peer-resets.ts # link.now() >= dueAt - resetsBeforeDeadlineMs => link.now() >= dueAt
// Mutant: http2/src/streams/streams.ts # this.limits.deadlinePassed();
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import type { Stream } from "../src/streams/stream.js";
import { data, headers, join, request, response, rst, windowUpdate } from "./frames.js";
import { Subject } from "./subject.js";

const three = { burst: 3, perSecond: 0 };
const ids = (count: number, first = 1): number[] => Array.from({ length: count }, (_, n) => first + 2 * n);
const call = (id: number): Uint8Array => headers(id, request, { end: true });
const cancel = (id: number): Uint8Array => rst(id, ErrorCode.CANCEL);
const calm = (limit: string) => ({ code: ErrorCode.ENHANCE_YOUR_CALM, limit });

function server(options: Http2Options, serve: (stream: Stream) => void): Subject {
  const subject = new Subject("server", options).greet();
  subject.serve = serve;
  return subject;
}

const whole = (stream: Stream): void => stream.sendHeaders(response, true);
const begun = (stream: Stream): void => stream.sendHeaders(response, false);

describe.each([
  ["answered whole", whole],
  ["answered in part", begun],
])("a call that is %s", (_, serve) => {
  it("and reset by the chunk that it came in counts against resetRate", () => {
    const subject = server({ resetRate: three }, serve);
    subject.receive(join(...ids(3).flatMap((id) => [call(id), cancel(id)])));
    expect(subject.endedBy).toBeNull();
    expect(subject.connection.counters.resetsReceived).toBe(3);
    subject.receive(join(call(7), cancel(7)));
    expect(subject.endedBy).toEqual(calm("resetRate"));
  });

  it("and reset by a chunk that had arrived before the answer counts, in whichever turn it is read", () => {
    const subject = server({ resetRate: { burst: 4, perSecond: 0 }, maxStreamsPerTurn: 1 }, serve);
    subject.connection.receive(join(...ids(4).map(call)));
    subject.connection.receive(join(...ids(4).map(cancel)));
    subject.quiesce();
    // The first answer was written before the second chunk came.
    expect(subject.connection.counters.resetsReceived).toBe(3);
    expect(subject.endedBy).toBeNull();
  });

  it("and reset later by 3000 streams at once does not end the connection", () => {
    const subject = server({ emptyFrameRate: three }, serve);
    for (let n = 0; n < 3; n++) {
      const wave = ids(1000, 1 + 2000 * n);
      subject.receive(join(...wave.map(call)));
      subject.receive(join(...wave.map(cancel)));
    }
    expect(subject.endedBy).toBeNull();
    expect(subject.connection.counters.resetsReceived).toBe(0);
  });
});

describe("a reset behind an answer", () => {
  /** Frames of one call each, one chunk each. */
  const split = (id: number) => [headers(id, request), data(id, 5, { end: true }), cancel(id)];

  it("that is whole counts a quarter, since no peer that has read the end resets the stream", () => {
    const subject = server({ resetRate: { burst: 2, perSecond: 0 } }, whole);
    for (const id of ids(8)) for (const chunk of split(id)) subject.receive(chunk);
    expect(subject.endedBy).toBeNull();
    expect(subject.connection.counters).toMatchObject({ resetsReceived: 0, answersUnseen: 8 });
    for (const chunk of split(17)) subject.receive(chunk);
    expect(subject.endedBy).toEqual(calm("resetRate"));
  });

  it("that waits for the peer's window counts a quarter", () => {
    const subject = new Subject("server", { resetRate: { burst: 2, perSecond: 0 } }).greet(4, 0);
    subject.serve = (stream) => {
      stream.sendHeaders(response, false);
      stream.write(new Uint8Array(5), true);
    };
    for (const id of ids(8)) for (const chunk of split(id)) subject.receive(chunk);
    expect(subject.endedBy).toBeNull();
    for (const chunk of split(17)) subject.receive(chunk);
    expect(subject.endedBy).toEqual(calm("resetRate"));
  });

  it("that has begun counts nothing, since the peer may have read that", () => {
    const subject = server({ resetRate: { burst: 0, perSecond: 0 } }, begun);
    for (const id of ids(100)) for (const chunk of split(id)) subject.receive(chunk);
    expect(subject.endedBy).toBeNull();
  });

  it("that is large counts by the bytes that have not left, unless the peer has read others", () => {
    const large = (stream: Stream): void => {
      stream.sendHeaders(response, false);
      stream.write(new Uint8Array(1_048_576), true);
    };
    const subject = server({ resetRate: { burst: 9, perSecond: 0 } }, large);
    // A first window has left, and pays for one message, whose reset counts a quarter.
    for (const chunk of split(1)) subject.receive(chunk);
    expect(subject.endedBy).toBeNull();
    // 16 of 64 KiB each: four.
    for (const id of [3, 5]) for (const chunk of split(id)) subject.receive(chunk);
    expect(subject.endedBy).toBeNull();
    for (const chunk of split(7)) subject.receive(chunk);
    expect(subject.endedBy).toEqual(calm("resetRate"));
  });

  it("counts nothing near the deadline of its call", () => {
    const subject = server({ resetRate: { burst: 0, perSecond: 0 } }, (stream) => {
      stream.dueAt = 500;
      whole(stream);
    });
    for (const id of ids(3)) for (const chunk of split(id)) subject.receive(chunk);
    expect(subject.endedBy).toBeNull();
  });
});

describe("resets of large answers", () => {
  it("count once more for each 64 KiB that was made for nothing", () => {
    const subject = server({ resetRate: { burst: 20, perSecond: 0 } }, (stream) => {
      stream.sendHeaders(response, false);
      stream.write(new Uint8Array(1_000_000), true);
    });
    subject.receive(windowUpdate(0, 2 ** 20), join(call(1), cancel(1)));
    expect(subject.endedBy).toBeNull();
    subject.receive(join(call(3), cancel(3)));
    expect(subject.endedBy).toEqual(calm("resetRate"));
    expect(subject.connection.counters.resetsReceived).toBe(2);
  });
});

describe("resets of calls with a deadline", () => {
  const due =
    (ms: number, then: (stream: Stream) => void = () => {}) =>
    (subject: Subject) =>
    (stream: Stream): void => {
      stream.dueAt = subject.link.clock + ms;
      then(stream);
    };
  const with_ = (options: Http2Options, serve: (subject: Subject) => (stream: Stream) => void): Subject => {
    const subject = new Subject("server", options).greet();
    subject.serve = serve(subject);
    return subject;
  };

  it("are limited by deadlineRate when it has passed, and by nothing else", () => {
    const subject = with_({ resetRate: { burst: 0, perSecond: 0 }, deadlineRate: three }, due(5000));
    subject.receive(join(...ids(4).map(call)));
    subject.link.clock += 5000;
    subject.receive(join(...ids(3).map(cancel)));
    expect(subject.endedBy).toBeNull();
    subject.receive(cancel(7));
    expect(subject.endedBy).toEqual(calm("deadlineRate"));
    expect(subject.connection.counters.deadlines).toBe(4);
  });

  it.each([
    ["nothing", () => {}],
    ["a whole answer", whole],
  ])("are so a second before it, too, since the client's clock began before, with %s sent", (_, then) => {
    const subject = with_({ resetRate: three, deadlineRate: three }, due(1000, then));
    subject.receive(join(...ids(3).flatMap((id) => [call(id), cancel(id)])));
    expect(subject.connection.counters).toMatchObject({ deadlines: 3, resetsReceived: 0 });
    subject.receive(join(call(7), cancel(7)));
    expect(subject.endedBy).toEqual(calm("deadlineRate"));
  });

  it("count against resetRate long before it", () => {
    const subject = with_({ resetRate: three, deadlineRate: three }, due(1001));
    subject.receive(join(...ids(4).flatMap((id) => [call(id), cancel(id)])));
    expect(subject.endedBy).toEqual(calm("resetRate"));
  });

  it("count once when this side ends them, whether or not a reset follows", () => {
    const subject = with_({ deadlineRate: three, resetRate: three, emptyFrameRate: three }, due(1));
    subject.receive(join(...ids(4).map(call)));
    subject.link.clock += 5;
    for (const id of ids(3)) {
      subject.stream(id).deadlinePassed();
      subject.stream(id).sendHeaders(response, true);
    }
    subject.receive(join(...ids(3).map(cancel)));
    expect([subject.endedBy, subject.connection.counters.deadlines]).toEqual([null, 3]);
    subject.stream(7).deadlinePassed();
    subject.quiesce();
    expect(subject.endedBy).toEqual(calm("deadlineRate"));
    expect(subject.log).toContain("7 reset CANCEL connection maybe-processed");
  });

  it("pass when a thousand come a second, and as many again at once", () => {
    const subject = with_({}, due(500));
    let next = 1;
    for (let second = 0; second < 20; second++) {
      const wave = ids(1000, next);
      next += 2000;
      subject.receive(join(...wave.map(call)));
      subject.link.clock += 1000;
      subject.receive(join(...wave.map(cancel)));
    }
    for (let n = 0; n < 2; n++) {
      const wave = ids(1000, next);
      next += 2000;
      subject.receive(join(...wave.map(call)), join(...wave.map(cancel)));
    }
    expect(subject.endedBy).toBeNull();
    expect(subject.connection.counters.deadlines).toBe(22_000);
  });
});

describe("a client", () => {
  it("counts no resets of its server", () => {
    const subject = new Subject("client", { resetRate: three }).greet();
    for (let n = 0; n < 10; n++) {
      const { id } = subject.open();
      subject.receive(join(headers(id, response), data(id, 1), rst(id, ErrorCode.NO_ERROR)));
    }
    expect(subject.endedBy).toBeNull();
  });
});
