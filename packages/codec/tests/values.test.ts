// SPDX-License-Identifier: Apache-2.0
// What compiled code doesn't know, protobuf-es does: each of these lines is a place where it says so.
// Mutant: codec/src/decode/message-decoder.ts # if (this.numbers.has(no)) throw needsFallback;
// Mutant: codec/src/wire/varint.ts # if (stop > end) throw needsFallback;
// Mutant: codec/src/encode/scalar-encoders.ts # if (scratch.getBigInt64(0, true) !== number) throw needsFallback;
// Mutant: codec/src/encode/scalar-encoders.ts # if (Number.isFinite(value) && Math.abs(value) > largestFloat) throw needsFallback;
// Mutant: codec/src/shape/map-key.ts # if (String(number) !== name) throw needsFallback;
// Mutant: codec/src/encode/singular-encoders.ts # if (required) throw needsFallback;
// Mutant: codec/src/encode/message-encoder.ts # return name === undefined && parent.$typeName === undefined && !Array.isArray(value); => return true;
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { sameBytes, sameMessage } from "../fuzz/sameness.js";
import { compileCodec } from "../src/index.js";
import { EditionSchema } from "./gen/editions_pb.js";
import {
  ChoicesSchema,
  InheritedSchema,
  ListsSchema,
  LoneSchema,
  MapsSchema,
  OptionalsSchema,
  ScalarsSchema,
  SmallSchema,
  TreeSchema,
  WellKnownSchema,
} from "./gen/three_pb.js";
import { GroupedSchema, RequiredSchema, SecondSchema } from "./gen/two_pb.js";

const int32 = [0, -0, 1, -1, 2147483647, -2147483648];
const uint32 = [0, 1, 127, 128, 4294967295];
const int64 = [0n, 1n, -1n, 1n << 62n, (1n << 63n) - 1n, -(1n << 63n)];
const uint64 = [0n, 1n, 127n, 128n, 1n << 63n, (1n << 64n) - 1n];
const floating = [0, -0, 1.5, -1.5, Number.NaN, Infinity, -Infinity, 3.4028234663852886e38, 1e-45];
const texts = [
  "",
  "a",
  "seven 7",
  "eight 88",
  "nine 9999",
  "x".repeat(31),
  "x".repeat(32),
  "x".repeat(33),
  "x".repeat(42),
  "x".repeat(43),
  "x".repeat(48),
  "x".repeat(49),
  "x".repeat(127),
  "x".repeat(128),
  "x".repeat(16_383),
  "x".repeat(16_384),
  "é",
  "中文",
  "中".repeat(42),
  "中".repeat(43),
  "中".repeat(127),
  "中".repeat(5_461),
  "中".repeat(5_462),
  "😀",
  "a😀b",
  "\ud83d",
  "\udc00 alone",
  "x".repeat(40) + "\ud83d",
  "\ufeffwith a mark",
  "\0",
];

/** Values that each scalar may have, and some that it may not: of a wrong type or out of its range. */
const values: Record<string, readonly unknown[]> = {
  double: [...floating, 1.7976931348623157e308, 5e-324, "1.5", 5n],
  float: [...floating, 3.5e38, -3.5e38, "1.5", "NaN", "no number"],
  int32: [...int32, 2147483648, -2147483649, 1.5, Number.NaN, "7", "seven", 7n, true],
  sint32: [...int32, 2147483648, "7"],
  sfixed32: [...int32, 2147483648, "7"],
  uint32: [...uint32, -1, 4294967296, 1.5, "7"],
  fixed32: [...uint32, -1, 4294967296, "7"],
  int64: [...int64, 1n << 63n, -(1n << 63n) - 1n, 5, 1.5, "5", "-5", "", "five", "0x10"],
  sint64: [...int64, 1n << 63n, 5, "5"],
  sfixed64: [...int64, 1n << 63n, 5, "5"],
  uint64: [...uint64, -1n, 1n << 64n, 5, "5", "-5"],
  fixed64: [...uint64, -1n, 1n << 64n, 5, "5"],
  bool: [true, false, 0, 1, "true", ""],
  string: [...texts, 7, true, {}, Symbol.iterator],
  bytes: [
    new Uint8Array(0),
    new Uint8Array(1),
    new Uint8Array(300),
    Buffer.from("a buffer"),
    [1, 2],
    "text",
    7,
  ],
  colour: [0, 1, -1, 99, 1.5, "COLOUR_RED", 2147483648],
};

