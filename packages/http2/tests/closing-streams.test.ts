// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { Setting } from "../src/connection/settings.js";
import { data, headers, request, response, windowUpdate } from "./frames.js";
import { play, Subject } from "./subject.js";

/** A server that has answered stream 1 in full, while the request has not ended, and lets go of it. */
function answeredEarly(body = 0): Subject {
  const subject = new Subject("server").greet();
  subject.receive(headers(1, request));
  subject.log.length = 0;
  const stream = subject.stream();
  stream.sendHeaders(response, false);
  if (body > 0) stream.write(new Uint8Array(body), false);
  stream.sendTrailers(["grpc-status", "0"]);
  stream.close();
  return subject;
}

describe("a stream that this side closes", () => {
  it("is reset with NO_ERROR one turn after its end has left", () => {
    const subject = answeredEarly();
    subject.link.endTurn();
    expect(subject.sent()).toEqual(["HEADERS 1", "HEADERS 1 END_STREAM"]);
    subject.link.turn();
    expect(subject.sent()).toEqual(["RST_STREAM 1 NO_ERROR"]);
    expect(subject.connection.activeStreams).toBe(0);
    expect(subject.log).toEqual([]);
  });

  it("is not reset when the peer ends it within the turn", () => {
    const subject = answeredEarly();
    subject.link.endTurn();
    subject.connection.receive(data(1, 5, { end: true }));
    subject.quiesce();
    expect(subject.sent()).toEqual(["HEADERS 1", "HEADERS 1 END_STREAM"]);
    expect(subject.connection.activeStreams).toBe(0);
    expect(subject.log).toEqual([]);
  });

  it("gives back what still arrives, before and after its reset", () => {
    const subject = answeredEarly();
    const bytes = data(1, 50_000, { pad: 3 });
    subject.charge(bytes);
    subject.connection.receive(bytes);
    subject.quiesce();
    play(subject, [data(1, 10_000)]);
    expect(subject.log).toEqual([]);
    expect(subject.connection.flow.held).toBe(0);
    expect(subject.imbalance()).toEqual([]);
    expect(subject.alive).toBe(true);
  });

  it("is reset only after what is queued has left", () => {
    const subject = answeredEarly(70_000);
    subject.quiesce();
    expect(subject.sent().filter((line) => !line.startsWith("DATA"))).toEqual(["HEADERS 1"]);
    subject.receive(windowUpdate(0, 10_000), windowUpdate(1, 10_000));
    expect(subject.sent()).toEqual(["DATA 1 4465", "HEADERS 1 END_STREAM", "RST_STREAM 1 NO_ERROR"]);
  });

  it("is reset after what is queued has left even if no end was sent", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, request));
    subject.stream().sendHeaders(response, false);
    subject.stream().write(new Uint8Array(65_540), false);
    subject.stream().close();
    subject.quiesce();
    subject.sent();
    subject.receive(windowUpdate(0, 10), windowUpdate(1, 10));
    expect(subject.sent()).toEqual(["DATA 1 5", "RST_STREAM 1 NO_ERROR"]);
    expect(subject.connection.activeStreams).toBe(0);
  });

  it("is closed without a reset when both sides have ended it", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, request, { end: true }));
    subject.stream().sendHeaders(response, true);
    subject.stream().close();
    subject.quiesce();
    expect(subject.sent()).toEqual(["HEADERS 1 END_STREAM"]);
  });

  it("is reset by a client that has its response but has not ended its request", () => {
    const subject = new Subject("client").greet();
    const stream = subject.open();
    subject.receive(headers(1, response, { end: true }));
    subject.sent();
    stream.close();
    subject.quiesce();
    expect(subject.sent()).toEqual(["RST_STREAM 1 NO_ERROR"]);
  });

  it("does not heed a declared length any more", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, [...request, "content-length", "10"]));
    subject.stream().sendHeaders(response, true);
    subject.stream().close();
    subject.connection.receive(data(1, 3, { end: true }));
    subject.quiesce();
    expect(subject.sent()).toEqual(["HEADERS 1 END_STREAM"]);
  });

  it("frees a place for a stream that waits", () => {
    const subject = new Subject("client").greet(Setting.MAX_CONCURRENT_STREAMS, 1);
    const stream = subject.open();
    subject.open(request, true);
    subject.quiesce();
    subject.sent();
    stream.close();
    subject.quiesce();
    expect(subject.sent()).toEqual(["RST_STREAM 1 NO_ERROR", "HEADERS 3 END_STREAM"]);
  });
});
