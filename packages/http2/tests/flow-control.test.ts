// SPDX-License-Identifier: Apache-2.0
// Mutant: http2/src/streams/receive-window.ts # prefixAtMost + this.delivering => prefixAtMost
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import { data, headers, request, response, rst, settings, windowUpdate } from "./frames.js";
import { play, Subject, windowsOf } from "./subject.js";

const zeros = (n: number) => new Uint8Array(n);
/** A message that is larger than the window asks for more when half of the first window, 65,535 bytes, is used. */
const half = 32_768;

/** A server with stream 1 open, that holds what arrives. */
function holding(options = {}): Subject {
  const subject = new Subject("server", options).greet();
  subject.receive(headers(1, request));
  subject.crediting = false;
  return subject;
}

/** The application gives back what the sink of a stream holds, or some of it. */
function credit(subject: Subject, id: number, n = subject.held.get(id)!): void {
  subject.held.set(id, subject.held.get(id)! - n);
  subject.stream(id).credit(n);
  subject.quiesce();
}

/** The peer sends so many bytes, in frames of 16 KiB. */
function send(subject: Subject, id: number, n: number): void {
  for (let left = n; left > 0; left -= 16_384) play(subject, [data(id, Math.min(left, 16_384))]);
}

describe("the window of a stream that receives", () => {
  it("is given back when the application takes the data, in steps of half the window", () => {
    const subject = holding({ maxStreamWindow: 65_535 });
    send(subject, 1, 40_000);
    subject.sent();
    credit(subject, 1, 32_767);
    expect(subject.sent()).toEqual([]);
    credit(subject, 1, 1);
    expect(subject.sent()).toEqual(["WINDOW_UPDATE 1 +32768"]);
    expect(subject.imbalance()).toEqual([]);
  });

  it("doubles up to the maximum while the reader keeps up", () => {
    const subject = holding({ maxStreamWindow: 400_000 });
    const targets = [];
    for (let i = 0; i < 12; i++) {
      send(subject, 1, subject.peerWindow(1));
      credit(subject, 1);
      targets.push(windowsOf(subject.stream()).windowTarget);
      expect(subject.imbalance()).toEqual([]);
    }
    expect(targets.slice(0, 4)).toEqual([131_070, 262_140, 400_000, 400_000]);
    expect(targets.at(-1)).toBe(400_000);
    expect(subject.peerWindow(1)).toBe(400_000);
  });

  it("grows for a reader that takes a message at once, though the next one begins behind it in the same frame", () => {
    const subject = holding();
    send(subject, 1, 32_768);
    const stream = subject.stream();
    const { sink } = stream;
    stream.sink = Object.assign(Object.create(sink), {
      data(b: Uint8Array, start: number, end: number): void {
        sink.data(b, start, end);
        const message = subject.held.get(1)! - 1000;
        subject.held.set(1, 1000);
        stream.credit(message);
      },
    });
    send(subject, 1, 16_384);
    expect(windowsOf(stream).windowTarget).toBe(131_070);
    expect(subject.imbalance()).toEqual([]);
  });

  it("does not grow while the reader lags behind", () => {
    const subject = holding();
    send(subject, 1, 65_535);
    credit(subject, 1, 40_000);
    expect(windowsOf(subject.stream()).windowTarget).toBe(65_535);
    expect(subject.imbalance()).toEqual([]);
  });

  it("passed by the peer is an error of the stream, and costs the connection nothing", () => {
    const subject = holding();
    send(subject, 1, 65_535);
    send(subject, 1, 1);
    expect(subject.log.at(-1)).toBe("1 reset FLOW_CONTROL_ERROR local maybe-processed");
    credit(subject, 1);
    expect(subject.imbalance()).toEqual([]);
    expect(subject.connection.flow.held).toBe(0);
  });

  it("is not announced any more after the peer has ended the stream", () => {
    const subject = holding();
    send(subject, 1, 60_000);
    play(subject, [data(1, 0, { end: true })]);
    subject.sent();
    credit(subject, 1);
    expect(subject.sent()).toEqual([]);
  });
});

