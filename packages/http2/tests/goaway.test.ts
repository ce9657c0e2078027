// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import { FrameType, maxUint31, readUint32 } from "../src/frame/frame-type.js";
import { data, describeFrame, goAway, headers, ping, request, response, rst, settings } from "./frames.js";
import { Subject } from "./subject.js";

/** The frames that were sent, with the last stream id of GOAWAY. */
const sent = (subject: Subject) =>
  subject
    .frames()
    .map((frame) =>
      frame.type === FrameType.GOAWAY
        ? `${describeFrame(frame)} ${readUint32(frame.payload, 0)}`
        : describeFrame(frame),
    );

/** A server with stream 1 open that has begun to shut down; and the payload of its PING. */
function draining(): { subject: Subject; answer: Uint8Array } {
  const subject = new Subject("server").greet();
  subject.receive(headers(1, request));
  subject.connection.shutdown();
  subject.quiesce();
  const [first, second, ...rest] = subject.frames();
  expect([describeFrame(first!), readUint32(first!.payload, 0)]).toEqual(["GOAWAY NO_ERROR", maxUint31]);
  expect([describeFrame(second!), rest]).toEqual(["PING", []]);
  subject.log.length = 0;
  return { subject, answer: ping(second!.payload, true) };
}

describe("a server that shuts down", () => {
  it("serves what was under way, names the last stream when its PING is back, then closes", () => {
    const { subject, answer } = draining();
    subject.receive(headers(3, request, { end: true }));
    expect(subject.log).toEqual(["3 request END /s/m"]);
    subject.receive(answer);
    expect(sent(subject)).toEqual(["GOAWAY NO_ERROR 3"]);
    subject.stream(3).sendHeaders(response, true);
    subject.quiesce();
    expect(subject.alive).toBe(true);
    subject.stream(1).sendHeaders(response, true);
    subject.receive(data(1, 0, { end: true }));
    expect(sent(subject)).toEqual(["HEADERS 3 END_STREAM", "HEADERS 1 END_STREAM"]);
    expect(subject.log.slice(1)).toEqual(["1 end", "closed"]);
    expect(subject.link.state).toBe("ended");
  });

  it("does not wait for its PING longer than 5 s", () => {
    const { subject } = draining();
    subject.link.clock += 5000;
    subject.connection.advance(subject.link.clock);
    subject.quiesce();
    expect(sent(subject)).toEqual([]);
    subject.connection.advance(subject.link.clock + 1);
    subject.quiesce();
    expect(sent(subject)).toEqual(["GOAWAY NO_ERROR 1"]);
  });

  it("waits for its PING even if no stream is open", () => {
    const { subject, answer } = draining();
    subject.receive(rst(1, ErrorCode.CANCEL));
    expect(subject.alive).toBe(true);
    subject.receive(ping("another1", true));
    expect(subject.alive).toBe(true);
    subject.receive(answer);
    expect(sent(subject)).toEqual(["GOAWAY NO_ERROR 1"]);
    expect(subject.alive).toBe(false);
  });

  it("takes no notice of a second shutdown, nor of a second answer", () => {
    const { subject, answer } = draining();
    subject.connection.shutdown();
    subject.receive(answer, answer);
    subject.connection.shutdown();
    subject.quiesce();
    expect(sent(subject)).toEqual(["GOAWAY NO_ERROR 1"]);
  });

  it("answers PING meanwhile", () => {
    const { subject } = draining();
    subject.receive(ping("12345678"));
    expect(sent(subject)).toEqual(["PING ACK"]);
  });

  it("never names a larger stream afterwards, though it saw one", () => {
    const { subject, answer } = draining();
    subject.receive(answer, headers(7, request));
    sent(subject);
    subject.receive(rst(99, ErrorCode.CANCEL));
    expect(sent(subject)).toEqual(["GOAWAY PROTOCOL_ERROR 1"]);
  });

  it("finishes though the client said GOAWAY first", () => {
    const { subject, answer } = draining();
    subject.receive(goAway(0, ErrorCode.NO_ERROR), answer);
    expect(subject.log).toEqual(["goaway NO_ERROR 0"]);
    subject.stream(1).sendHeaders(response, true);
    subject.receive(data(1, 0, { end: true }));
    expect(subject.alive).toBe(false);
  });
});

