// SPDX-License-Identifier: Apache-2.0
// Mutant: http2/src/connection/connection-end.ts # ?? this.closedInMidCall();
// Mutant: http2/src/connection/connection.ts #  && this.link.writable
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import { Setting } from "../src/connection/settings.js";
import { data, goAway, headers, join, ping, request, response, rst, windowUpdate } from "./frames.js";
import { Subject } from "./subject.js";

/** A client with streams in every state: 1 complete, 3 open, 5 half-closed, 7 answered, 9 reset, one that waits. */
function busy(): Subject {
  const subject = new Subject("client").greet(Setting.MAX_CONCURRENT_STREAMS, 3);
  subject.open(request, true);
  subject.receive(headers(1, response, { end: true }));
  subject.open();
  subject.open(request, true);
  const answered = subject.open();
  subject.receive(headers(7, response), data(7, 5));
  answered.write(new Uint8Array(100_000), false);
  subject.open();
  subject.quiesce();
  subject.sent();
  subject.log.length = 0;
  return subject;
}

const lost = [
  "0 reset CANCEL connection not-sent",
  "3 reset CANCEL connection maybe-processed",
  "5 reset CANCEL connection maybe-processed",
  "7 reset CANCEL connection maybe-processed",
];

const ends: readonly [string, (subject: Subject) => void, string, readonly string[]][] = [
  [
    "the link closes",
    (s) => s.close(),
    "closed the other end closed it in mid-call, or its process was killed",
    [],
  ],
  ["the link fails", (s) => s.close(new Error("EPIPE")), "closed EPIPE", []],
  [
    "the peer breaks the protocol",
    (s) => s.receive(rst(99, 8)),
    "closed PROTOCOL_ERROR",
    ["GOAWAY PROTOCOL_ERROR"],
  ],
  [
    "it is aborted",
    (s) => s.connection.abort("enough", ErrorCode.CANCEL),
    "closed CANCEL",
    ["GOAWAY CANCEL"],
  ],
  ["time is up", (s) => s.connection.abort("grace"), "closed NO_ERROR", ["GOAWAY NO_ERROR"]],
];

describe.each(ends)("when %s", (_, end, closed, frames) => {
  it("every stream hears reset once, and nothing is heard or sent afterwards", () => {
    const subject = busy();
    end(subject);
    subject.quiesce();
    expect(subject.log).toEqual([...lost, closed]);
    expect(subject.sent()).toEqual(frames);
    subject.log.length = 0;
    subject.receive(
      join(headers(3, response), data(7, 10, { end: true }), windowUpdate(0, 100_000), ping("12345678")),
    );
    subject.connection.drained();
    subject.connection.closed(new Error("again"));
    subject.connection.advance(1e9);
    subject.connection.abort("again", ErrorCode.CANCEL);
    for (const stream of subject.streams.values()) {
      expect(stream.closed).toBe(true);
      expect(stream.reserve(1)).toBe(-1);
      stream.write(new Uint8Array(10), false);
      stream.sendTrailers(["x", "y"]);
      stream.credit(1000);
      stream.messageNeeds(1_000_000);
      stream.close();
      stream.reset(ErrorCode.CANCEL);
    }
    subject.quiesce();
    expect(subject.log).toEqual([]);
    expect(subject.sent()).toEqual([]);
    expect(subject.connection.activeStreams).toBe(0);
  });

  it("a stream that is opened afterwards was not sent", () => {
    const subject = busy();
    end(subject);
    subject.quiesce();
    subject.log.length = 0;
    expect(subject.open().closed).toBe(true);
    expect(subject.log).toEqual(["0 reset CANCEL connection not-sent"]);
    expect(subject.connection.usable).toBe(false);
  });
});

describe("a connection that is aborted from within a sink", () => {
  it("makes no call for what lies behind in the same chunk", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, request));
    const stream = subject.stream();
    stream.sink = { ...stream.sink, data: () => subject.connection.abort("sink", ErrorCode.INTERNAL_ERROR) };
    subject.log.length = 0;
    subject.receive(join(data(1, 5, { end: true }), headers(3, request), ping("12345678")));
    expect(subject.log).toEqual(["1 reset CANCEL connection maybe-processed", "closed INTERNAL_ERROR"]);
    expect(subject.sent()).toEqual(["GOAWAY INTERNAL_ERROR"]);
  });
});

describe("an error of whoever takes the data", () => {
  it("ends the connection with INTERNAL_ERROR instead of escaping to the link", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, request));
    const stream = subject.stream();
    stream.sink = {
      ...stream.sink,
      data: () => {
        throw new TypeError("oops");
      },
    };
    subject.receive(data(1, 5));
    expect(subject.log.at(-1)).toBe("closed oops");
    expect(subject.sent()).toEqual(["GOAWAY INTERNAL_ERROR"]);
  });
});

describe("a stream that was reset by this side", () => {
  it("hears nothing any more, not even that the connection is lost", () => {
    const subject = new Subject("client").greet();
    const stream = subject.open();
    subject.receive(headers(1, response));
    subject.log.length = 0;
    stream.reset(ErrorCode.CANCEL);
    stream.reset(ErrorCode.CANCEL);
    subject.receive(data(1, 5), headers(1, ["x", "y"], { end: true }), goAway(0, 0));
    expect(subject.sent()).toEqual(["HEADERS 1", "RST_STREAM 1 CANCEL"]);
    expect(subject.log).toEqual(["goaway NO_ERROR 0", "closed"]);
  });

  it.each(["headers", "data", "trailers"] as const)("from within %s hears nothing any more", (method) => {
    const subject = new Subject("client").greet();
    const stream = subject.open();
    const heard: string[] = [];
    stream.sink = {
      headers: () => heard.push("headers"),
      data: (_b, start, end) => {
        heard.push("data");
        stream.credit(end - start);
      },
      trailers: () => heard.push("trailers"),
      end: () => heard.push("end"),
      reset: () => heard.push("reset"),
      writable: () => heard.push("writable"),
    };
    const inner = stream.sink[method] as (...args: unknown[]) => void;
    Object.assign(stream.sink, {
      [method]: (...args: unknown[]) => {
        inner(...args);
        stream.reset(ErrorCode.CANCEL);
      },
    });
    subject.receive(join(headers(1, response), data(1, 5), headers(1, ["x", "y"], { end: true }), rst(1, 8)));
    expect(heard.at(-1)).toBe(method);
    expect(subject.connection.flow.held).toBe(0);
    expect(subject.alive).toBe(true);
  });
});

describe("a link that broke, before it says that it is closed", () => {
  it("takes no new streams: they fail as not sent", () => {
    const subject = new Subject("client").greet();
    expect(subject.connection.usable).toBe(true);
    subject.link.state = "destroyed";
    expect(subject.connection.usable).toBe(false);
    const stream = subject.open();
    expect([stream.id, stream.closed]).toEqual([0, true]);
    expect(subject.log).toEqual(["0 reset CANCEL connection not-sent"]);
  });
});
