// SPDX-License-Identifier: Apache-2.0
// Mutant: http2/src/hpack/byte-memo.ts # while (this.used > this.most) this.evictNext();
// Mutant: http2/src/hpack/byte-memo.ts # this.used -= kept.words.length * 4 + kept.size; => this.used -= kept.size;
// Mutant: http2/src/hpack/byte-memo.ts # if (size + this.longest + 16 > this.most) return;
// Mutant: http2/src/hpack/decoder.ts # this.texts.forget();
import { describe, expect, it } from "@jest/globals";
import { Random } from "../../tests/random.js";
import { ByteMemo } from "./byte-memo.js";
import { HpackDecoder } from "./decoder.js";
import { HpackEncoder } from "./encoder.js";

const decode = (decoder: HpackDecoder, ...bytes: number[]) =>
  decoder.decode(Uint8Array.from(bytes), 0, bytes.length);

const insert = (name: string, value: string) =>
  [0x40, 1, name.charCodeAt(0), 1, value.charCodeAt(0)] satisfies number[];

describe("a block that was seen before", () => {
  it("gives the same list while the table has not changed", () => {
    const decoder = new HpackDecoder();
    decode(decoder, ...insert("a", "1"));
    const list = decode(decoder, 0x82, 0xbe);
    expect(list.fields).toEqual([":method", "GET", "a", "1"]);
    list.memo = "slots stay";
    expect(decode(decoder, 0x82, 0xbe)).toBe(list);
    expect(decode(decoder, 0x82, 0xbe).memo).toBe("slots stay");
    expect(decode(decoder, 0x82)).not.toBe(list);
  });

  it("is found wherever it lies in a buffer", () => {
    const decoder = new HpackDecoder();
    const buffer = Uint8Array.from([9, 9, 9, 0x82, 0x84, 0x86, 0x87, 0x82, 9, 0x82, 0x84, 0x86, 0x87, 0x82]);
    expect(decoder.decode(buffer, 9, 14)).toBe(decoder.decode(buffer, 3, 8));
  });

  it("is decoded anew after an insertion", () => {
    const decoder = new HpackDecoder();
    decode(decoder, ...insert("a", "1"));
    const list = decode(decoder, 0xbe);
    decode(decoder, ...insert("b", "2"));
    expect(decode(decoder, 0xbe).fields).toEqual(["b", "2"]);
    expect(list.fields).toEqual(["a", "1"]);
  });

  it("is decoded anew after an eviction without an insertion", () => {
    const decoder = new HpackDecoder({ maxTableSize: 40 });
    decode(decoder, ...insert("a", "1"));
    decode(decoder, 0xbe);
    decode(decoder, 0x40, 1, 0x62, 8, ...new Array<number>(8).fill(0x63)); // 41 bytes, which only empties the table
    expect(() => decode(decoder, 0xbe)).toThrow("index 62");
  });

  it("is decoded anew after a size update, also one that leaves the size as it is", () => {
    const decoder = new HpackDecoder();
    decode(decoder, ...insert("a", "1"));
    const list = decode(decoder, 0x82, 0xbe);
    decode(decoder, 0x3f, 0xe1, 0x1f);
    expect(decode(decoder, 0x82, 0xbe)).not.toBe(list);
    decode(decoder, 0x20);
    expect(() => decode(decoder, 0x82, 0xbe)).toThrow("index 62");
  });

  it("changes the table again if it did so the first time", () => {
    const decoder = new HpackDecoder();
    decode(decoder, ...insert("a", "1"));
    decode(decoder, ...insert("a", "1"));
    expect(decoder.table.length).toBe(2);
  });

  it("is decoded anew if its list was too large", () => {
    const decoder = new HpackDecoder({ maxFields: 1 });
    expect(decode(decoder, 0x82, 0x84)).not.toBe(decode(decoder, 0x82, 0x84));
  });

  it("is decoded again if it is longer than 512 bytes", () => {
    const decoder = new HpackDecoder();
    const block = [0x00, 1, 0x61, 0x7f, 0xfd, 0x02, ...new Array<number>(508).fill(0x62)];
    expect(decode(decoder, ...block.slice(2))).toBeDefined();
    expect(decode(new HpackDecoder(), ...block).fields).toEqual(["a", "b".repeat(508)]);
    expect(decode(decoder, ...block)).not.toBe(decode(decoder, ...block));
  });

  it("is never mistaken for another one that differs in a single byte", () => {
    const decoder = new HpackDecoder();
    const value = "v".repeat(50);
    for (let at = 0; at < value.length; at++) {
      for (const char of "wxy") {
        const other = value.slice(0, at) + char + value.slice(at + 1);
        const bytes = [0x00, 1, 0x6e, 50, ...Array.from(other, (code) => code.charCodeAt(0))];
        expect(decode(decoder, ...bytes).get("n")).toBe(other);
        expect(decode(decoder, ...bytes).get("n")).toBe(other);
      }
    }
  });

  it("is found in spite of many others that come only once", () => {
    const decoder = new HpackDecoder();
    const block = [0x82, 0x84, 0x86];
    let found = 0;
    for (let i = 0; i < 2000; i++) {
      const list = decode(decoder, ...block);
      decode(decoder, 0x00, 1, 0x6e, 2, 0x30 + (i % 64), 0x30 + (i >> 6));
      if (decode(decoder, ...block) === list) found++;
    }
    expect(found).toBeGreaterThan(1900);
  });
});