describe.each([
  ["without presence", ScalarsSchema],
  ["with presence", OptionalsSchema],
])("a scalar %s", (_presence, schema) => {
  test.each(
    Object.entries(values).flatMap(([name, list]) =>
      [...list, undefined, null].map(
        (value) => [name, String(Object.is(value, -0) ? "-0" : value).slice(0, 40), value] as const,
      ),
    ),
  )("of type %s and value %s is written and read as protobuf-es does", (name, _text, value) => {
    const bytes = sameBytes(schema, { [name]: value });
    if (bytes !== undefined) sameMessage(schema, bytes);
    const message = create(schema) as unknown as Record<string, unknown>;
    message[name] = value;
    sameBytes(schema, message);
  });
});

test.each([
  ["0"],
  ["00"],
  ["-0"],
  [""],
  ["7"],
  ["-7"],
  ["18446744073709551615"],
  ["x"],
  [7n],
  [7],
  [undefined],
  [null],
])("64 bits that are %p in JavaScript are written and read as protobuf-es does", (value) => {
  for (const field of ["int64Text", "fixed64Text"]) {
    const bytes = sameBytes(ScalarsSchema, { [field]: value });
    if (bytes !== undefined) sameMessage(ScalarsSchema, bytes);
    sameBytes(ScalarsSchema, { ...create(ScalarsSchema), [field]: value });
  }
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["an empty list", []],
  ["a text", "text"],
  ["an object", {}],
  ["a hole", [1, undefined, 2]],
  ["a long one", Array.from({ length: 5_000 }, (_, i) => i * 1_000)],
  ["one that is not a list of numbers", ["a", "b"]],
])("a list that is %s is written and read as protobuf-es does", (_what, value) => {
  for (const field of ["int32s", "looseInt32s", "doubles", "strings", "smalls"]) {
    const bytes = sameBytes(ListsSchema, { [field]: value });
    if (bytes !== undefined) sameMessage(ListsSchema, bytes);
    sameBytes(ListsSchema, { ...create(ListsSchema), [field]: value });
  }
});

test("a list is read packed and not packed, whatever the schema says, and in pieces", () => {
  // Field 5, packed: 1, 2; then 3 alone; then packed: 4. Field 102, which is not packed by the schema: 5 alone, 6 and 7 packed.
  const bytes = Uint8Array.of(0x2a, 2, 1, 2, 0x28, 3, 0x2a, 1, 4, 0xb0, 6, 5, 0xb2, 6, 2, 6, 7);
  expect(sameMessage(ListsSchema, bytes)).toMatchObject({ int32s: [1, 2, 3, 4], looseInt32s: [5, 6, 7] });
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["a text", "text"],
  ["a Map", new Map([["a", "b"]])],
  ["an entry without a value", { a: undefined }],
  ["a key that is not a number", { a: 1 }],
  ["a key with a fraction", { "1.5": 1 }],
  ["a key in another notation", { "0x1": 1 }],
  ["a key with an exponent", { "1e3": 1 }],
  ["a key below zero that is zero", { "-0": 1 }],
  ["an empty key", { "": 1 }],
  ["keys at the limits", { "2147483647": 1, "-2147483648": 2, "2147483648": 3 }],
  ["long values", { a: "x".repeat(200), b: "y" }],
  ["true and false", { true: 1, false: 2 }],
])("a map that is %s is written and read as protobuf-es does", (_what, value) => {
  for (const field of ["strings", "int32s", "int64s", "uint64s", "bools", "smalls", "maps"]) {
    const bytes = sameBytes(MapsSchema, { [field]: value });
    if (bytes !== undefined) sameMessage(MapsSchema, bytes);
    sameBytes(MapsSchema, { ...create(MapsSchema), [field]: value });
  }
});

