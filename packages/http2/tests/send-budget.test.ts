// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. A peer that gives no window can't make this side hold answers without end.
// Mutant: http2/src/send/send-budget.ts # this.queuedBytes > this.maxQueuedBytes / 2 => false
// Mutant: http2/src/send/send-budget.ts # waiting + length <= most => true
// Mutant: http2/src/send/send-budget.ts # || this.queuedBytes === 0
// Mutant: http2/src/send/send-budget.ts # this.queuedBytes + this.link.pending => this.queuedBytes
// Mutant: http2/src/streams/send-side.ts # this.streams.budget.queuedBytes += bytes.length;
// Mutant: http2/src/send/send-budget.ts # this.queuedBytes -= bytes;
// Mutant: http2/src/streams/send-side.ts # || (queued > 0 && this.streams.budget.crowded)
// Mutant: http2/src/streams/send-side.ts # (queued > 0 && this.streams.budget.crowded) => this.streams.budget.crowded
// Mutant: http2/src/streams/send-side.ts # && !this.streams.budget.crowded
// Mutant: http2/src/streams/scheduler.ts # budget.queuedBytes -= n;
// Mutant: http2/src/guards/stopped-streams.ts # limitMs > 0 && => false &&
// Mutant: http2/src/guards/stopped-streams.ts # limitMs > 0 && => true &&
// Mutant: http2/src/guards/stopped-streams.ts # window > 0 ? sent : queue.taken => queue.taken
// Mutant: http2/src/guards/stopped-streams.ts # queue.compact();
// Mutant: http2/src/streams/send-side.ts # if (this.queue !== null) this.streams.output.turnBytes += bytesOfTurn(bytes, this.queue);
// Mutant: http2/src/streams/send-side.ts # Math.max(pieceWork, Math.min(piece.length, queue.length)) => Math.min(piece.length, queue.length)
import { describe, expect, it } from "@jest/globals";
import type { Http2Options } from "../src/connection/options.js";
import { resolveHttp2Options } from "../src/connection/options.js";
import { headers, ping, request, response, rst, settings, windowUpdate } from "./frames.js";
import { Subject } from "./subject.js";

const zeros = (n: number) => new Uint8Array(n);

/** A server with streams 1, 3, 5 …, whose peer gives each of them so much window, and enough for the connection. */
function answering(streams: number, window: number, options?: Http2Options): Subject {
  const subject = new Subject("server", options).greet(4, window);
  subject.receive(windowUpdate(0, 2 ** 30));
  for (let i = 0; i < streams; i++) {
    subject.receive(headers(2 * i + 1, request, { end: true }));
    subject.stream(2 * i + 1).sendHeaders(response, false);
  }
  subject.quiesce();
  subject.sent();
  subject.log.length = 0;
  return subject;
}

/** Lets time pass in ticks of a second; the peer answers PINGs. */
function pass(subject: Subject, ms: number, each?: () => void): void {
  for (let left = ms; left > 0 && subject.alive; left -= 1000) {
    subject.link.clock += 1000;
    each?.();
    subject.connection.advance(subject.link.clock);
    subject.quiesce();
    if (subject.frames().some((frame) => frame.type === 6)) subject.receive(ping("keepaliv", true));
  }
}

const least = { maxQueuedBytes: 131_072 };

