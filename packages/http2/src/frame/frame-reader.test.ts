// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { data, frame, headers, join, ping, request, settings } from "../../tests/frames.js";
import { Random, seeds } from "../../tests/random.js";
import { type DataTarget, type FrameHandler, FrameReader } from "./frame-reader.js";
import { clientPreface, Flag, FrameType } from "./frame-type.js";

/** Notes every call; the pieces of one DATA frame are one note. */
class Notes implements FrameHandler, DataTarget {
  readonly calls: string[] = [];
  reader = new FrameReader(this, true);
  /** Streams whose DATA is discarded. */
  discarded = new Set([99]);
  stopAt = "";
  private piece = "";

  frameHeader(type: number, flags: number, streamId: number, length: number): void {
    this.note(`header ${type} ${flags} ${streamId} ${length}`);
  }

  frame(type: number, flags: number, streamId: number, b: Uint8Array, start: number, end: number): void {
    // Unknown frames: of their payload nothing is promised.
    this.note(`frame ${type} ${flags} ${streamId} ${type > 9 ? "" : b.slice(start, end).join(",")}`);
  }

  data(flags: number, streamId: number, length: number): DataTarget | null {
    this.note(`data ${flags} ${streamId} ${length}`);
    return this.discarded.has(streamId) ? null : this;
  }

  onlyPadding(): void {
    this.note("only padding");
  }

  dataPadding(padding: number): void {
    this.note(`padding ${padding}`);
  }

  dataPiece(b: Uint8Array, start: number, end: number): void {
    expect(end).toBeGreaterThan(start);
    this.piece += `${b.slice(start, end).join(",")},`;
  }

  dataDone(endStream: boolean): void {
    this.note(`body ${this.piece}`);
    this.piece = "";
    this.note(`done ${endStream}`);
  }

  private note(call: string): void {
    this.calls.push(call);
    if (call === this.stopAt) this.reader.stop();
  }
}

const body = Uint8Array.from({ length: 40 }, (_, i) => i);
const conversation = join(
  clientPreface,
  settings(4, 100_000, 1, 4096),
  frame(FrameType.SETTINGS, Flag.ACK, 0),
  headers(1, request, { pad: 5, dependsOn: 3 }),
  data(1, body),
  data(1, 0),
  data(1, body, { pad: 0 }),
  data(1, body, { pad: 17, end: true }),
  data(1, 0, { pad: 9 }),
  data(99, body, { pad: 30 }),
  data(99, 0),
  frame(0xfa, 0xff, 7, body),
  frame(0xfb, 0, 7),
  frame(FrameType.DATA, 0, 0x80000001, body),
  ping("12345678"),
);

function callsFor(chunks: readonly Uint8Array[]): string[] {
  const notes = new Notes();
  for (const chunk of chunks) notes.reader.read(chunk);
  return notes.calls;
}

describe("FrameReader", () => {
  const whole = callsFor([conversation]);

  it("hands over frames in order, DATA without its padding", () => {
    expect(whole.filter((call) => /^(frame|body)/.test(call))).toHaveLength(12);
    expect(whole).toContain(`body ${body.join(",")},`);
    expect(whole).toContain("padding 18");
    expect(whole).toContain("done true");
    expect(whole.at(-1)).toBe("frame 6 0 0 49,50,51,52,53,54,55,56");
  });

  it("ignores the reserved bit of a stream id", () => {
    expect(whole).toContain("data 0 1 40");
  });

  it("makes the same calls for every place where the input is cut in two", () => {
    for (let at = 0; at <= conversation.length; at++)
      expect(callsFor([conversation.subarray(0, at), conversation.subarray(at)])).toEqual(whole);
  });

  it("makes the same calls byte by byte, with empty chunks between", () => {
    const chunks = [...conversation].flatMap((byte) => [Uint8Array.of(byte), new Uint8Array(0)]);
    expect(callsFor(chunks)).toEqual(whole);
  });

  it.each(seeds(50))("makes the same calls for a random cut, seed %i", (seed) => {
    expect(callsFor(new Random(seed).cut(conversation))).toEqual(whole);
  });

  it("reports the header before the payload has come", () => {
    expect(callsFor([clientPreface, ping("12345678").subarray(0, 9)])).toEqual(["header 6 0 0 8"]);
  });

  it.each([0, 1, 23])("refuses a preface that is wrong at byte %i", (at) => {
    const wrong = clientPreface.slice();
    wrong[at] = wrong[at]! ^ 1;
    expect(() => callsFor([wrong])).toThrow(at < 3 ? "the peer speaks HTTP/1.1" : "preface is wrong");
    expect(() => callsFor([wrong.subarray(0, at)])).not.toThrow();
  });

  it("makes no call after it was told to stop, within the chunk too", () => {
    const notes = new Notes();
    notes.stopAt = "header 4 1 0 0";
    notes.reader.read(conversation);
    notes.reader.read(ping("12345678"));
    expect(notes.calls.filter((call) => call.startsWith("header"))).toEqual([
      "header 4 0 0 12",
      "header 4 1 0 0",
    ]);
  });
});