test.each([
  ["without its key", [0x0a, 3, 0x12, 1, 0x61]],
  ["without its value", [0x0a, 3, 0x0a, 1, 0x61]],
  ["without both", [0x0a, 0]],
  ["with its value first", [0x0a, 6, 0x12, 1, 0x62, 0x0a, 1, 0x61]],
  ["with its key twice", [0x0a, 9, 0x0a, 1, 0x62, 0x0a, 1, 0x61, 0x12, 1, 0x63]],
  ["with a third field", [0x0a, 8, 0x0a, 1, 0x61, 0x12, 1, 0x62, 0x18, 1]],
  ["with the key __proto__", [0x0a, 14, 0x0a, 9, ...Buffer.from("__proto__"), 0x12, 1, 0x62]],
  ["cut", [0x0a, 6, 0x0a, 1, 0x61, 0x12]],
])("an entry of a map %s is read as protobuf-es does", (_what, bytes) => {
  sameMessage(MapsSchema, Uint8Array.from(bytes));
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["an empty one", { case: undefined }],
  ["one that is not in the schema", { case: "other one", value: 1 }],
  ["one without a value", { case: "number" }],
  ["a zero", { case: "number", value: 0 }],
  ["an empty text", { case: "text", value: "" }],
  ["a message", { case: "small", value: { text: "a" } }],
  ["a value that is not a message", { case: "small", value: 7 }],
  ["a wrapper", { case: "wrapped", value: { value: "a" } }],
  ["a text in place of the group", "number"],
])("a oneof with %s is written and read as protobuf-es does", (_what, choice) => {
  const bytes = sameBytes(ChoicesSchema, { before: 1, choice, between: "b" });
  if (bytes !== undefined) sameMessage(ChoicesSchema, bytes);
  sameBytes(ChoicesSchema, { ...create(ChoicesSchema), choice });
});

test("of a oneof the last member that comes is taken; a message that comes twice is merged", () => {
  const small = (number: number, text: string) => sameBytes(SmallSchema, { number, text })!;
  const field = (tag: number, bytes: Uint8Array) => [tag, bytes.length, ...bytes];
  const twice = [...field(0x3a, small(1, "")), ...field(0x3a, small(0, "a"))];
  expect(sameMessage(ChoicesSchema, Uint8Array.from(twice))).toMatchObject({
    choice: { case: "small", value: { number: 1, text: "a" } },
  });
  const replaced = [
    ...field(0x3a, small(1, "")),
    ...field(0x42, small(0, "b")),
    ...field(0x3a, small(0, "c")),
  ];
  expect(sameMessage(ChoicesSchema, Uint8Array.from(replaced))).toMatchObject({
    choice: { case: "small", value: { number: 0, text: "c" } },
  });
});

test.each([
  ["a message", create(SmallSchema, { number: 1 })],
  ["an object with fields", { number: 1 }],
  ["a message of another type", create(ChoicesSchema, { before: 1 })],
  ["an array", [1]],
  ["a number", 7],
  ["null", null],
])("a message inside a message, given as %s, is written as protobuf-es does", (_what, value) => {
  sameBytes(ListsSchema, { smalls: [value] });
  sameBytes(ListsSchema, { ...create(ListsSchema), smalls: [value] });
  sameBytes(TreeSchema, { child: value });
  sameBytes(TreeSchema, { ...create(TreeSchema), child: value });
});

