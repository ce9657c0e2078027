// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import { Setting } from "../src/connection/settings.js";
import { FrameType } from "../src/frame/frame-type.js";
import { HpackDecoder } from "../src/hpack/decoder.js";
import type { Stream } from "../src/streams/stream.js";
import { bytes, goAway, headers, request, response, rst, settings } from "./frames.js";
import { Subject } from "./subject.js";

const limit = (n: number) => settings(Setting.MAX_CONCURRENT_STREAMS, n);
const named = (path: string) => [...request.slice(0, 4), ":path", path];

/** A client whose peer takes one stream at a time, with stream 1 open and the given number of streams waiting. */
function oneAtATime(waiting: number): { subject: Subject; streams: Stream[] } {
  const subject = new Subject("client").greet(Setting.MAX_CONCURRENT_STREAMS, 1);
  subject.open(request, true);
  const streams = Array.from({ length: waiting }, (_, i) => subject.open(named(`/${i}`)));
  subject.quiesce();
  subject.sent();
  return { subject, streams };
}

const finish = (subject: Subject, id: number) => subject.receive(headers(id, response, { end: true }));

describe("the peer's limit on concurrent streams", () => {
  it("is taken to be 100 before its SETTINGS, and none if they don't name it", () => {
    const subject = new Subject("client");
    for (let i = 0; i < 150; i++) subject.open(request, true);
    subject.quiesce();
    expect(subject.connection.waitingStreams).toBe(50);
    subject.receive(settings());
    expect(subject.connection.waitingStreams).toBe(0);
    expect(subject.connection.activeStreams).toBe(150);
  });

  it("is 100 if they say so", () => {
    const subject = new Subject("client").greet(Setting.MAX_CONCURRENT_STREAMS, 100);
    for (let i = 0; i < 101; i++) subject.open(request, true);
    expect(subject.connection.waitingStreams).toBe(1);
    subject.receive(settings());
    expect(subject.connection.waitingStreams).toBe(1);
  });

  it("opens waiting streams in order, one for each that closes", () => {
    const { subject, streams } = oneAtATime(3);
    finish(subject, 1);
    expect(subject.sent()).toEqual(["HEADERS 3"]);
    subject.receive(rst(3, ErrorCode.CANCEL));
    expect(subject.sent()).toEqual(["HEADERS 5"]);
    expect(streams.map((stream) => stream.id)).toEqual([3, 5, 0]);
    expect(subject.log.slice(1)).toEqual(["3 reset CANCEL peer maybe-processed"]);
  });

  it("sends the headers of the stream that opens, not of another", () => {
    const { subject } = oneAtATime(2);
    const decoder = new HpackDecoder();
    finish(subject, 1);
    const first = subject.frames()[0]!.payload;
    // The request that opened stream 1 put entries into the table that this block may name.
    const all = new Subject("client").greet();
    all.open(request, true);
    all.quiesce();
    const before = all.frames()[0]!.payload;
    decoder.decode(before, 0, before.length);
    expect(decoder.decode(first, 0, first.length).get(":path")).toBe("/0");
  });

  it("makes a later stream wait behind one that waits, even when the limit has risen", () => {
    const { subject, streams } = oneAtATime(2);
    subject.receive(limit(2));
    subject.open(named("/late"));
    expect(streams.map((stream) => stream.id)).toEqual([3, 0]);
    expect(subject.connection.waitingStreams).toBe(2);
    subject.receive(limit(10));
    expect(subject.sent()).toEqual(["SETTINGS ACK", "HEADERS 3", "SETTINGS ACK", "HEADERS 5", "HEADERS 7"]);
  });

  it("never sends anything of a stream that was cancelled while it waited", () => {
    const { subject, streams } = oneAtATime(3);
    streams[0]!.reset(ErrorCode.CANCEL);
    streams[1]!.close();
    subject.quiesce();
    expect(subject.connection.waitingStreams).toBe(1);
    finish(subject, 1);
    expect(subject.sent()).toEqual(["HEADERS 3"]);
    expect(streams[2]!.id).toBe(3);
  });

  it("never sends what is cancelled in the same turn as the stream that it waited for", () => {
    const { subject, streams } = oneAtATime(4);
    subject.stream(1).reset(ErrorCode.CANCEL);
    for (const stream of streams.slice(0, 3)) stream.reset(ErrorCode.CANCEL);
    expect(subject.connection.waitingStreams).toBe(1);
    subject.quiesce();
    expect(subject.sent()).toEqual(["RST_STREAM 1 CANCEL", "HEADERS 3"]);
    expect(streams[3]!.id).toBe(3);
  });

  it("queues data that is written while the stream waits", () => {
    const { subject, streams } = oneAtATime(1);
    expect(streams[0]!.reserve(3)).toBe(-1);
    expect(streams[0]!.write(bytes("abc"), false)).toBe(true);
    streams[0]!.write(bytes("def"), true);
    finish(subject, 1);
    const frames = subject.frames();
    expect(frames.map(({ type, flags, id }) => [type, flags, id])).toEqual([
      [FrameType.HEADERS, 4, 3],
      [FrameType.DATA, 1, 3],
    ]);
    expect(frames[1]!.payload).toEqual(bytes("abcdef"));
  });

  it("half-closes a stream that was ended while it waited", () => {
    const { subject, streams } = oneAtATime(3);
    streams[0]!.sendEnd();
    streams[1]!.sendTrailers(["x", "y"]);
    subject.open(request, true);
    subject.receive(limit(9));
    expect(subject.sent()).toEqual([
      "SETTINGS ACK",
      "HEADERS 3",
      "DATA 3 0 END_STREAM",
      "HEADERS 5",
      "HEADERS 5 END_STREAM",
      "HEADERS 7",
      "HEADERS 9 END_STREAM",
    ]);
  });

  it("sends trailers behind the data that was written while the stream waited", () => {
    const { subject, streams } = oneAtATime(1);
    streams[0]!.write(bytes("abc"), false);
    streams[0]!.sendTrailers(["x", "y"]);
    finish(subject, 1);
    expect(subject.sent()).toEqual(["HEADERS 3", "DATA 3 3", "HEADERS 3 END_STREAM"]);
  });

  it("half-closes a stream that opens while the connection's window is used up", () => {
    const { subject, streams } = oneAtATime(2);
    subject.receive(settings(Setting.INITIAL_WINDOW_SIZE, 1_000_000), limit(2));
    streams[0]!.write(new Uint8Array(70_000), false);
    subject.quiesce();
    subject.sent();
    streams[1]!.sendEnd();
    subject.receive(limit(3));
    expect(subject.sent()).toEqual(["SETTINGS ACK", "HEADERS 5", "DATA 5 0 END_STREAM"]);
  });

  it("tells the sink of a full queue that there is room, once, after the stream has opened", () => {
    const { subject, streams } = oneAtATime(1);
    expect(streams[0]!.write(new Uint8Array(65_000), false)).toBe(true);
    expect(streams[0]!.write(new Uint8Array(535 + 1), false)).toBe(false);
    subject.quiesce();
    subject.log.length = 0;
    finish(subject, 1);
    expect(subject.log).toEqual(["1 headers END 200", "3 writable"]);
  });

  it("says nothing of a stream that waits, whatever its owner expects or gives back", () => {
    const { subject, streams } = oneAtATime(1);
    streams[0]!.messageNeeds(1_000_000);
    streams[0]!.credit(0);
    subject.quiesce();
    expect(subject.sent()).toEqual([]);
  });

  it("takes the window that holds when the stream opens", () => {
    const { subject, streams } = oneAtATime(1);
    streams[0]!.write(new Uint8Array(100), false);
    subject.receive(settings(Setting.INITIAL_WINDOW_SIZE, 10));
    finish(subject, 1);
    expect(subject.sent()).toEqual(["SETTINGS ACK", "HEADERS 3", "DATA 3 10"]);
  });

  it("tells waiting streams that they were not sent when the peer says GOAWAY", () => {
    const { subject } = oneAtATime(1);
    subject.receive(goAway(1, ErrorCode.NO_ERROR));
    expect(subject.log).toEqual(["goaway NO_ERROR 1", "0 reset REFUSED_STREAM connection not-sent"]);
    expect(subject.alive).toBe(true);
  });

  it("still opens waiting streams after this side began to shut down", () => {
    const { subject } = oneAtATime(1);
    subject.connection.shutdown();
    subject.quiesce();
    expect(subject.sent()).toEqual(["GOAWAY NO_ERROR"]);
    finish(subject, 1);
    expect(subject.sent()).toEqual(["HEADERS 3"]);
    subject.stream(1);
    subject.receive(rst(3, ErrorCode.CANCEL));
    expect(subject.alive).toBe(false);
  });

  it("lets no headers wait that cannot be encoded", () => {
    const { subject } = oneAtATime(0);
    expect(() => subject.open([...request, "x", "\u4e2d"])).toThrow(RangeError);
    subject.open(named("/next"));
    finish(subject, 1);
    expect(subject.log).toEqual(["1 headers END 200"]);
    expect(subject.sent()).toEqual(["HEADERS 3"]);
    expect(subject.alive).toBe(true);
  });

  it("holds for the peer's streams too: those above our own limit are refused", () => {
    const subject = new Subject("server", { maxConcurrentStreams: 1 }).greet();
    subject.receive(headers(1, request, { end: true }), headers(3, request));
    subject.stream(1).sendHeaders(response, true);
    subject.receive(headers(5, request));
    expect(subject.log).toEqual(["1 request END /s/m", "5 request /s/m"]);
    expect(subject.sent()).toEqual(["RST_STREAM 3 REFUSED_STREAM", "HEADERS 1 END_STREAM"]);
  });
});

describe("the event of activity", () => {
  it("comes once for each change", () => {
    const subject = new Subject("client").greet(Setting.MAX_CONCURRENT_STREAMS, 1);
    subject.open(request, true);
    subject.open(request, true);
    expect(subject.activity).toEqual([true]);
    finish(subject, 1);
    finish(subject, 3);
    expect(subject.activity).toEqual([true, false]);
    expect(subject.link.active).toBe(false);
    subject.open(request, true);
    subject.connection.abort("enough", ErrorCode.CANCEL);
    subject.quiesce();
    subject.open(request, true);
    expect(subject.activity).toEqual([true, false, true, false]);
  });

  it("does not come from a connection that never had a stream", () => {
    const subject = new Subject("server").greet();
    subject.close();
    expect(subject.activity).toEqual([]);
  });
});
