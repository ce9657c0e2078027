// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { Setting } from "../src/connection/settings.js";
import { Flag, FrameType } from "../src/frame/frame-type.js";
import { HpackDecoder } from "../src/hpack/decoder.js";
import { describeFrame, headers, join, type ParsedFrame, request, response, windowUpdate } from "./frames.js";
import { Subject } from "./subject.js";

const decoder = () => new HpackDecoder({ maxListSize: 2 ** 24, maxFields: 10_000 });

/** Fields of which no compression makes less than so many bytes. */
function incompressible(bytes: number): string[] {
  const fields: string[] = [];
  // Bytes above 0x7f: their Huffman codes are longer than they are.
  for (let i = 0; i * 1000 < bytes; i++) fields.push(`x-${i}`, "\xff".repeat(1000));
  return fields;
}

function decoded(frames: readonly ParsedFrame[], by = decoder()): readonly string[] {
  const block = join(...frames.map((frame) => frame.payload));
  return by.decode(block, 0, block.length).fields;
}

describe("outgoing header lists", () => {
  it("go out as one HEADERS frame when they fit the peer's frame size", () => {
    const subject = new Subject("client").greet();
    const fields = [...request, ...incompressible(15_000)];
    subject.open(fields, true);
    subject.quiesce();
    const frames = subject.frames();
    expect(frames.map(describeFrame)).toEqual(["HEADERS 1 END_STREAM"]);
    expect(decoded(frames)).toEqual(fields);
  });

  it("go on in CONTINUATION when they pass the peer's frame size", () => {
    const subject = new Subject("client").greet();
    const fields = [...request, ...incompressible(40_000)];
    subject.open(fields, true);
    subject.quiesce();
    const frames = subject.frames();
    expect(frames.map(describeFrame)).toEqual([
      "HEADERS 1 more END_STREAM",
      "CONTINUATION 1 more",
      "CONTINUATION 1",
    ]);
    expect(frames.map(({ flags }) => flags)).toEqual([Flag.END_STREAM, 0, Flag.END_HEADERS]);
    expect(frames.map(({ payload }) => payload.length).slice(0, 2)).toEqual([16_384, 16_384]);
    expect(decoded(frames)).toEqual(fields);
  });

  it("may be larger than the output's buffer, whatever frame size the peer takes", () => {
    const subject = new Subject("client").greet(Setting.MAX_FRAME_SIZE, 1_000_000);
    const fields = [...request, ...incompressible(200_000)];
    const stream = subject.open(fields);
    stream.write(new Uint8Array(10), true);
    subject.quiesce();
    const frames = subject.frames();
    expect(frames.map(({ type }) => type)).toEqual([
      FrameType.HEADERS,
      ...Array(3).fill(FrameType.CONTINUATION),
      FrameType.DATA,
    ]);
    expect(decoded(frames.slice(0, -1))).toEqual(fields);
  });

  it("don't keep CONTINUATION away from their HEADERS, with other frames waiting", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(1, request), headers(3, request));
    subject.stream(1).sendHeaders(response, false);
    subject.stream(1).write(new Uint8Array(60_000), false);
    subject.stream(3).sendHeaders([...response, ...incompressible(20_000)], false);
    subject.stream(1).sendTrailers(["a", "b"]);
    subject.quiesce();
    const order = subject.sent().filter((line) => !line.startsWith("DATA"));
    expect(order).toEqual(["HEADERS 1", "HEADERS 3 more", "CONTINUATION 3", "HEADERS 1 END_STREAM"]);
  });

  it("keep the compression right over blocks of all sizes", () => {
    const subject = new Subject("client").greet();
    const by = decoder();
    for (const n of [0, 9000, 0, 30_000, 0]) {
      const fields = [...request, "x-same", "value", ...incompressible(n)];
      subject.open(fields, true);
      subject.quiesce();
      expect(decoded(subject.frames(), by)).toEqual(fields);
    }
  });

  it.each([0, 9000])("send nothing when they cannot be encoded, next to %i bytes", (n) => {
    const subject = new Subject("client").greet();
    const wrong = [...request, "x-a", "new", ...incompressible(n), "x", "\u4e2d"];
    expect(() => subject.open(wrong)).toThrow(RangeError);
    subject.quiesce();
    expect(subject.sent()).toEqual([]);
    expect(subject.connection.activeStreams).toBe(0);
    const fields = [...request, "x-a", "new"];
    subject.open(fields, true);
    subject.quiesce();
    const frames = subject.frames();
    expect(frames.map(describeFrame)).toEqual(["HEADERS 3 END_STREAM"]);
    expect(decoded(frames)).toEqual(fields);
    subject.receive(windowUpdate(1, 5));
    expect(subject.alive).toBe(true);
  });

  it("are sent as a prepared block as often as wanted, with the same meaning", () => {
    const subject = new Subject("client").greet();
    const by = decoder();
    const block = subject.connection.prepare([...request, "x", "y"]);
    for (let i = 0; i < 5; i++) {
      subject.open(block, true);
      subject.quiesce();
      expect(decoded(subject.frames(), by)).toEqual(block.fields);
    }
  });

  it("follow the peer's SETTINGS_HEADER_TABLE_SIZE", () => {
    const subject = new Subject("client").greet(Setting.HEADER_TABLE_SIZE, 0);
    const by = new HpackDecoder({ maxTableSize: 0 });
    for (let i = 0; i < 2; i++) {
      subject.open([...request, "x", "y"], true);
      subject.quiesce();
      expect(decoded(subject.frames(), by)).toEqual([...request, "x", "y"]);
    }
  });

  it("that can't be encoded are refused at once, also when they would wait behind data or for the peer's limit", () => {
    const bad = ["x", "\u2020"];
    const subject = new Subject("client").greet(
      Setting.INITIAL_WINDOW_SIZE,
      100,
      Setting.MAX_CONCURRENT_STREAMS,
      1,
    );
    const stream = subject.open();
    stream.write(new Uint8Array(200), false);
    expect(() => stream.sendTrailers(bad)).toThrow(RangeError);
    expect(() => subject.open([...request, ...bad])).toThrow(RangeError);
    expect(subject.connection.waitingStreams).toBe(0);
    stream.sendTrailers(["x", "y"]);
    subject.receive(windowUpdate(1, 1000));
    expect(subject.alive).toBe(true);
    expect(subject.sent().at(-1)).toBe("HEADERS 1 END_STREAM");
  });
});