test.each([1, 89, 90, 91, 99, 100, 101, 102, 5_000])(
  "messages %p deep are written and read as protobuf-es does",
  (depth) => {
    // From the inside: the length of what is there, before it.
    let bytes: number[] = [];
    for (let i = 0; i < depth; i++) {
      const { length } = bytes;
      const size = length < 0x80 ? [length] : length < 0x4000 ? [(length & 0x7f) | 0x80, length >> 7] : null;
      if (size === null) break;
      bytes = [0x12, ...size, ...bytes];
    }
    const message = sameMessage(TreeSchema, Uint8Array.from(bytes));
    if (message !== undefined) sameBytes(TreeSchema, message);
  },
);

test("a message that contains itself ends in an error", () => {
  const tree = create(TreeSchema, { name: "itself" });
  tree.child = tree;
  // Of protobuf-es, whose words depend on where the stack ended.
  expect(() => compileCodec(TreeSchema).serialize(tree)).toThrow("Maximum call stack size exceeded");
  expect(compileCodec(TreeSchema).direct.bound(tree)).toBe(-1);
});

test("what is required is asked for", () => {
  expect(sameBytes(RequiredSchema, { number: 1, text: "a", level: 2 })).toBeDefined();
  expect(sameBytes(RequiredSchema, { number: 1, text: "a" })).toBeUndefined();
  expect(sameBytes(SecondSchema, { required: { number: 1 } })).toBeUndefined();
  expect(sameBytes(EditionSchema, {})).toBeUndefined();
  expect(sameBytes(GroupedSchema, { part: { name: "a" } })).toBeDefined();
  expect(sameBytes(GroupedSchema, {})).toBeUndefined();
  expect(sameBytes(GroupedSchema, create(GroupedSchema))).toBeUndefined();
});

test("defaults of proto2 come from the prototype and are not sent", () => {
  const message = sameMessage(SecondSchema, new Uint8Array(0)) as { text: string; big: bigint };
  expect([message.text, message.big]).toEqual(["a text", -9n]);
  expect(sameBytes(SecondSchema, message)).toEqual(new Uint8Array(0));
  message.text = "a text";
  expect(sameBytes(SecondSchema, message)?.length).toBe(8);
});

test("an unknown value of a closed enum becomes an unknown field", () => {
  const message = sameMessage(SecondSchema, Uint8Array.of(0x30, 5, 0x78, 9, 0x38, 2, 0x38, 9));
  expect(sameBytes(SecondSchema, message!)).toBeDefined();
});

test("groups come and go", () => {
  const group = { part: { name: "in it" }, parts: [{ number: 1 }, { number: 2 }] };
  expect(sameMessage(SecondSchema, sameBytes(SecondSchema, group)!)).toMatchObject(group);
});

test("what protobuf-es holds in another form comes and goes", () => {
  const init = { struct: { a: [1, "b", null] }, stringValue: "bare", int64Value: 5n, text: "beside" };
  expect(sameMessage(WellKnownSchema, sameBytes(WellKnownSchema, init)!)).toMatchObject(init);
});