describe("what waits to be sent on a connection", () => {
  it("makes a server refuse calls when it is more than half of maxQueuedBytes, and the reason names the option", () => {
    const subject = answering(2, 0, least);
    const { connection } = subject;
    subject.stream(1).write(zeros(65_536), true);
    expect(connection.refuseCall()).toBeNull();
    subject.stream(3).write(zeros(1), true);
    expect(connection.queuedBytes).toBe(65_537);
    expect(connection.refuseCall()).toMatch(
      /^65537 bytes of answers wait .* above 65536 .*option http2.maxQueuedBytes/,
    );
    expect(connection.counters.callsRefused).toBe(1);
    subject.receive(windowUpdate(3, 1));
    expect(connection.queuedBytes).toBe(65_536);
    expect(connection.refuseCall()).toBeNull();
  });

  it("refuses a message that would pass maxQueuedBytes, counted with what the link has not sent", () => {
    const subject = answering(2, 0, least);
    const { connection, link } = subject;
    const stream = subject.stream(1);
    stream.write(zeros(100_000), false);
    expect(stream.refuseMessage(31_072)).toBeNull();
    expect(stream.refuseMessage(31_073)).toMatch(
      /^a message of 31073 bytes is not sent, since 100000 bytes wait .* at most 131072 may \(option http2.maxQueuedBytes/,
    );
    link.pending = 10;
    expect(stream.refuseMessage(31_072)).toMatch(
      /^a message of 31072 bytes is not sent, since 100010 bytes wait/,
    );
    expect(connection.counters.messagesRefused).toBe(2);
  });

  it("may be a single message larger than maxQueuedBytes", () => {
    const subject = answering(1, 0, least);
    subject.link.pending = 9;
    expect(subject.stream(1).refuseMessage(1_000_000)).toBeNull();
  });

  it("includes messages that are being compressed", () => {
    const subject = answering(1, 0, least);
    subject.stream(1).compressing(70_000);
    expect(subject.connection.refuseCall()).toMatch(/^70000 bytes/);
    subject.stream(1).compressing(-70_000);
    expect(subject.connection.refuseCall()).toBeNull();
  });

  it("is nothing once the streams were reset, by either side", () => {
    const subject = answering(3, 0);
    for (const id of [1, 3, 5]) subject.stream(id).write(zeros(50_000), false);
    expect(subject.connection.queuedBytes).toBe(150_000);
    subject.receive(rst(1, 8));
    subject.stream(3).reset(8);
    expect(subject.connection.queuedBytes).toBe(50_000);
    subject.close();
    expect(subject.connection.queuedBytes).toBe(0);
  });

  it("is nothing once all of it has left", () => {
    const subject = answering(3, 1000);
    for (const id of [1, 3, 5]) subject.stream(id).write(zeros(50_000), true);
    expect(subject.connection.queuedBytes).toBe(147_000);
    subject.receive(settings(4, 60_000));
    expect(subject.connection.queuedBytes).toBe(0);
  });

  it("stops a stream that has something queued, and not a stream whose bytes leave", () => {
    const subject = answering(3, 0, least);
    const { connection } = subject;
    subject.stream(1).write(zeros(65_000), false);
    // 400 bytes leave room for more while few bytes wait, and none when many do.
    expect(subject.stream(3).write(zeros(400), false)).toBe(true);
    subject.stream(5).write(zeros(400), false);
    expect(connection.queuedBytes).toBe(65_800);
    // The next turn has room of its own.
    subject.quiesce();
    expect(subject.stream(3).write(zeros(1), false)).toBe(false);
    // Part of it leaves, which is not enough as long as so much waits.
    subject.receive(windowUpdate(3, 1));
    expect(subject.log).toEqual([]);
    subject.receive(windowUpdate(3, 1_000_000));
    expect(subject.log).toEqual(["3 writable"]);
    expect(connection.refuseCall()).toBeNull();
    subject.stream(5).write(zeros(1000), false);
    expect(connection.refuseCall()).not.toBeNull();
    // All of it has left, and others don't matter.
    expect(subject.stream(3).write(zeros(1000), false)).toBe(true);
  });

  it("has a limit at servers by default, and none at clients", () => {
    expect(resolveHttp2Options({}, "server").maxQueuedBytes).toBe(268_435_456);
    expect(resolveHttp2Options({}, "client").maxQueuedBytes).toBe(2 ** 40);
    const subject = new Subject("client").greet(4, 0);
    const stream = subject.open();
    const million = zeros(1_000_000);
    for (let i = 0; i < 300; i++) stream.write(million, false, true);
    expect(stream.refuseMessage(1_000_000)).toBeNull();
  });
});

describe("a stream whose peer takes nothing of what it has queued", () => {
  it("has no time limit by default, as long as the peer answers PINGs", () => {
    const subject = answering(1, 0);
    subject.stream(1).write(zeros(1000), false);
    pass(subject, 3_600_000);
    expect(subject.alive).toBe(true);
    expect(subject.log).toEqual([]);
  });

  it("is lost with the connection when the peer answers no PING", () => {
    const subject = answering(1, 0);
    subject.stream(1).write(zeros(1000), false);
    for (let s = 0; s < 200 && subject.alive; s++) {
      subject.link.clock += 1000;
      subject.connection.advance(subject.link.clock);
      subject.quiesce();
    }
    expect(subject.log[0]).toBe("1 reset CANCEL connection maybe-processed");
    expect(subject.connection.queuedBytes).toBe(0);
  });

  it("is reset after stalledStreamTimeoutMs, in a second or two, and others go on", () => {
    const subject = answering(2, 0, { stalledStreamTimeoutMs: 5000 });
    subject.stream(1).write(zeros(1000), true);
    pass(subject, 6000);
    expect(subject.log).toEqual([]);
    subject.stream(3).write(zeros(1000), true);
    subject.link.clock += 1000;
    subject.connection.advance(subject.link.clock);
    subject.quiesce();
    expect(subject.sent()).toEqual(["RST_STREAM 1 ENHANCE_YOUR_CALM"]);
    expect(subject.log).toEqual(["1 reset ENHANCE_YOUR_CALM local maybe-processed"]);
    expect(subject.connection.counters.streamsStalled).toBe(1);
    expect(subject.connection.queuedBytes).toBe(1000);
    expect(subject.alive).toBe(true);
  });

  it("goes on when the peer takes a byte within the time", () => {
    const subject = answering(1, 0, { stalledStreamTimeoutMs: 5000 });
    subject.stream(1).write(zeros(1000), true);
    for (let i = 0; i < 100; i++) {
      pass(subject, 4000);
      subject.receive(windowUpdate(1, 1));
    }
    expect(subject.log).toEqual([]);
    expect(subject.connection.queuedBytes).toBe(900);
  });

  it("goes on when the connection's window is used by other streams", () => {
    const subject = new Subject("server", { stalledStreamTimeoutMs: 5000 }).greet(4, 2 ** 30);
    const ids = Array.from({ length: 10 }, (_, i) => 2 * i + 1);
    for (const id of ids) {
      subject.receive(headers(id, request, { end: true }));
      subject.stream(id).sendHeaders(response, false);
      subject.stream(id).write(zeros(1_000_000), true);
    }
    subject.log.length = 0;
    // The peer lets single bytes out, one a second: each stream gets one in ten seconds.
    pass(subject, 60_000, () => subject.receive(windowUpdate(0, 1)));
    expect(subject.log).toEqual([]);
    pass(subject, 7000);
    expect(subject.log).toHaveLength(ids.length);
  });

  it("ends too when its application has no more to do with it", () => {
    const subject = answering(1, 0, { stalledStreamTimeoutMs: 5000 });
    const stream = subject.stream(1);
    stream.write(zeros(1000), true);
    stream.close();
    pass(subject, 7000);
    expect(stream.closed).toBe(true);
    expect(subject.connection.queuedBytes).toBe(0);
  });

  it("holds no more than waits, though most of a large message has left", () => {
    const subject = answering(1, 990_000);
    const stream = subject.stream(1);
    stream.write(zeros(1_000_000), true);
    const { chunks } = stream.send.queue as unknown as { chunks: Uint8Array[] };
    expect(chunks[0]!.buffer.byteLength).toBe(1_000_000);
    pass(subject, 1000);
    expect(chunks[0]!.buffer.byteLength).toBe(10_000);
  });
});

describe("an event-loop turn in which the peer grants no window", () => {
  it("queues so many small messages of all streams together, and the next turns the others", () => {
    const subject = new Subject("server").greet(4, 0);
    const ids = [1, 3, 5];
    for (const id of ids) {
      subject.receive(headers(id, request));
      subject.stream(id).sendHeaders(response, false);
    }
    subject.quiesce();
    let written = 0;
    const fill = (id: number): void => {
      do written++;
      while (subject.stream(id).write(new Uint8Array(16), false));
    };
    for (const id of ids) fill(id);
    // 64 KiB, at 64 a message, and one of each other stream.
    expect(written).toBe(1024 + 2);
    let turns = 0;
    for (; written < 4000; turns++) {
      subject.link.turn();
      for (const id of ids) fill(id);
    }
    expect(turns).toBeGreaterThanOrEqual(2);
    // The queues fill up all the same.
    for (; turns < 100; turns++) {
      subject.link.turn();
      for (const id of ids) if (subject.stream(id).queuedBytes < 65_536) fill(id);
    }
    for (const id of ids) expect(subject.stream(id).queuedBytes).toBeGreaterThanOrEqual(65_536);
  });
});
