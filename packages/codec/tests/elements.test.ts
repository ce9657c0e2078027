// SPDX-License-Identifier: Apache-2.0
// A message has a limit of elements: what takes an object, be its bytes ever so few.
// Mutant: codec/src/decode/elements.ts # if (--input.elementsLeft < 0) throw tooMany;
// Mutant: codec/src/fallback/parse-binary.ts # if (this.elements > this.maxElements) throw new TooManyElementsError(this.maxElements);
// Mutant: codec/src/decode/field-decoder.ts # ? [[single, countedItem(field, value)]] => ? [[single, listItem(field, value)]]
// Mutant: codec/src/wire/text.ts # input.elementsLeft = elementsLeft;
// Mutant: codec/src/shape/own-bytes.ts # Object.hasOwn(message, localName) &&
// Mutant: codec/src/decode/field-decoder.ts # if (b[input.at] === 0 && input.at < end && hasEmptyBytes(message, localName)) input.at++; => if (b[input.at] === 0 && input.at < end) input.at++;
// Mutant: codec/src/fallback/parse-binary.ts # if (reader.emptyComes && hasEmptyBytes(held, field.localName)) reader.pos++; => if (reader.emptyComes) reader.pos++;
// Mutant: codec/src/fallback/parse-binary.ts # return text ?? getTextEncoding() => return getTextEncoding()
// Mutant: codec/src/compile-codec.ts # input.elementsLeft = maxElements; => input.elementsLeft = Math.min(input.elementsLeft, maxElements);
// Mutant: codec/src/decode/elements.ts # if (++input.longs % longsPerElement === 0) countElement();
// Mutant: codec/src/compile-codec.ts # input.longs = 0;
// Mutant: codec/src/decode/field-decoder.ts # if (byte >= short.length) return counted(b, end); => if (true) return counted(b, end);
// Mutant: codec/src/decode/message-decoder.ts # countElements(this.weight); => countElements(1);
// Mutant: codec/src/fallback/parse-binary.ts # ++this.longs % longsPerElement === 0 => false
// Mutant: codec/src/fallback/parse-binary.ts # before === undefined ? weightOf(field.message) : 1 => 1
// Mutant: codec/src/decode/elements.ts # 1 + bytes + Math.floor((lists + desc.oneofs.length) / listsPerElement); => 1 + Math.floor((lists + desc.oneofs.length) / listsPerElement);
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { configureTextEncoding, getTextEncoding } from "@bufbuild/protobuf/wire";
import { UninterpretedOptionSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { compileCodec, parseBinary, TooManyElementsError } from "../src/index.js";
import {
  ListsSchema,
  MapsSchema,
  OptionalsSchema,
  ScalarsSchema,
  SmallSchema,
  TreeSchema,
  WellKnownSchema,
} from "./gen/three_pb.js";

const parsers = [
  {
    name: "compiled",
    parse: (desc: DescMessage, b: Uint8Array, n: number) =>
      compileCodec(desc).parse(b, 0, b.length, false, n),
  },
  {
    name: "slow",
    parse: (desc: DescMessage, b: Uint8Array, maxElements: number) => parseBinary(desc, b, { maxElements }),
  },
];
const bytesOf = (desc: DescMessage, init: object): Uint8Array => toBinary(desc, create(desc, init as never));

const manyOf = <T>(value: T): T[] => Array.from({ length: 12 }, () => value);

const rows: readonly (readonly [string, number, DescMessage, Uint8Array])[] = [
  ["strings", 3, ListsSchema, bytesOf(ListsSchema, { strings: ["a", "", "b"] })],
  ["bytes", 2, ListsSchema, bytesOf(ListsSchema, { bytes: [new Uint8Array(0), new Uint8Array(9)] })],
  ["packed numbers", 0, ListsSchema, bytesOf(ListsSchema, { int32s: [1, 2, 3], doubles: [4, 5] })],
  ["packed numbers of one byte", 0, ListsSchema, bytesOf(ListsSchema, { int64s: manyOf(1n), bools: [true] })],
  ["three varints of 64 bits", 0, ListsSchema, bytesOf(ListsSchema, { int64s: [300n, 300n, 300n] })],
  ["packed varints of 64 bits", 3, ListsSchema, bytesOf(ListsSchema, { int64s: manyOf(300n), uint64s: [] })],
  ["runs of them", 2, ListsSchema, Buffer.concat(Array(8).fill(bytesOf(ListsSchema, { sint64s: [300n] })))],
  ["packed numbers of eight bytes", 3, ListsSchema, bytesOf(ListsSchema, { fixed64s: manyOf(1n) })],
  [
    "single numbers of 64 bits",
    2,
    ListsSchema,
    Buffer.from("1880".repeat(8).replaceAll("80", "8001"), "hex"),
  ],
  [
    "numbers of 64 bits that become texts",
    3,
    ListsSchema,
    bytesOf(ListsSchema, { sint64Texts: manyOf("300") }),
  ],
  ["a message with empty bytes", 2, WellKnownSchema, bytesOf(WellKnownSchema, { any: {} })],
  ["messages of 21 lists", 12, ListsSchema, bytesOf(ListsSchema, { lists: [{}, {}] })],
  ["entries of numbers", 2, MapsSchema, bytesOf(MapsSchema, { strings: { a: "b", c: "d" } })],
  ["entries of messages", 4, MapsSchema, bytesOf(MapsSchema, { smalls: { a: { number: 1 }, b: {} } })],
  ["messages", 4, TreeSchema, bytesOf(TreeSchema, { children: [{}, { child: {} }], child: { name: "a" } })],
  ["a wrapper", 1, WellKnownSchema, bytesOf(WellKnownSchema, { stringValue: "a" })],
  ["unknown fields", 2, SmallSchema, Uint8Array.of(0xf8, 1, 5, 0xf8, 1, 5)],
];

describe.each(parsers)("the $name parser", ({ parse }) => {
  test.each(rows)("counts %s", (_what, count, desc, bytes) => {
    const message = parse(desc, bytes, count);
    expect(message).toEqual(parse(desc, bytes, Number.POSITIVE_INFINITY));
    expect(parse(desc, bytes, count)).toEqual(message);
    if (count === 0) return;
    const outcome = (): unknown => parse(desc, bytes, count - 1);
    expect(outcome).toThrow(TooManyElementsError);
    expect(outcome).toThrow(`more than ${count - 1} elements`);
    // The next message has a limit of its own.
    expect(parse(desc, bytes, count)).toEqual(message);
  });
});

describe.each(parsers)("empty bytes that come again, read by the $name parser,", ({ parse }) => {
  const parsed = (desc: DescMessage, ...parts: Uint8Array[]) => parse(desc, Buffer.concat(parts), 0);

  test.each([
    ["a field without presence", ScalarsSchema, 0x62],
    ["an optional field", OptionalsSchema, 0x62],
    // Its prototype has empty bytes as the default.
    ["an optional field of proto2", UninterpretedOptionSchema, 0x3a],
  ])("leave %s as protobuf-es does", (_what, desc: DescMessage, tag) => {
    const bytes = Uint8Array.of(tag, 1, 7);
    const empty = Uint8Array.of(tag, 0);
    for (const parts of [[empty], [empty, empty], [bytes, empty], [bytes, empty, empty], [empty, bytes]]) {
      const message = parsed(desc, ...parts);
      const expected = fromBinary(desc, Buffer.concat(parts));
      expect(message).toEqual(expected);
      expect(Object.keys(message as object).sort()).toEqual(Object.keys(expected).sort());
    }
    expect(() => parsed(desc, empty, Uint8Array.of(tag))).toThrow();
  });
});

test("the slow parser asks the text encoding for no ASCII text", () => {
  const before = getTextEncoding();
  const asked: number[] = [];
  configureTextEncoding({
    ...before,
    decodeUtf8(text, strict) {
      asked.push(text.length);
      return before.decodeUtf8(text, strict);
    },
  });
  try {
    const strings = ["", "a", "twelve bytes", "a".repeat(100), "\ufeffa", "\ufffd".repeat(5)];
    const bytes = bytesOf(ListsSchema, { strings });
    expect(parseBinary(ListsSchema, bytes)).toEqual(fromBinary(ListsSchema, bytes));
    expect(asked.filter((length) => length === 12 || length === 100).length).toBe(2);
  } finally {
    configureTextEncoding(before);
  }
});

test("a text encoding that parses takes nothing of the limit of the message around", () => {
  const before = getTextEncoding();
  const { parse } = compileCodec(ListsSchema);
  const bytes = bytesOf(ListsSchema, { strings: ["é", "ü", "ä"] });
  configureTextEncoding({
    ...before,
    decodeUtf8(text, strict) {
      parse(bytesOf(ListsSchema, { bytes: [text, text] }), 0, undefined, false, 100);
      return before.decodeUtf8(text, strict);
    },
  });
  try {
    expect(() => parse(bytes, 0, bytes.length, false, 2)).toThrow(TooManyElementsError);
  } finally {
    configureTextEncoding(before);
  }
});
