// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded work. Frames without effect are counted in one place, beyond those that closed streams explain.
// Mutant: http2/src/receive/frame-dispatch.ts # else if (!registry.past.explainsData(length)) limits.uselessFrame();
// Mutant: http2/src/receive/frame-dispatch.ts # else if (length === 0 && end && !registry.past.explainsEnd()) limits.uselessFrame();
// Mutant: http2/src/streams/closed-streams.ts # this.ends++;
// Mutant: http2/src/receive/header-dispatch.ts # else if (!streams.registry.past.explainsHeaders()) streams.limits.uselessFrame();
// Mutant: http2/src/receive/peer-resets.ts # else if (!explained) limits.lateReset(output.dataFrames);
// Mutant: http2/src/guards/limits.ts # if (this.lateResetsPaidFor < sent) this.lateResetsPaidFor++; => if (false) this.lateResetsPaidFor++;
// Mutant: http2/src/guards/limits.ts # if (this.lateResetsPaidFor < sent) this.lateResetsPaidFor++; => if (sent > 0) this.lateResetsPaidFor++;
// Mutant: http2/src/receive/control-frames.ts # if (++this.goAways > goAwaysOfAnEnd) this.streams.limits.uselessFrame();
// Mutant: http2/src/receive/control-frames.ts # if (id === Setting.INITIAL_WINDOW_SIZE) initialWindow = value; => if (false) initialWindow = value;
// Mutant: http2/src/receive/control-frames.ts # this.windowsGrew = delta > 0;
// Mutant: http2/src/streams/stream-registry.ts # if (cause === ClosedBy.LOCAL_RESET && !peerEnded) this.past.expectFrames(outstanding);
// Mutant: http2/src/streams/stream-registry.ts # if (cause === ClosedBy.LOCAL_RESET) this.past.expectFrames(firstWindow);
// Mutant: http2/src/streams/closed-streams.ts # if (cause !== ClosedBy.PEER_RESET) this.resets++;
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import {
  data,
  goAway,
  headers,
  join,
  ping,
  request,
  response,
  rst,
  settings,
  windowUpdate,
} from "./frames.js";
import { type Role, Subject } from "./subject.js";

const three = { burst: 3, perSecond: 0 };
const both: Role[] = ["client", "server"];
const limit = { code: ErrorCode.ENHANCE_YOUR_CALM, limit: "emptyFrameRate" };

/** SETTINGS with these values of INITIAL_WINDOW_SIZE, in order. */
const initialWindows = (...values: number[]): Uint8Array =>
  settings(...values.flatMap((value) => [4, value]));

/** A stream that this side has reset while the peer could still send on it. */
function resetStream(role: Role, options: Http2Options = { emptyFrameRate: three }): Subject {
  const subject = new Subject(role, options).greet();
  if (role === "server") subject.receive(headers(1, request));
  else subject.open();
  subject.stream(1).reset(ErrorCode.CANCEL);
  return subject;
}

describe.each(both)("among the frames without effect, a %s", (role) => {
  it("counts DATA of closed streams beyond their windows", () => {
    const subject = resetStream(role);
    for (let n = 0; n < 4095; n++) subject.receive(data(1, 16));
    expect(subject.connection.counters.emptyFrames).toBe(0);
    subject.receive(data(1, 15), data(1, 1), data(1, 1), data(1, 1));
    expect(subject.connection.counters.emptyFrames).toBe(3);
    expect(subject.endedBy).toBeNull();
    subject.receive(data(1, 1));
    expect(subject.endedBy).toEqual(limit);
  });

  it("counts empty DATA with END_STREAM of closed streams beyond one each", () => {
    const subject = resetStream(role);
    for (let n = 0; n < 4; n++) subject.receive(data(1, 0, { end: true }));
    expect([subject.connection.counters.emptyFrames, subject.endedBy]).toEqual([3, null]);
    subject.receive(data(1, 0, { end: true }));
    expect(subject.endedBy).toEqual(limit);
  });

  it("counts header lists of closed streams beyond the response's and the trailers", () => {
    const subject = resetStream(role);
    for (let n = 0; n < 5; n++) subject.receive(headers(1, response));
    expect([subject.connection.counters.emptyFrames, subject.endedBy]).toEqual([3, null]);
    subject.receive(headers(1, response, { end: true }));
    expect(subject.endedBy).toEqual(limit);
  });

  it("counts RST_STREAM of closed streams beyond one each", () => {
    const subject = resetStream(role);
    for (let n = 0; n < 4; n++) subject.receive(rst(1, ErrorCode.CANCEL));
    expect([subject.connection.counters.emptyFrames, subject.endedBy]).toEqual([3, null]);
    subject.receive(rst(1, ErrorCode.CANCEL));
    expect(subject.endedBy).toEqual(limit);
  });

  it("counts a second RST_STREAM of a stream that the peer had reset", () => {
    const subject = new Subject(role, { emptyFrameRate: three }).greet();
    if (role === "server") subject.receive(headers(1, request));
    else subject.open();
    subject.receive(rst(1, ErrorCode.CANCEL), rst(1, ErrorCode.CANCEL));
    expect(subject.connection.counters.emptyFrames).toBe(1);
  });

  it("counts RST_STREAM of closed streams beyond one for each DATA frame that it sent, as netty answers them", () => {
    const subject = new Subject(role, { emptyFrameRate: three }).greet();
    if (role === "server") subject.receive(headers(1, request));
    else subject.open();
    if (role === "server") subject.stream(1).sendHeaders(response, false);
    for (let n = 0; n < 500; n++) {
      subject.stream(1).write(new Uint8Array(16), false);
      subject.quiesce();
    }
    subject.receive(rst(1, ErrorCode.CANCEL));
    for (let n = 0; n < 500; n++) subject.receive(rst(1, ErrorCode.STREAM_CLOSED));
    expect([subject.connection.counters.emptyFrames, subject.endedBy]).toEqual([0, null]);
    for (let n = 0; n < 4; n++) subject.receive(rst(1, ErrorCode.STREAM_CLOSED));
    expect([subject.connection.counters.emptyFrames, subject.endedBy]).toEqual([4, limit]);
  });

  it("counts GOAWAY beyond the two of an orderly end", () => {
    const subject = new Subject(role, { emptyFrameRate: three }).greet();
    if (role === "server") subject.receive(headers(1, request));
    else subject.open();
    for (let n = 0; n < 5; n++) subject.receive(goAway(1, ErrorCode.NO_ERROR));
    expect([subject.connection.counters.emptyFrames, subject.endedBy]).toEqual([3, null]);
    subject.receive(goAway(1, ErrorCode.NO_ERROR));
    expect(subject.endedBy).toEqual(limit);
  });
});