describe("credit that is given back after an orderly end", () => {
  it("is not written to the link, even if a window update is due", () => {
    const subject = new Subject("server", { connectionWindow: 65_535, maxBufferedBytes: 65_535 }).greet();
    subject.receive(headers(1, request), headers(3, request));
    subject.crediting = false;
    for (const id of [1, 1, 1, 1, 3, 3, 3, 3]) subject.receive(data(id, 16_000));
    subject.receive(goAway(0, ErrorCode.NO_ERROR));
    // The link has been ended, but has not said yet that it is closed.
    subject.connection.receive(rst(1, ErrorCode.CANCEL));
    subject.connection.receive(rst(3, ErrorCode.CANCEL));
    expect(subject.link.state).toBe("ended");
    const { writes } = subject.link;
    // More than half a window of the stream.
    subject.stream(1).credit(64_000);
    subject.link.quiesce();
    expect(subject.link.writes).toBe(writes);
  });
});

describe("a client that shuts down", () => {
  it("says GOAWAY, lets its streams finish, then closes", () => {
    const subject = new Subject("client").greet();
    subject.open(request, true);
    subject.connection.shutdown();
    subject.quiesce();
    expect(sent(subject)).toEqual(["HEADERS 1 END_STREAM", "GOAWAY NO_ERROR 0"]);
    expect(subject.connection.usable).toBe(false);
    subject.open();
    expect(subject.log).toEqual(["0 reset CANCEL connection not-sent"]);
    subject.receive(headers(1, response, { end: true }));
    expect(subject.log.slice(1)).toEqual(["1 headers END 200", "closed"]);
  });

  it("closes at once if it has no streams", () => {
    const subject = new Subject("client").greet();
    subject.connection.shutdown();
    subject.quiesce();
    expect(sent(subject)).toEqual(["GOAWAY NO_ERROR 0"]);
    expect(subject.log).toEqual(["closed"]);
  });
});

describe("a client whose peer says GOAWAY", () => {
  it("gives up the streams above the last one as unprocessed, finishes the others, then closes", () => {
    const subject = new Subject("client").greet();
    for (let i = 0; i < 3; i++) subject.open(request, true);
    subject.quiesce();
    sent(subject);
    subject.receive(goAway(3, ErrorCode.NO_ERROR, "max_age"));
    expect(subject.log).toEqual([
      "goaway NO_ERROR 3 max_age",
      "5 reset REFUSED_STREAM connection unprocessed",
    ]);
    expect(subject.connection.usable).toBe(false);
    subject.receive(headers(1, response, { end: true }), headers(3, response, { end: true }));
    expect(subject.log.slice(2)).toEqual(["1 headers END 200", "3 headers END 200", "closed"]);
    expect(sent(subject)).toEqual([]);
  });

  it("goes on when all its streams are below, and gives up those above a second one", () => {
    const subject = new Subject("client").greet();
    for (let i = 0; i < 2; i++) subject.open(request, true);
    subject.receive(goAway(maxUint31, ErrorCode.NO_ERROR), ping("12345678"));
    expect(sent(subject)).toEqual(["HEADERS 1 END_STREAM", "HEADERS 3 END_STREAM", "PING ACK"]);
    expect(subject.log).toEqual(["goaway NO_ERROR 2147483647"]);
    subject.receive(goAway(1, ErrorCode.NO_ERROR));
    expect(subject.log.at(-1)).toBe("3 reset REFUSED_STREAM connection unprocessed");
    expect(subject.alive).toBe(true);
  });

  it("hears the code and the reason of an error", () => {
    const subject = new Subject("client").greet();
    subject.open(request, true);
    subject.receive(goAway(1, ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings"));
    expect(subject.log).toEqual(["goaway ENHANCE_YOUR_CALM 1 too_many_pings"]);
    subject.close();
    expect(subject.log.slice(1)).toEqual([
      "1 reset CANCEL connection maybe-processed",
      "closed ENHANCE_YOUR_CALM",
    ]);
  });

  it("closes at once if it has no streams", () => {
    const subject = new Subject("client").greet();
    subject.receive(goAway(0, ErrorCode.NO_ERROR));
    expect(subject.log).toEqual(["goaway NO_ERROR 0", "closed"]);
  });
});

describe("PING", () => {
  it("is answered with the same bytes, in order", () => {
    const subject = new Subject("server").greet();
    subject.receive(ping("12345678"), ping("abcdefgh"), settings());
    const frames = subject.frames();
    expect(frames.map(describeFrame)).toEqual(["PING ACK", "PING ACK", "SETTINGS ACK"]);
    expect(String.fromCharCode(...frames[1]!.payload)).toBe("abcdefgh");
  });
});