describe("a string that was met before", () => {
  it("is the same again, whatever other strings of its length there are", () => {
    const encoder = new HpackEncoder(4096, { sensitive: new Set(["secret-name-a", "secret-name-b"]) });
    const decoder = new HpackDecoder();
    const out = new Uint8Array(4096);
    for (let i = 0; i < 3000; i++) {
      const fields = [
        i % 2 === 0 ? "secret-name-a" : "secret-name-b",
        `Bearer ${"e".repeat(60 + (i % 40))}${i % 7}`,
        "grpc-timeout",
        `${i}m`,
      ];
      expect(decoder.decode(out, 0, encoder.encode(fields, out, 0)).fields).toEqual(fields);
    }
  });
});

describe("what a decoder remembers", () => {
  /** Blocks of `length` bytes that stand for as many fields as a list may have, each another one. */
  const hostile = (n: number, length: number): number[] =>
    Array.from({ length }, (_, i) => 0x82 + ((i < 12 ? n >> i : i) & 1));

  it("is at most 64 KiB, however many fields a few bytes stand for", () => {
    const decoder = new HpackDecoder();
    for (let n = 0; n < 4096; n++) {
      const list = decode(decoder, ...hostile(n, 16 + (n % 240)));
      expect(list.tooLarge).toBe(false);
      expect(decoder.remembered).toBeLessThanOrEqual(65_536);
    }
    expect(decoder.remembered).toBeGreaterThan(30_000);
  });

  it("is at most 64 KiB of long values, too", () => {
    const encoder = new HpackEncoder(4096, { sensitive: new Set(["secret"]) });
    const decoder = new HpackDecoder();
    const out = new Uint8Array(4096);
    for (let n = 0; n < 2000; n++) {
      decoder.decode(out, 0, encoder.encode(["secret", `${n}`.padEnd(1000, "e")], out, 0));
      expect(decoder.remembered).toBeLessThanOrEqual(65_536);
    }
  });

  it("is all that an honest peer repeats", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder();
    const out = new Uint8Array(4096);
    const fieldsOf = (n: number) => [
      ":method",
      "POST",
      ":path",
      `/org.example.catalogue.v1.CatalogueService/Method${n}`,
      ":scheme",
      "http",
      ":authority",
      "127.0.0.1:20000",
      "content-type",
      "application/grpc+proto",
      "te",
      "trailers",
      "grpc-accept-encoding",
      "gzip",
      "user-agent",
      "grpc-node-js/1.14.7",
    ];
    // Until the encoder's table has all of them, each block changes it.
    for (let n = 0; n < 60; n++) decoder.decode(out, 0, encoder.encode(fieldsOf(n % 15), out, 0));
    const lists = Array.from({ length: 15 }, (_, n) => {
      const end = encoder.encode(fieldsOf(n), out, 0);
      return decoder.decode(out, 0, end);
    });
    let found = 0;
    for (let n = 0; n < 15; n++) {
      if (decoder.decode(out, 0, encoder.encode(fieldsOf(n), out, 0)) === lists[n]) found++;
    }
    expect(found).toBeGreaterThan(10);
  });

  it("can be forgotten, and the table stays", () => {
    const decoder = new HpackDecoder();
    decode(decoder, ...insert("a", "1"));
    const list = decode(decoder, 0x82, 0xbe);
    const before = decoder.remembered;
    // 80 codes of 5 bits: a long value is remembered by itself, too.
    decode(decoder, 0x10, 1, 0x6e, 0x80 | 50, ...new Array<number>(50).fill(0));
    expect(decoder.remembered).toBeGreaterThan(before);
    decoder.forget();
    expect(decoder.remembered).toBe(0);
    const again = decode(decoder, 0x82, 0xbe);
    expect(again).not.toBe(list);
    expect(again.fields).toEqual([":method", "GET", "a", "1"]);
  });
});

