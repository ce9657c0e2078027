// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { HpackDecoder } from "../src/hpack/decoder.js";
import {
  block,
  continuation,
  data,
  headers,
  indexingRequest,
  join,
  newest,
  request,
  response,
  rst,
} from "./frames.js";
import { Subject } from "./subject.js";

const small = { maxHeaderListSize: 1000, maxHeaderFields: 20 };
const large = [...request, "x", "v".repeat(1000)];
const many = [...request, ...Array.from({ length: 18 }, () => ["a", "b"]).flat()];
const largePath = [":method", "POST", ":scheme", "http", ":path", "/".repeat(1000)];

describe("a request whose header list passes our limit", () => {
  it.each([
    ["in bytes", large],
    ["in bytes by its path", largePath],
    ["in fields", many],
  ])("%s is answered 431 without a stream", (_, fields) => {
    const subject = new Subject("server", small).greet();
    subject.receive(headers(1, fields, { end: true }), headers(3, request, { end: true }));
    const [answer, ...rest] = subject.frames();
    expect(rest).toEqual([]);
    const list = new HpackDecoder().decode(answer!.payload, 0, answer!.payload.length);
    expect(list.fields).toEqual([":status", "431"]);
    expect(subject.log).toEqual(["3 request END /s/m"]);
  });

  it("is answered 431 and NO_ERROR when its body is still to come, which is dropped", () => {
    const subject = new Subject("server", small).greet();
    subject.charge(data(1, 30_000));
    subject.receive(headers(1, large), data(1, 30_000), headers(1, ["x", "y"], { end: true }));
    expect(subject.sent()).toEqual(["HEADERS 1 END_STREAM", "RST_STREAM 1 NO_ERROR"]);
    expect(subject.log).toEqual([]);
    expect(subject.imbalance()).toEqual([]);
  });

  it("is decoded all the same", () => {
    const subject = new Subject("server", small).greet();
    subject.receive(headers(1, join(indexingRequest, block(["z", "v".repeat(1000)])), { end: true }));
    subject.receive(headers(3, request), headers(3, newest, { end: true }));
    expect(subject.log).toEqual(["3 request /s/m", "3 trailers x y"]);
  });

  it("is malformed when what was read of it is", () => {
    const subject = new Subject("server", small).greet();
    subject.receive(headers(1, [...request, "Upper", "x", "x", "v".repeat(1000)]));
    expect(subject.sent()).toEqual(["RST_STREAM 1 PROTOCOL_ERROR"]);
  });

  it("ends the connection when it is four times too large", () => {
    const subject = new Subject("server", small).greet();
    const compact = join(Uint8Array.of(0x40, 1, 0x78, 0x7f, 0xe9, 6), new Uint8Array(1000).fill(0x61));
    subject.receive(headers(1, join(block(request), compact, new Uint8Array(5).fill(0xbe))));
    expect(subject.sent()).toEqual(["GOAWAY ENHANCE_YOUR_CALM"]);
    expect(subject.log).toEqual(["closed ENHANCE_YOUR_CALM"]);
  });
});

describe("other header lists that pass our limit", () => {
  const calm = "1 reset ENHANCE_YOUR_CALM local maybe-processed";

  it.each([
    ["response", () => headers(1, [...response, "x", "v".repeat(1000)])],
    ["response, before its status,", () => headers(1, ["x", "v".repeat(1000), ...response])],
  ])("reset the stream when it is a %s", (_, frame) => {
    const subject = new Subject("client", small).greet();
    subject.open();
    subject.receive(frame());
    expect(subject.log).toEqual([calm]);
    expect(subject.sent()).toEqual(["HEADERS 1", "RST_STREAM 1 ENHANCE_YOUR_CALM"]);
  });

  it("reset the stream when they are trailers", () => {
    const subject = new Subject("server", small).greet();
    subject.receive(headers(1, request), headers(1, ["x", "v".repeat(1000)], { end: true }));
    expect(subject.log).toEqual(["1 request /s/m", calm]);
  });
});

describe("a header block of many frames", () => {
  it("ends the connection at the ninth CONTINUATION", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, block(request), { endHeaders: false }));
    for (let i = 0; i < 8; i++) subject.receive(continuation(1, block(["a", "b"]), false));
    expect(subject.alive).toBe(true);
    subject.receive(continuation(1, block(["a", "b"]), false).subarray(0, 9));
    expect(subject.sent()).toEqual(["GOAWAY ENHANCE_YOUR_CALM"]);
  });

  it("may be finished after the stream was reset", () => {
    const subject = new Subject("client").greet();
    subject.open().reset(8);
    subject.receive(headers(1, block(response).subarray(0, 2), { endHeaders: false }));
    subject.receive(continuation(1, block(response).subarray(2)), rst(1, 8));
    expect(subject.alive).toBe(true);
    expect(subject.log).toEqual([]);
  });
});
