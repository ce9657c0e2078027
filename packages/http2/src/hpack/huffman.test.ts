// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { byteText } from "./byte-text.js";
import { HpackError } from "./hpack-error.js";
import { decodeHuffman, encodeHuffman } from "./huffman.js";
import { CODE_LENGTHS, CODES, END_OF_STRING } from "./huffman-codes.js";

function encode(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 4 + 1);
  return out.slice(0, encodeHuffman(text, out, 0));
}

function decode(bytes: Uint8Array, limit = 100_000): string {
  const target = new Uint8Array(limit);
  return byteText(target, 0, decodeHuffman(bytes, 0, bytes.length, target, limit));
}

describe("the Huffman code", () => {
  // Spot checks of the column "code as hex" of RFC 7541 appendix B: one of each length and the ends of the table.
  it.each([
    [0, 0x1ff8, 13],
    [1, 0x7fffd8, 23],
    [9, 0xffffea, 24],
    [10, 0x3ffffffc, 30],
    [0x22, 0x3f9, 10],
    [0x26, 0xf8, 8],
    [0x2b, 0x7fb, 11],
    [0x30, 0x0, 5],
    [0x33, 0x19, 6],
    [0x3a, 0x5c, 7],
    [0x3c, 0x7ffc, 15],
    [0x3e, 0xffb, 12],
    [0x5c, 0x7fff0, 19],
    [0x5e, 0x3ffc, 14],
    [0x74, 0x9, 5],
    [128, 0xfffe6, 20],
    [153, 0x1fffdc, 21],
    [224, 0xfffec, 20],
    [239, 0x7ffff4, 23],
    [192, 0x3ffffe0, 26],
    [199, 0x1ffffec, 25],
    [249, 0xffffffe, 28],
    [255, 0x3ffffee, 26],
    [END_OF_STRING, 0x3fffffff, 30],
  ])("has for symbol %i the code of the RFC", (symbol, code, length) => {
    expect(CODES[symbol]).toBe(code);
    expect(CODE_LENGTHS[symbol]).toBe(length);
  });

  it("uses up the whole space of codes, so every byte sequence means something", () => {
    const space = CODE_LENGTHS.reduce((sum, length) => sum + 2 ** (30 - length), 0);
    expect(CODE_LENGTHS).toHaveLength(257);
    expect(space).toBe(2 ** 30);
  });
});

describe("a text", () => {
  it.each(["", "0", "a", "www.example.com", "no-cache", "302", "\u0000\n\r\u00ff\u0080", "~}|{"])(
    "of bytes is the same after encoding and decoding: %j",
    (text) => {
      expect(decode(encode(text))).toBe(text);
    },
  );

  it("may have any two bytes next to each other", () => {
    for (let first = 0; first < 256; first++) {
      const text = Array.from({ length: 256 }, (_, second) => String.fromCharCode(first, second)).join("");
      expect(decode(encode(text))).toBe(text);
      expect(decode(encode(text.slice(1)))).toBe(text.slice(1));
    }
  });

  it("is encoded to the bytes of RFC 7541 C.4.1", () => {
    expect([...encode("www.example.com")]).toEqual([
      0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
    ]);
  });
});

describe("decoding", () => {
  it("writes no more than the limit, but counts all", () => {
    const bytes = encode("0123456789");
    const target = new Uint8Array(10).fill(0xee);
    expect(decodeHuffman(bytes, 0, bytes.length, target, 3)).toBe(10);
    expect([...target]).toEqual([0x30, 0x31, 0x32, ...new Array<number>(7).fill(0xee)]);
  });

  it("reads only the given range of bytes", () => {
    const target = new Uint8Array(10);
    expect(decodeHuffman(Uint8Array.from([0, 0x1f, 0]), 1, 2, target, 10)).toBe(1);
    expect(target[0]).toBe("a".charCodeAt(0));
  });

  it.each([1, 2, 3, 4, 5, 6, 7])("takes padding of %i ones and no other", (bits) => {
    const text = "a".repeat(8).slice(0, [0, 3, 6, 1, 4, 7, 2, 5][bits]); // a has 5 bits
    const bytes = encode(text);
    expect(text.length * 5 + bits).toBe(bytes.length * 8);
    expect(decode(bytes)).toBe(text);
    const last = bytes.length - 1;
    // Zeros in a padding of 5 bits and more can be a symbol followed by less padding.
    for (let zero = 0; zero < (bits < 5 ? bits : 0); zero++) {
      const broken = bytes.slice();
      broken[last] = (bytes[last] ?? 0) & ~(1 << zero);
      expect(() => decode(broken)).toThrow(HpackError);
    }
  });

  it("refuses a whole byte of padding", () => {
    expect(() => decode(Uint8Array.from([...encode("aaaaaaaa"), 0xff]))).toThrow("longer than 7 bits");
    expect(() => decode(Uint8Array.from([0xff]))).toThrow("longer than 7 bits");
  });

  it("refuses the end-of-string symbol at every bit offset", () => {
    for (let before = 0; before < 8; before++) {
      const bits = CODES[0x61] === 3 ? "00011".repeat(before) + "1".repeat(30) + "00011" : "";
      const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1").match(/.{8}/g) ?? [];
      expect(() => decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2)))).toThrow(
        "end-of-string",
      );
    }
  });
});