describe("a server", () => {
  it("counts streams that are opened after its last GOAWAY, and lets go what their clients had sent", () => {
    const subject = new Subject("server", { emptyFrameRate: three }).greet();
    subject.receive(headers(1, request));
    subject.connection.shutdown();
    subject.quiesce();
    const drain = subject.frames().find(({ payload }) => payload.length === 8 && payload[0] === 0x64)!;
    subject.receive(ping(drain.payload, true));
    for (const id of [3, 5, 7])
      subject.receive(headers(id, request), data(id, 65_535), rst(id, ErrorCode.CANCEL));
    expect([subject.connection.counters.emptyFrames, subject.endedBy]).toEqual([3, null]);
    subject.receive(headers(9, request));
    expect(subject.connection.counters.emptyFrames).toBe(4);
  });

  it("lets a thousand abandoned uploads a second go on until they hear of it, in 16-byte frames", () => {
    const subject = new Subject("server").greet();
    const piece = join(...Array.from({ length: 256 }, () => data(1, 16)));
    const setId = (id: number): Uint8Array => {
      const frames = piece.slice();
      for (let at = 0; at < frames.length; at += 9 + 16)
        frames.set([id >>> 24, id >>> 16, id >>> 8, id], at + 5);
      return frames;
    };
    for (let second = 0; second < 3; second++) {
      for (let n = 0; n < 1000; n++) {
        const id = 1 + 2 * (1000 * second + n);
        subject.receive(headers(id, request));
        subject.stream(id).sendHeaders(response, true);
        subject.stream(id).close();
        subject.quiesce();
        subject.receive(setId(id), rst(id, ErrorCode.CANCEL));
      }
      subject.link.clock += 1000;
    }
    expect(subject.endedBy).toBeNull();
    expect(subject.connection.counters.emptyFrames).toBe(0);
  });

  it("expects one RST_STREAM behind its early trailers, of each call (dubbo-java)", () => {
    const subject = new Subject("server", { emptyFrameRate: three, resetRate: three }).greet();
    for (let n = 0; n < 3000; n++) {
      const id = 1 + 2 * n;
      subject.receive(headers(id, request));
      subject.stream(id).sendHeaders(response, true);
      subject.stream(id).close();
      subject.quiesce();
      subject.receive(rst(id, ErrorCode.CANCEL));
    }
    expect(subject.endedBy).toBeNull();
    expect(subject.connection.counters).toMatchObject({ emptyFrames: 0, resetsReceived: 0 });
  });

  it("lets go what a client had sent on a stream that was refused", () => {
    const subject = new Subject("server", { emptyFrameRate: three, maxConcurrentStreams: 1 }).greet();
    subject.receive(headers(1, request), headers(3, request), data(3, 65_535), rst(3, ErrorCode.CANCEL));
    expect(subject.connection.counters.emptyFrames).toBe(0);
    subject.receive(data(3, 1));
    expect(subject.connection.counters.emptyFrames).toBe(1);
  });
});

describe("SETTINGS with many windows", () => {
  it("apply the last one of a frame, once", () => {
    const subject = new Subject("client").greet();
    const stream = subject.open();
    subject.receive(initialWindows(2 ** 31 - 1, 65_536, 2 ** 31 - 1, 70_000));
    expect(stream.send.window).toBe(70_000);
    subject.receive(windowUpdate(1, 1000));
    // Applied one by one, the first value would take the stream's window beyond 2^31-1.
    subject.receive(initialWindows(2 ** 31 - 1, 65_535));
    expect([subject.endedBy, stream.send.window]).toEqual([null, 66_535]);
    subject.receive(initialWindows(65_535, 2 ** 31 - 1));
    expect(subject.endedBy).toEqual({ code: ErrorCode.FLOW_CONTROL_ERROR, limit: undefined });
  });

  it("let go on what waits as soon as a frame gives it room", () => {
    const subject = new Subject("client").greet(4, 0);
    const stream = subject.open();
    stream.write(new Uint8Array(100), true);
    subject.quiesce();
    subject.frames();
    subject.receive(initialWindows(1000, 10));
    expect(subject.sent()).toContain("DATA 1 10");
    subject.receive(initialWindows(5, 9));
    expect(subject.sent()).toEqual(["SETTINGS ACK"]);
    subject.receive(initialWindows(1000));
    expect(subject.sent()).toContain("DATA 1 90 END_STREAM");
  });
});