describe("a message larger than the window", () => {
  it("is let in as a whole when half of the window is used, and the window is as before when it was taken", () => {
    const subject = holding({ maxStreamWindow: 65_535 });
    send(subject, 1, 5);
    subject.stream().messageNeeds(300_000);
    subject.quiesce();
    send(subject, 1, half - 6);
    expect(subject.peerWindow(1)).toBe(65_535 - half + 1);
    send(subject, 1, 1);
    // More than it takes, by the padding of one frame; nghttp2 ends a stream only while its window is open.
    expect(subject.peerWindow(1)).toBe(300_000 - half + 5 + 256);
    send(subject, 1, 300_000 - half + 5);
    expect(subject.imbalance()).toEqual([]);
    expect(subject.peerWindow(1)).toBe(256);
    credit(subject, 1);
    expect(subject.imbalance()).toEqual([]);
    const { left, unannounced, borrowed } = windowsOf(subject.stream());
    expect([left + unannounced, borrowed]).toEqual([65_535, 0]);
  });

  it("that leaves room for a frame's padding changes nothing, one that fills the window gets that room", () => {
    const subject = holding();
    send(subject, 1, half);
    subject.stream().messageNeeds(65_279 - half);
    subject.quiesce();
    expect(subject.sent()).toEqual([]);
    subject.stream().messageNeeds(65_535 - half);
    subject.quiesce();
    expect(subject.sent()).toEqual(["WINDOW_UPDATE 1 +256"]);
  });

  it("is let in even when it is larger than all that the connection may buffer", () => {
    const subject = holding({ maxBufferedBytes: 65_535, connectionWindow: 65_535 });
    const total = 400_000;
    subject.stream().messageNeeds(total);
    subject.quiesce();
    for (let left = total; left > 0; ) {
      const n = Math.min(left, subject.peerWindow(0), subject.peerWindow(1));
      expect(n).toBeGreaterThan(0);
      send(subject, 1, n);
      left -= n;
    }
    expect(subject.imbalance()).toEqual([]);
    credit(subject, 1);
    expect(subject.imbalance()).toEqual([]);
  });

  it.each(["whole", "reset", "peer"])("makes others of its size wait until it is %s", (how) => {
    const subject = holding({ maxBufferedBytes: 100_000, connectionWindow: 65_535 });
    subject.receive(headers(3, request));
    for (const id of [1, 3]) {
      subject.stream(id).messageNeeds(160_000);
      send(subject, id, half);
    }
    subject.quiesce();
    const [whole, waits] = [160_256 - half, 65_535 - half];
    // The first one may come, though it is larger than the budget; the second one not yet.
    expect(subject.peerWindow(1)).toBe(whole);
    expect(subject.peerWindow(3)).toBe(waits);
    if (how === "whole") {
      for (let left = 160_000 - half; left > 0; ) {
        const n = Math.min(left, subject.peerWindow(0));
        send(subject, 1, n);
        left -= n;
      }
    } else if (how === "reset") subject.stream(1).reset(ErrorCode.CANCEL);
    else play(subject, [rst(1, ErrorCode.CANCEL)]);
    // No reader has taken it: that would be to wait for a reader.
    expect(subject.held.get(1)).toBe(how === "whole" ? 160_000 : half);
    subject.quiesce();
    expect(subject.peerWindow(3)).toBe(whole);
    expect(subject.imbalance()).toEqual([]);
  });

  it("waits for no other when both fit", () => {
    const subject = holding({ maxBufferedBytes: 200_000, connectionWindow: 65_535 });
    subject.receive(headers(3, request));
    for (const id of [1, 3]) {
      subject.stream(id).messageNeeds(160_000);
      send(subject, id, half);
    }
    subject.quiesce();
    expect([subject.peerWindow(1), subject.peerWindow(3)]).toEqual([160_256 - half, 160_256 - half]);
  });
});