test.each([
  ["cut in a text", [0x12, 5, 0x61]],
  ["cut in a number", [0x08, 0x80]],
  ["with a number of eleven bytes", [0x08, ...new Array(10).fill(0x80), 1]],
  ["with a number of ten bytes", [0x08, ...new Array(9).fill(0xff), 1]],
  ["with a length above 32 bits", [0x12, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ["with a length at 32 bits", [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ["with field number 0", [0x00, 1]],
  ["with a tag of six bytes", [0x88, 0x80, 0x80, 0x80, 0x80, 0x00, 1]],
  ["with a tag above 32 bits", [0x88, 0x80, 0x80, 0x80, 0x1f, 1]],
  ["with a tag in more bytes than it needs", [0x88, 0x00, 7]],
  ["with an end of a group that was not begun", [0x0c]],
  ["with a group that does not end", [0x1b, 0x08, 1]],
  ["with wire type 6", [0x0e, 1]],
  ["with a text in the number's field", [0x0a, 1, 0x61]],
  ["with a number in the text's field", [0x10, 1]],
  ["with a text that is not UTF-8", [0x12, 2, 0xc3, 0x28]],
  ["with a text that is half a character", [0x12, 1, 0xc3]],
  ["with a text in too many bytes", [0x12, 2, 0xc1, 0x81]],
  ["with a surrogate", [0x12, 3, 0xed, 0xa0, 0x80]],
  ["with the number twice", [0x08, 1, 0x08, 2]],
])("bytes %s are read as protobuf-es does", (_what, bytes) => {
  sameMessage(SmallSchema, Uint8Array.from(bytes));
  // The same inside another message, whose end is not the input's.
  sameMessage(ListsSchema, Uint8Array.from([0xc2, 0x06, bytes.length, ...bytes, 0x28, 1]));
  sameMessage(EditionSchema, Uint8Array.from([0x2a, ...bytes.slice(1)]));
});

test("a message under a name that every object has is not merged into what that is", () => {
  // So that it is compiled when the other one comes to it.
  sameMessage(SmallSchema, Uint8Array.of(0x12, 1, 0x61));
  const inherited = Object.prototype.isPrototypeOf;
  // protobuf-es takes what each object has for the message, and fails.
  const { parse } = compileCodec(InheritedSchema);
  const twice = Uint8Array.of(0x0a, 3, 0x12, 1, 0x61, 0x0a, 2, 0x08, 7);
  expect(parse(twice)).toEqual(create(InheritedSchema, { isPrototypeOf: { number: 7, text: "a" } }));
  expect(parse(Uint8Array.of(0x0a, 0))).toEqual(create(InheritedSchema, { isPrototypeOf: {} }));
  sameBytes(InheritedSchema, create(InheritedSchema));
  sameBytes(InheritedSchema, { isPrototypeOf: { text: "a" } });
  expect(Object.keys(inherited)).toEqual([]);
});

test.each([
  ["two bytes", [0x8a, 0]],
  ["five bytes", [0x8a, 0x80, 0x80, 0x80, 0]],
  ["five bytes, above 32 bits", [0x8a, 0x80, 0x80, 0x80, 0x10]],
  ["six bytes", [0x8a, 0x80, 0x80, 0x80, 0x80, 0]],
  ["ten bytes", [0x8a, ...new Array(8).fill(0x80), 0]],
])("a map's entry whose key has a tag of %s is read as protobuf-es does", (_what, tag) => {
  const entry = [...tag, 1, 0x61, 0x12, 1, 0x62];
  sameMessage(MapsSchema, Uint8Array.of(0x0a, entry.length, ...entry));
  // A value, likewise.
  const other = [0x0a, 1, 0x61, tag[0]! + 8, ...tag.slice(1), 1, 0x62];
  sameMessage(MapsSchema, Uint8Array.of(0x0a, other.length, ...other));
});

test.each([
  ["messages", "smalls", { text: "x" }],
  ["messages that are made", "smalls", create(SmallSchema, { text: "x" })],
  ["texts", "strings", "x"],
  ["bytes", "uint64s", new Uint8Array(2)],
])(
  "a map of %s takes the key __proto__ as protobuf-es does, and a list in its place",
  (_what, name, value) => {
    const map = Object.fromEntries([
      ["__proto__", value],
      ["1", value],
    ]);
    sameBytes(MapsSchema, { [name]: map });
    sameBytes(MapsSchema, { ...create(MapsSchema), [name]: map });
    sameBytes(MapsSchema, { [name]: [value] });
    sameBytes(MapsSchema, { ...create(MapsSchema), [name]: [value] });
  },
);

test("lists with places that hold nothing are treated as protobuf-es does", () => {
  sameBytes(WellKnownSchema, { structs: new Array(2) });
  sameBytes(SecondSchema, { parts: new Array(2) });
  sameBytes(ListsSchema, { smalls: new Array(2), int32s: new Array(2) });
});

test.each([[undefined], [null], ["a text"], [{}], [{ case: "struct", value: { a: 1 } }]])(
  "a oneof of only a Struct, given as %p",
  (only) => {
    sameBytes(LoneSchema, { only });
    sameBytes(LoneSchema, { ...create(LoneSchema), only });
  },
);