describe("the memo of bytes", () => {
  const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

  it.each([0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 63, 64])("finds %i bytes again", (length) => {
    const memo = new ByteMemo<string>(16, 64, 4096);
    const key = bytes("x".repeat(length));
    expect(memo.find(key, 0, length)).toBeNull();
    memo.keep(key, 0, length, "value", 5);
    expect(memo.find(key.slice(), 0, length)).toBe("value");
    const other = `${"x".repeat(Math.max(0, length - 1))}y`;
    expect(memo.find(bytes(other), 0, other.length)).toBeNull();
  });

  it("keeps nothing longer than it may", () => {
    const memo = new ByteMemo<string>(16, 64, 4096);
    const key = bytes("x".repeat(65));
    memo.find(key, 0, 65);
    memo.keep(key, 0, 65, "value", 5);
    expect(memo.find(key, 0, 65)).toBeNull();
  });

  it("lets the ninth in where eight were turned away, unless the one that is there is found in between", () => {
    const memo = new ByteMemo<string>(1, 64, 4096);
    const keep = (text: string) => {
      memo.find(bytes(text), 0, text.length);
      memo.keep(bytes(text), 0, text.length, text, text.length);
    };
    keep("first");
    for (let i = 0; i < 8; i++) keep(`other ${i}`);
    expect(memo.find(bytes("first"), 0, 5)).toBe("first");
    for (let i = 0; i < 9; i++) keep(`other ${i}`);
    expect(memo.find(bytes("first"), 0, 5)).toBeNull();
    expect(memo.find(bytes("other 8"), 0, 7)).toBe("other 8");
  });

  it("keeps no more than its sum, whatever comes, and counts right", () => {
    const memo = new ByteMemo<string>(16, 64, 1000);
    const random = new Random(7);
    for (let i = 0; i < 20_000; i++) {
      const key = bytes(String(random.int(0, 200)).repeat(random.int(1, 30)));
      const size = random.int(0, 1000);
      if (memo.find(key, 0, key.length) === null) memo.keep(key, 0, key.length, "value", size);
      if (random.oneIn(100)) memo.clear();
      const { slots } = memo as unknown as { slots: ({ words: Int32Array; size: number } | null)[] };
      const sum = slots.reduce(
        (all, kept) => all + (kept === null ? 0 : kept.words.byteLength + kept.size),
        0,
      );
      if (memo.used !== sum || sum > 1000) throw new Error(`${memo.used} are counted, ${sum} are kept`);
    }
    memo.forget();
    expect(memo.used).toBe(0);
  });

  it("makes room for new values when it is full", () => {
    const memo = new ByteMemo<string>(16, 64, 1000);
    for (let i = 0; i < 100; i++) {
      const key = bytes(`key ${i}`);
      memo.find(key, 0, key.length);
      memo.keep(key, 0, key.length, "value", 400);
    }
    const kept = Array.from({ length: 100 }, (_, i) => memo.find(bytes(`key ${i}`), 0, `key ${i}`.length));
    expect(kept.filter((value) => value !== null)).toHaveLength(2);
    expect(kept.slice(50).some((value) => value !== null)).toBe(true);
  });

  it("forgets all values when it is cleared", () => {
    const memo = new ByteMemo<string>(16, 64, 4096);
    memo.find(bytes("key"), 0, 3);
    memo.keep(bytes("key"), 0, 3, "value", 5);
    memo.clear();
    expect(memo.find(bytes("key"), 0, 3)).toBeNull();
  });
});