describe("the window of a connection that receives", () => {
  it("is given back on receipt, so that a stream that nobody reads does not stop the others", () => {
    const subject = holding({ connectionWindow: 100_000 });
    for (let id = 3; id <= 21; id += 2) {
      subject.receive(headers(id, request));
      send(subject, id, 60_000);
    }
    expect(subject.peerWindow(0)).toBeGreaterThan(75_000);
    expect(subject.imbalance()).toEqual([]);
  });

  it("lets through what one stream gets beside a thousand that nobody reads, within the bound", () => {
    const maxBufferedBytes = 1_000_000;
    const subject = holding({ maxConcurrentStreams: 1001, maxBufferedBytes });
    for (let id = 3; id <= 2001; id += 2) {
      subject.receive(headers(id, request));
      send(subject, id, subject.peerWindow(id));
    }
    for (let total = 0; total < 20_000_000; ) {
      const n = Math.min(subject.peerWindow(0), subject.peerWindow(1), 1_000_000);
      expect(n).toBeGreaterThan(30_000);
      send(subject, 1, n);
      credit(subject, 1);
      total += n;
    }
    // Its window has grown as far as the budget goes, and what is held is within what the options say.
    expect(windowsOf(subject.stream(1)).windowTarget).toBe(1_048_576);
    expect(subject.connection.flow.held).toBeLessThanOrEqual(1001 * 65_535 + 2 * maxBufferedBytes);
    expect(subject.imbalance()).toEqual([]);
  });

  it("doesn't let windows grow past the budget, and gives growth to who keeps up", () => {
    const subject = holding({ maxBufferedBytes: 200_000, maxStreamWindow: 200_000 });
    const stream = (id: number) => windowsOf(subject.stream(id)).windowTarget;
    const read = (id: number): void => {
      send(subject, id, subject.peerWindow(id));
      credit(subject, id);
    };
    subject.receive(headers(3, request));
    for (let i = 0; i < 8; i++) read(1);
    expect(stream(1)).toBe(200_000);
    for (let i = 0; i < 8; i++) read(3);
    expect(stream(3)).toBe(65_535 + 65_535);
    // The first one stops keeping up: it takes a part, and never all.
    for (let i = 0; i < 4; i++) {
      send(subject, 1, subject.peerWindow(1));
      subject.held.set(1, subject.held.get(1)! - 120_000);
      subject.stream(1).credit(120_000);
      subject.quiesce();
    }
    expect(stream(1)).toBeLessThan(200_000);
    for (let i = 0; i < 8; i++) read(3);
    expect(stream(3)).toBeGreaterThan(131_070);
    expect(subject.imbalance()).toEqual([]);
    subject.stream(1).reset(ErrorCode.CANCEL);
    for (let i = 0; i < 8; i++) read(3);
    expect(stream(3)).toBe(200_000);
  });

  it("passed by the peer ends the connection", () => {
    const subject = holding({ connectionWindow: 65_535, maxBufferedBytes: 65_535 });
    subject.receive(headers(3, request), headers(5, request));
    // Less than a quarter is not credited at once.
    send(subject, 3, 16_000);
    expect(subject.peerWindow(0)).toBe(49_535);
    subject.receive(data(5, 49_536));
    expect(subject.log.at(-1)).toBe("closed FLOW_CONTROL_ERROR");
  });
});

describe("the windows for what is sent", () => {
  /** A server that writes a response's body on stream 1. */
  function writing(n: number): Subject {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, request));
    subject.stream().sendHeaders(response, false);
    subject.stream().write(zeros(n), false);
    subject.quiesce();
    return subject;
  }
  const dataOf = (subject: Subject) => subject.sent().filter((line) => line.startsWith("DATA"));

  it("hold back what passes the stream's", () => {
    const subject = writing(65_540);
    subject.receive(windowUpdate(0, 1000));
    const lengths = dataOf(subject).map((line) => Number(line.split(" ")[2]));
    expect(lengths.reduce((sum, n) => sum + n)).toBe(65_535);
    expect(Math.max(...lengths)).toBe(16_384);
    subject.receive(windowUpdate(1, 2));
    expect(dataOf(subject)).toEqual(["DATA 1 2"]);
  });

  it("hold back what passes the connection's", () => {
    const subject = writing(65_540);
    subject.receive(windowUpdate(1, 1000));
    dataOf(subject);
    subject.receive(windowUpdate(0, 2));
    expect(dataOf(subject)).toEqual(["DATA 1 2"]);
  });

  it("let an end pass though they are used up", () => {
    const subject = writing(65_535);
    subject.stream().sendEnd();
    subject.quiesce();
    expect(dataOf(subject).at(-1)).toMatch(/END_STREAM$/);
  });

  it("let trailers pass though they are negative", () => {
    const subject = writing(65_535);
    subject.receive(settings(4, 0));
    expect(subject.stream().send.window).toBe(-65_535);
    subject.sent();
    subject.stream().sendTrailers(["x", "y"]);
    subject.quiesce();
    expect(subject.sent()).toEqual(["HEADERS 1 END_STREAM"]);
  });

  it("give no place for a message that they don't let out", () => {
    const subject = writing(65_530);
    expect(subject.stream().reserve(6)).toBe(-1);
    expect(subject.stream().reserve(5)).toBeGreaterThanOrEqual(0);
    expect(subject.stream().commit(5, false)).toBe(true);
    subject.quiesce();
    expect(subject.stream().send.window).toBe(0);
    expect(subject.connection.streams.sendWindow.left).toBe(0);
  });

  it("let nothing out of a stream that was reset while it waited", () => {
    const subject = writing(100_000);
    subject.stream().reset(ErrorCode.CANCEL);
    subject.quiesce();
    subject.sent();
    subject.receive(windowUpdate(0, 100_000), windowUpdate(1, 100_000));
    expect(subject.sent()).toEqual([]);
  });

  it("cut DATA to the frame size that the peer takes", () => {
    const subject = new Subject("server").greet(5, 20_000);
    subject.receive(headers(1, request));
    subject.stream().sendHeaders(response, false);
    subject.stream().write(zeros(30_000), false);
    subject.quiesce();
    expect(dataOf(subject)).toEqual(["DATA 1 20000", "DATA 1 10000"]);
  });
});
