// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { HpackDecoder } from "./decoder.js";
import { HpackEncoder, type HpackEncoderOptions } from "./encoder.js";
import { HeaderBlock } from "./header-block.js";

/** An encoder with the decoder of its peer. */
function pair(maxTableSize = 4096, options: HpackEncoderOptions = {}) {
  const encoder = new HpackEncoder(maxTableSize, options);
  const decoder = new HpackDecoder();
  const send = (fields: readonly string[] | HeaderBlock) => {
    const list = fields instanceof HeaderBlock ? fields.fields : fields;
    const most = encoder.maxLength(list);
    const out = new Uint8Array(most + 3).fill(0xee);
    const end =
      fields instanceof HeaderBlock ? encoder.encodeBlock(fields, out, 2) : encoder.encode(fields, out, 2);
    expect(end - 2).toBeLessThanOrEqual(most);
    expect([...out.subarray(0, 2), ...out.subarray(end)].every((byte) => byte === 0xee)).toBe(true);
    expect(decoder.decode(out, 2, end).fields).toEqual(list);
    return [...out.subarray(2, end)];
  };
  return { encoder, decoder, send };
}

describe("a field", () => {
  it.each([
    [":method", "POST", 0x83],
    [":status", "200", 0x88],
    ["www-authenticate", "", 0xbd],
  ])("of the static table is one byte: %s %j", (name, value, byte) => {
    const { encoder, send } = pair();
    expect(send([name, value])).toEqual([byte]);
    expect(encoder.table.size).toBe(0);
  });

  it("goes into the table, is one byte from then on, and two behind 65 others", () => {
    const { send } = pair();
    expect(send([":path", "/greet.v1.GreetService/SayHello"]).length).toBeGreaterThan(20);
    expect(send([":path", "/greet.v1.GreetService/SayHello"])).toEqual([0xbe]);
    for (let i = 0; i < 65; i++) send([`name-${i}`, ""]);
    expect(send([":path", "/greet.v1.GreetService/SayHello"])).toEqual([0xff, 0x00]);
  });

  it("uses the index of its name where only the value is new", () => {
    const { send } = pair();
    expect(send(["x-tenant", "a"])[0]).toBe(0x40);
    expect(send(["x-tenant", "b"])[0]).toBe(0x7e);
    expect(send(["content-type", "application/grpc"])[0]).toBe(0x5f);
  });

  it.each(["authorization", "proxy-authorization", "set-cookie", "cookie"])(
    "of the name %s is never indexed",
    (name) => {
      const { encoder, send } = pair();
      expect((send([name, "short secret"])[0] ?? 0) & 0xf0).toBe(0x10);
      expect((send([name, "short secret"])[0] ?? 0) & 0xf0).toBe(0x10);
      expect((send([name, ""])[0] ?? 0) & 0xf0).toBe(0x10);
      expect(encoder.table.size).toBe(0);
    },
  );

  it("is indexed if it is a cookie of at least 20 bytes", () => {
    const { encoder, send } = pair();
    send(["cookie", "c".repeat(19)]);
    expect(encoder.table.size).toBe(0);
    send(["cookie", "c".repeat(20)]);
    expect(send(["cookie", "c".repeat(20)])).toEqual([0xbe]);
  });

  it("is never indexed if its name is registered as sensitive, though it is indexed otherwise", () => {
    const { encoder, send } = pair(4096, { sensitive: new Set(["x-api-key", ":path", "date"]) });
    for (const name of ["x-api-key", ":path", "date"]) {
      expect((send([name, "/"])[0] ?? 0) & 0xf0).toBe(0x10);
      expect((send([name, "/"])[0] ?? 0) & 0xf0).toBe(0x10);
    }
    expect(encoder.table.size).toBe(0);
  });

  it.each([
    ...["age", "content-length", "date", "etag", "grpc-message", "grpc-status-details-bin", "grpc-timeout"],
    ...["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "location"],
    ...["traceparent", "tracestate", "x-request-id"],
  ])("of the name %s stays out of the table", (name) => {
    const { encoder, send } = pair();
    expect((send([name, "1"])[0] ?? 0xff) & 0xf0).toBe(0);
    expect(encoder.table.size).toBe(0);
  });

  it("stays out of the table if it would take more than three quarters of it", () => {
    const { encoder, send } = pair();
    send(["name", "v".repeat(3072 - 36 + 1)]);
    expect(encoder.table.size).toBe(0);
    send(["name", "v".repeat(3072 - 36)]);
    expect(encoder.table.size).toBe(3072);
  });

  it("stays out of the table once that has 32 values of its name, until those leave", () => {
    const { encoder, send } = pair();
    send(["content-type", "application/grpc"]);
    for (let i = 0; i < 100; i++) send(["x-call", `${i}`]);
    const generation = encoder.generation;
    expect(send(["content-type", "application/grpc"]).length).toBe(1);
    expect(send(["x-call", "31"]).length).toBe(1);
    expect(send(["x-call", "32"]).length).toBeGreaterThan(2);
    expect(encoder.generation).toBe(generation);
    encoder.setPeerTableSize(0);
    encoder.setPeerTableSize(4096);
    send(["x-call", "100"]);
    expect(send(["x-call", "100"])).toEqual([0xbe]);
  });

  it("is Huffman-coded only if that is strictly shorter", () => {
    const { send } = pair();
    expect(send(["grpc-timeout", "1"]).slice(-2)).toEqual([1, 0x31]); // as long
    expect(send(["grpc-timeout", "111"]).slice(-3)).toEqual([0x82, 0x08, 0x43]);
    expect(send(["grpc-message", "\u00ff\u00fe"]).slice(-3)).toEqual([2, 0xff, 0xfe]);
  });

  it("may have any bytes, empty names and values, and any length", () => {
    const { send } = pair();
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
    send([all, all, "", "", "x", "", "", "x"]);
    for (const length of [126, 127, 128, 200, 203, 204, 254, 255, 256, 4000]) {
      send(["n", "\u0001".repeat(length), "n", "a".repeat(length)]);
    }
  });
});

describe("eviction", () => {
  it("drops the oldest entries, which then are literals again", () => {
    const { encoder, send } = pair(100);
    send(["a", "1"]);
    send(["b", "2"]);
    expect(send(["a", "1"])).toEqual([0xbf]);
    send(["c", "3"]);
    expect(encoder.table.size).toBe(68);
    expect(send(["b", "2"])).toEqual([0xbf]);
    expect(send(["a", "1"]).length).toBe(5);
  });

  it("may hit the entry whose name the new one refers to", () => {
    const { send } = pair(60);
    send(["name", "1"]);
    expect(send(["name", "2"])[0]).toBe(0x7e);
    expect(send(["name", "2"])).toEqual([0xbe]);
  });

  it("may hit one of several values of a name", () => {
    const { send } = pair(120);
    for (const value of ["1", "2", "3", "4", "5", "4"]) send(["name", value]);
    expect(send(["name", "5"])).toEqual([0xbe]);
    expect(send(["name", "3"])).toEqual([0xc0]);
    expect(send(["name", "1"])[0]).toBe(0x7e);
  });

  it("leaves nothing in a table of 0 bytes", () => {
    const { encoder, send } = pair();
    send(["a", "1"]);
    encoder.setPeerTableSize(0);
    expect(send(["a", "1"])).toEqual([0x20, 0x00, 1, 0x61, 1, 0x31]);
    expect(encoder.table.size).toBe(0);
  });
});

describe("the table size", () => {
  it("is announced at the next block, once", () => {
    const { encoder, decoder, send } = pair();
    encoder.setPeerTableSize(100);
    expect(send([":method", "GET"])).toEqual([0x3f, 69, 0x82]);
    expect(decoder.table.maxSize).toBe(100);
    expect(send([":method", "GET"])).toEqual([0x82]);
    encoder.setPeerTableSize(4096);
    expect(send([":method", "GET"])).toEqual([0x3f, 0xe1, 0x1f, 0x82]);
  });

  it("is not announced when it stays the same", () => {
    const { encoder, send } = pair();
    encoder.setPeerTableSize(4096);
    encoder.setPeerTableSize(2 ** 32 - 1);
    expect(send([])).toEqual([]);
  });

  it("is announced as 0 and the last one when it fell and rose, and both tables start afresh", () => {
    const { encoder, decoder, send } = pair();
    send(["a", "1"]);
    encoder.setPeerTableSize(100);
    encoder.setPeerTableSize(200);
    expect(send(["a", "1"]).slice(0, 4)).toEqual([0x20, 0x3f, 0xa9, 0x01]);
    expect(decoder.table).toMatchObject({ maxSize: 200, length: 1 });
    expect(send(["a", "1"])).toEqual([0xbe]);
  });

  it("is announced once when it fell twice, or rose twice", () => {
    const { encoder, send } = pair();
    send(["a", "1"]);
    encoder.setPeerTableSize(200);
    encoder.setPeerTableSize(100);
    expect(send(["a", "1"])).toEqual([0x3f, 69, 0xbe]);
    encoder.setPeerTableSize(110);
    encoder.setPeerTableSize(120);
    expect(send(["a", "1"])).toEqual([0x3f, 89, 0xbe]);
  });

  it("is announced also when it fell and rose to what it was", () => {
    const { encoder, send } = pair();
    send(["a", "1"]);
    encoder.setPeerTableSize(0);
    encoder.setPeerTableSize(4096);
    expect(send([":method", "GET"])).toEqual([0x20, 0x3f, 0xe1, 0x1f, 0x82]);
  });

  it("is announced at the first block when it is smaller than the peer would think", () => {
    const { send, decoder } = pair(1024);
    expect(send([":method", "GET"])).toEqual([0x3f, 0xe1, 0x07, 0x82]);
    expect(decoder.table.maxSize).toBe(1024);
  });
});

describe("a constant block", () => {
  const reply = () => new HeaderBlock([":status", "200", "content-type", "application/grpc", "x-a", "1"]);

  it("is copied while the generation is the same", () => {
    const { send } = pair();
    const block = reply();
    send(block);
    const bytes = send(block);
    expect(bytes).toHaveLength(3);
    expect(send(block)).toEqual(bytes);
    expect([...block.bytes]).toEqual(bytes);
  });

  it("is encoded anew after an insertion, a change of the size and its announcement", () => {
    const { encoder, send } = pair();
    const block = reply();
    send(block);
    send(block);
    send(["other", "1"]);
    expect(send(block)).toEqual([0x88, 0xc0, 0xbf]);
    encoder.setPeerTableSize(2000);
    expect(send(block).slice(0, 3)).toEqual([0x3f, 0xb1, 0x0f]);
    expect(send(block)).toEqual([0x88, 0xc0, 0xbf]);
    encoder.setPeerTableSize(0);
    expect(send(block)[0]).toBe(0x20);
    expect(send(block)[0]).toBe(0x88);
  });

  it("is encoded anew by another encoder", () => {
    const block = reply();
    const first = pair();
    const second = pair();
    for (let i = 0; i < 5; i++) {
      first.send(block);
      second.send(block);
    }
    second.send(["other", "1"]);
    expect(first.send(block)).toEqual([0x88, 0xbf, 0xbe]);
    expect(second.send(block)).toEqual([0x88, 0xc0, 0xbf]);
  });

  it("may be longer than what is copied byte by byte", () => {
    const { send } = pair();
    const block = new HeaderBlock(["grpc-message", "m".repeat(300)]);
    for (let i = 0; i < 3; i++) send(block);
  });

  it("may be followed by other fields", () => {
    const { encoder, decoder } = pair();
    const block = new HeaderBlock([":status", "200"]);
    const out = new Uint8Array(100);
    encoder.setPeerTableSize(100);
    const end = encoder.encode(["grpc-status", "0"], out, encoder.encodeBlock(block, out, 0));
    expect(decoder.decode(out, 0, end).fields).toEqual([":status", "200", "grpc-status", "0"]);
  });
});

describe("a block that fails", () => {
  it.each(["\u0100", "\u010a", "\ud83d\ude00"])("for the character %j leaves the next ones right", (char) => {
    const { encoder, decoder, send } = pair();
    send(["a", "1", "b", "2"]);
    const out = new Uint8Array(200);
    expect(() => encoder.encode(["c", "3", "d", `x${char}`], out, 0)).toThrow("above U+00FF");
    expect(() => encoder.encode(["c", "3", `d${char}`, "x"], out, 0)).toThrow(RangeError);
    const bytes = send(["a", "1", "c", "3"]);
    expect(bytes.slice(0, 4)).toEqual([0x20, 0x3f, 0xe1, 0x1f]);
    expect(send(["a", "1", "c", "3"])).toEqual([0xbf, 0xbe]);
    expect(encoder.table.size).toBe(decoder.table.size);
  });

  it("for lack of room leaves the next ones right", () => {
    const { encoder, send } = pair();
    expect(() => encoder.encode(["a", "1", "b", "2"], new Uint8Array(7), 0)).toThrow("10 of 7 bytes");
    const block = new HeaderBlock([":status", "200"]);
    encoder.setPeerTableSize(100);
    expect(() => encoder.encodeBlock(block, new Uint8Array(2), 0)).toThrow(RangeError);
    expect(send(block).slice(0, 3)).toEqual([0x20, 0x3f, 69]);
    send(block);
    expect(() => encoder.encodeBlock(block, new Uint8Array(1), 1)).toThrow(RangeError);
    expect(send(block)).toEqual([0x88]);
  });
});
