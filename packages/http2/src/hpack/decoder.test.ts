// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { HpackDecoder, type HpackDecoderOptions } from "./decoder.js";
import { HpackError } from "./hpack-error.js";
import { stringLiteral } from "./string-literal.js";

const bytes = (hex: string) =>
  Uint8Array.from(hex.replace(/\s/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const textBytes = (text: string) => Array.from(text, (char) => char.charCodeAt(0));
const raw = (text: string) => {
  const rest = text.length - 127;
  return [...(rest < 0 ? [text.length] : [127, (rest & 127) | 128, rest >> 7]), ...textBytes(text)];
};
const huffman = (text: string) => [...stringLiteral(text)];

function decode(decoder: HpackDecoder, ...parts: (string | readonly number[])[]) {
  const block = Uint8Array.from(
    parts.flatMap((part) => (typeof part === "string" ? [...bytes(part)] : part)),
  );
  return decoder.decode(block, 0, block.length);
}

/** The field at index 62 after a block. */
const newest = (decoder: HpackDecoder) => decode(decoder, "be").fields;

describe("a block that cannot be decoded", () => {
  it.each([
    ["index 0", "80", "index 0 (RFC 7541 section 6.1)"],
    ["an index past the static table while the dynamic one is empty", "be", "index 62, past the end"],
    ["an index far past the tables", "ff ff ff 7f", "index 2097278, past the end"],
    ["the name of a literal past the tables", "7f 00 01 61", "index 63, past the end"],
    ["the name of a literal without indexing past the tables", "0f 2f 01 61", "index 62, past the end"],
    ["an integer that does not end", "ff 80", "ends within an integer (RFC 7541 section 5.1)"],
    ["an integer of which only the prefix is there", "ff", "ends within an integer"],
    ["an integer of 6 bytes", "ff 80 80 80 80 00", "longer than 5 bytes (RFC 7541 section 5.1)"],
    ["an integer whose value would not fit into 32 bits", "ff ff ff ff ff 0f", "longer than 5 bytes"],
    ["a literal without a name", "40", "ends where a string is due (RFC 7541 section 5.2)"],
    ["a literal without a value", "41", "ends where a string is due"],
    ["a string longer than the block", "41 05 61 62", "longer than the rest of its block"],
    ["a string of nearly 2^28 bytes", "41 7f ff ff ff 7f 61", "longer than the rest of its block"],
    [
      "the end-of-string symbol in a string",
      "41 84 ff ff ff ff",
      "the end-of-string symbol (RFC 7541 section 5.2)",
    ],
    ["the end-of-string symbol between others", "41 86 1f ff ff ff e1 ff", "the end-of-string symbol"],
    ["padding of 8 bits", "41 82 1f ff", "padding of a Huffman string"],
    ["padding with zeros", "41 81 18", "padding of a Huffman string"],
    ["the start of a code that is not all ones", "41 81 fe", "padding of a Huffman string"],
    ["a size update between fields", "82 20 84", "not at the start of its block (RFC 7541 section 4.2)"],
    ["a size update at the end", "82 3f e1 1f", "not at the start of its block"],
    ["a size update past the limit", "3f e2 1f", "to 4097, the limit is 4096 (RFC 7541 section 6.3)"],
    ["a second size update past the limit", "20 3f e2 1f", "to 4097"],
    ["a size update of 5 continuing bytes", "3f ff ff ff ff 0f", "longer than 5 bytes"],
    ["three size updates", "20 3e 20", "three table size updates (RFC 7541 section 4.2)"],
  ])("is refused for %s", (_, wire, message) => {
    const attempt = () => decode(new HpackDecoder(), wire);
    expect(attempt).toThrow(HpackError);
    expect(attempt).toThrow(message);
  });

  it("is refused wherever a block that is right is cut within a field", () => {
    // Fields end behind bytes 2, 12 and 17.
    const whole = [...bytes("82 84"), 0x40, ...raw("ab"), ...huffman("abcdefg"), 0x41, ...huffman("host")];
    const ends = [0, 1, 2, 2 + 4 + huffman("abcdefg").length, whole.length];
    for (let end = 0; end <= whole.length; end++) {
      const attempt = (): unknown => {
        try {
          return decode(new HpackDecoder(), whole.slice(0, end)) && "a list";
        } catch (error) {
          return error;
        }
      };
      expect([end, attempt()]).toEqual([end, ends.includes(end) ? "a list" : expect.any(HpackError)]);
    }
  });

  it("never throws anything but an HpackError, whatever its bytes", () => {
    let seed = 7;
    const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16;
    for (let round = 0; round < 10_000; round++) {
      const decoder = new HpackDecoder({ maxListSize: 1000 });
      const block = Array.from(
        { length: random() % 40 },
        () => random() & (random() % 3 === 0 ? 0x8f : 0xff),
      );
      let thrown: unknown = new HpackError("");
      try {
        decode(decoder, block);
      } catch (error) {
        thrown = error;
      }
      if (!(thrown instanceof HpackError) || decoder.table.size > 4096) throw new Error(`block ${block}`);
    }
  });
});

describe("integers", () => {
  it("may take 5 bytes, also if fewer would do", () => {
    const text = "x".repeat(127);
    expect(decode(new HpackDecoder(), "41 7f 80 80 80 00", textBytes(text)).get(":authority")).toBe(text);
  });

  it("are read up to the largest table size", () => {
    const decoder = new HpackDecoder({ maxTableSize: 2 ** 28 });
    decode(decoder, "3f e1 ff ff 7f");
    expect(decoder.table.maxSize).toBe(2 ** 28);
  });
});

describe("a block", () => {
  it("is read from where it starts to where it ends", () => {
    const buffer = bytes("ffff 82 84 ffff");
    expect(new HpackDecoder().decode(buffer, 2, 4).fields).toEqual([":method", "GET", ":path", "/"]);
  });

  it("may be empty", () => {
    const list = decode(new HpackDecoder());
    expect(list).toMatchObject({ fields: [], size: 0, tooLarge: false });
  });

  it("keeps every byte of a string as a char code", () => {
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
    const coded = huffman(all.slice(32, 127));
    expect(decode(new HpackDecoder(), "00", raw("n"), raw(all)).get("n")).toBe(all);
    expect(decode(new HpackDecoder(), "00", raw("n"), coded).get("n")).toBe(all.slice(32, 127));
  });

  it("may have empty names and values, which are for others to judge", () => {
    expect(decode(new HpackDecoder(), "40 00 00 00 80 80").fields).toEqual(["", "", "", ""]);
  });
});

describe("the dynamic table", () => {
  it("forgets its oldest entries when a block changes its size, and takes new ones after", () => {
    const decoder = new HpackDecoder();
    decode(decoder, [0x40, ...raw("a"), ...raw("1")], [0x40, ...raw("b"), ...raw("2")]);
    decode(decoder, "3f 03"); // 34
    expect(decoder.table).toMatchObject({ size: 34, length: 1, maxSize: 34 });
    expect(newest(decoder)).toEqual(["b", "2"]);
    decode(decoder, "20 3f e1 1f");
    expect(decoder.table).toMatchObject({ size: 0, length: 0, maxSize: 4096 });
    decode(decoder, [0x40, ...raw("c"), ...raw("3")]);
    expect(newest(decoder)).toEqual(["c", "3"]);
  });

  it("holds nothing while its size is 0", () => {
    const decoder = new HpackDecoder({ maxTableSize: 0 });
    expect(decode(decoder, [0x40, ...raw("a"), ...raw("1"), 0x84]).fields).toEqual(["a", "1", ":path", "/"]);
    expect(() => newest(decoder)).toThrow(HpackError);
  });

  it("is emptied by an entry that is larger than it", () => {
    const decoder = new HpackDecoder({ maxTableSize: 100 });
    decode(decoder, [0x40, ...raw("a"), ...raw("1")]);
    const large = "x".repeat(68);
    expect(decode(decoder, [0x40, ...raw("b"), ...raw(large)]).get("b")).toBe(large);
    expect(decoder.table).toMatchObject({ size: 0, length: 0 });
  });

  it("gives the name of an entry to the one that evicts it", () => {
    const decoder = new HpackDecoder({ maxTableSize: 60 });
    decode(decoder, [0x40, ...raw("name"), ...raw("1")]);
    expect(decode(decoder, [0x7e, ...raw("2")]).fields).toEqual(["name", "2"]);
    expect(newest(decoder)).toEqual(["name", "2"]);
    expect(decoder.table.length).toBe(1);
  });
});

describe("a list past the limits", () => {
  const limited = (options: HpackDecoderOptions) => new HpackDecoder(options);

  it("says so, holds what fits, counts everything and keeps the table right", () => {
    const decoder = limited({ maxListSize: 100 });
    const value = "v".repeat(40);
    const list = decode(decoder, "82", [0x40, ...raw("x"), ...raw(value)], "84", [
      0x40,
      ...raw("y"),
      ...huffman("z"),
    ]);
    expect(list.tooLarge).toBe(true);
    expect(list.fields).toEqual([":method", "GET"]);
    expect(list.size).toBe(42 + 73 + 38 + 34);
    expect(newest(decoder)).toEqual(["y", "z"]);
    expect(decode(decoder, "bf").fields).toEqual(["x", value]);
  });

  it("is one byte longer than the longest that fits", () => {
    const decoder = limited({ maxListSize: 100 });
    expect(decode(decoder, [0, ...raw("a"), ...raw("b".repeat(67))]).tooLarge).toBe(false);
    expect(decode(decoder, [0, ...raw("a"), ...raw("b".repeat(68))]).tooLarge).toBe(true);
  });

  it("is one field longer than the longest that fits", () => {
    const decoder = limited({ maxFields: 3 });
    expect(decode(decoder, "82 82 82")).toMatchObject({ tooLarge: false, size: 126 });
    const list = decode(decoder, "82 82 82 84");
    expect(list).toMatchObject({ tooLarge: true, size: 164 });
    expect(list.fields).toHaveLength(6);
  });

  it("has limits of 16384 bytes and 256 fields by default", () => {
    expect(decode(limited({}), "82".repeat(256)).tooLarge).toBe(false);
    expect(decode(limited({}), "82".repeat(257)).tooLarge).toBe(true);
    const rest = 16384 - 32 - 1;
    expect(decode(limited({}), [0, ...raw("a"), ...raw("b".repeat(rest))]).tooLarge).toBe(false);
    expect(decode(limited({}), [0, ...raw("a"), ...raw("b".repeat(rest + 1))]).tooLarge).toBe(true);
  });

  it.each([
    ["plain", raw],
    ["Huffman", huffman],
  ])("counts a %s string that is too long to be kept", (_, literal) => {
    const decoder = limited({ maxListSize: 200, maxTableSize: 100 });
    const long = "a".repeat(5001); // its Huffman code ends with 3 bits of padding
    const list = decode(decoder, [0x40, ...literal(long), ...literal(long)], "84");
    expect(list).toMatchObject({ tooLarge: true, size: 10034 + 38, fields: [] });
    expect(decoder.table.size).toBe(0);
  });

  it("checks a Huffman string that is too long to be kept to its end", () => {
    const decoder = limited({ maxListSize: 200, maxTableSize: 100 });
    const broken = huffman("a".repeat(5001));
    broken.push((broken.pop() ?? 0) & 0xfe);
    expect(() => decode(decoder, [0x40, ...raw("a"), ...broken])).toThrow("padding");
  });

  it("keeps a string for the table that is too long for the list", () => {
    const decoder = limited({ maxListSize: 50 });
    const long = "a".repeat(1000);
    expect(decode(decoder, [0x40, ...raw("n"), ...huffman(long)])).toMatchObject({
      tooLarge: true,
      fields: [],
    });
    expect(decoder.table.values[decoder.table.slot(62)]).toBe(long);
  });
});
