// SPDX-License-Identifier: Apache-2.0
// Mutant: codec/src/wire/varint.ts # if (needed !== width) b.copyWithin(at + needed, start, end);
// Mutant: codec/src/wire/text.ts # if (read !== units) throw needsFallback;
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { configureTextEncoding, getTextEncoding } from "@bufbuild/protobuf/wire";
import { expect, test } from "@jest/globals";
import { compileCodec } from "../src/index.js";
import { EditionSchema } from "./gen/editions_pb.js";
import {
  ChoicesSchema,
  file_three,
  ListsSchema,
  MapsSchema,
  ScalarsSchema,
  SmallSchema,
  TreeSchema,
  WellKnownSchema,
} from "./gen/three_pb.js";
import { LevelSchema, RequiredSchema, SecondSchema } from "./gen/two_pb.js";

/** Counts how often protobuf-es turns bytes into a text: it does for every text that it reads. */
function countDecodedTexts(work: () => void): number {
  const before = getTextEncoding();
  let count = 0;
  configureTextEncoding({
    ...before,
    decodeUtf8(bytes, strict) {
      count++;
      return before.decodeUtf8(bytes, strict);
    },
  });
  try {
    work();
  } finally {
    configureTextEncoding(before);
  }
  return count;
}

const messages: readonly (readonly [string, DescMessage, object])[] = [
  ["scalars", ScalarsSchema, { string: "a text", int32: -1, uint64: 1n << 63n, int64Text: "5", far: "b" }],
  ["lists", ListsSchema, { strings: ["a", "b"], doubles: [1.5], smalls: [{ text: "c" }] }],
  [
    "maps",
    MapsSchema,
    { strings: { a: "b" }, uint64s: { 7: new Uint8Array(2) }, maps: { 1: { bools: { true: 1 } } } },
  ],
  ["a oneof", ChoicesSchema, { choice: { case: "small", value: { text: "d" } } }],
  [
    "messages inside each other",
    TreeSchema,
    { name: "a", child: { name: "b" }, named: { c: { name: "d" } } },
  ],
  ["proto2", SecondSchema, { text: "a", level: 2, required: { number: 1, text: "b", level: 7 } }],
  ["required fields", RequiredSchema, { number: 1, text: "b", level: 7 }],
  [
    "wrappers",
    WellKnownSchema,
    { stringValue: "a", int64Value: 5n, boolValue: false, bytesValue: new Uint8Array(3), text: "b" },
  ],
  ["an edition", EditionSchema, { required: "a", unchecked: "b", inner: { number: 5n } }],
];

test.each(messages)("%s are written and read by compiled code, not by protobuf-es", (_what, desc, init) => {
  const { direct, serialize, parse } = compileCodec(desc);
  const expected = toBinary(desc, create(desc, init as never));
  const bound = direct.bound(init as never);
  expect(bound).toBeGreaterThanOrEqual(expected.length);
  expect(direct.write(init as never, new Uint8Array(bound), 0)).toBe(expected.length);
  expect(serialize(init as never)).toEqual(expected);
  const texts = countDecodedTexts(() => parse(expected, 0, expected.length));
  expect(texts).toBe(0);
});

test("what is unknown to a type is read and written by compiled code", () => {
  const bytes = toBinary(
    ScalarsSchema,
    create(ScalarsSchema, { far: "a", sint64: 5n, fixed32: 7, fixed64: 9n }),
  );
  const { direct, parse } = compileCodec(SmallSchema);
  let message: object = {};
  expect(countDecodedTexts(() => (message = parse(bytes, 0, bytes.length)))).toBe(0);
  expect(message).toHaveProperty("$unknown.length", 4);
  const bound = direct.bound(message as never);
  expect(direct.write(message as never, new Uint8Array(bound), 0)).toBe(bytes.length);
});

test("a codec is made once", () => {
  expect(compileCodec(SmallSchema)).toBe(compileCodec(SmallSchema));
});

const other = create(ScalarsSchema);
test.each<[string, DescMessage, unknown]>([
  ["a text in a number's place", SmallSchema, { number: "a" }],
  ["a number in a text's place", SmallSchema, { text: 7 }],
  ["a number", SmallSchema, 7],
  ["a text", SmallSchema, "x"],
  ["an array", SmallSchema, []],
  ["null", SmallSchema, null],
  ["a message of another type", SmallSchema, other],
  ["a group", SecondSchema, { part: { name: "a" } }],
  ["a Struct", WellKnownSchema, { struct: { a: 1 } }],
])("%s can't be written in place: that is told, whether bound was asked or not", (_what, desc, message) => {
  const { direct } = compileCodec(desc);
  expect(direct.write(message as never, new Uint8Array(100), 0)).toBe(-1);
  // A number's type is checked when it is written.
  const hasNumber = Boolean((message as { number?: unknown } | null)?.number);
  expect(direct.bound(message as never) === -1).toBe(!hasNumber);
});

test("bytes that are not there are refused, and all of them are taken by default", () => {
  const { parse, serialize } = compileCodec(SmallSchema);
  const bytes = serialize({ text: "a secret" });
  const view = new Uint8Array(bytes.buffer, 0, 5);
  for (const range of [
    [0, 6],
    [-1, 2],
    [3, 2],
    [0, Number.NaN],
  ] as const) {
    const [start, end] = range;
    expect(() => parse(view, start, end)).toThrow(
      new RangeError(`bytes ${start} to ${end} are not in an array of 5`),
    );
  }
  expect(parse(bytes)).toMatchObject({ text: "a secret" });
  expect(parse(Buffer.concat([new Uint8Array(2), bytes]), 2)).toMatchObject({ text: "a secret" });
  expect(() => parse("bytes" as never)).toThrow(new TypeError("bytes of type string: give a Uint8Array"));
  expect(() => parse("bytes" as never, 0, 3)).toThrow(TypeError);
  expect(() => parse(new ArrayBuffer(3) as never)).toThrow(
    new TypeError("bytes of type object: give a Uint8Array"),
  );
  expect(() => parse(undefined as never, 0, 0)).toThrow(TypeError);
});

test.each<[unknown, string]>([
  [undefined, "schema of type undefined"],
  ["x", "schema of type string"],
  [file_three, "schema of type object"],
  [LevelSchema, 'schema of "tristream.codec.test.Level"'],
])("%s is not a schema", (schema, what) => {
  expect(() => compileCodec(schema as never)).toThrow(
    new TypeError(`${what} is not the schema of a message: give one as protoc-gen-es makes it`),
  );
});

test("a message that grows between bound and write is not taken for written, and the offset tells where there was room", () => {
  const { direct } = compileCodec(SmallSchema);
  let reads = 0;
  const growing = {
    get text() {
      return "x".repeat(++reads === 1 ? 1 : 60);
    },
  };
  const bound = direct.bound(growing);
  expect(direct.write(growing, new Uint8Array(bound), 0)).toBe(-1);
  expect(direct.write(growing, new Uint8Array(200), 0)).toBeGreaterThan(bound);
});

test("lengths that take another number of bytes than the last one did are put right", () => {
  const { serialize, parse } = compileCodec(ListsSchema);
  for (const size of [1, 300, 1, 20_000, 5, 127, 128, 16_383, 16_384, 1]) {
    const init = {
      smalls: [{ text: "x".repeat(size) }],
      int32s: new Array(size).fill(1),
      strings: ["y".repeat(size)],
    };
    const bytes = serialize(init);
    expect(bytes).toEqual(toBinary(ListsSchema, create(ListsSchema, init)));
    expect(parse(bytes, 0, bytes.length)).toEqual(create(ListsSchema, init));
  }
});

test("bytes of earlier messages stay as they are", () => {
  const { serialize } = compileCodec(SmallSchema);
  const first = serialize({ text: "first" });
  const copy = first.slice();
  serialize({ text: "second" });
  expect(first).toEqual(copy);
  expect(first.buffer.byteLength).toBe(first.length);
});

test("a message of megabytes comes and goes", () => {
  const { serialize, parse } = compileCodec(SmallSchema);
  for (const text of ["x".repeat(3_000_000), "中".repeat(2_000_000), "x".repeat(8_000_000)]) {
    const bytes = serialize({ number: 1, text });
    expect(bytes.length).toBe(Buffer.byteLength(text) + 7 - (bytes.length < 2 ** 21 ? 1 : 0));
    expect(parse(bytes, 0, bytes.length)).toMatchObject({ number: 1, text });
  }
});

test("-0 without presence falls back to protobuf-es, whose older versions leave it out", () => {
  const { direct, serialize } = compileCodec(ScalarsSchema);
  for (const init of [{ double: -0 }, { float: -0 }]) {
    expect(direct.write(init, new Uint8Array(direct.bound(init)), 0)).toBe(-1);
    expect(serialize(init)).toEqual(toBinary(ScalarsSchema, create(ScalarsSchema, init)));
  }
});

test("a getter that serialises changes nothing of the message that it is in", () => {
  const { serialize } = compileCodec(SmallSchema);
  const outer = {
    number: 7,
    get text() {
      return String(serialize({ number: 99, text: "within" }).length);
    },
  };
  const expected = toBinary(SmallSchema, create(SmallSchema, { number: 7, text: "10" }));
  expect(serialize(outer)).toEqual(expected);
  expect(serialize(outer)).toEqual(expected);
});

test("a list whose items come while such a list is serialised is whole", () => {
  const { direct, serialize } = compileCodec(ListsSchema);
  serialize({ int32s: [1] });
  const int32s = new Proxy([1, 2], {
    get(list, name) {
      if (name === "1") serialize({ int32s: new Array(300).fill(1) });
      return Reflect.get(list, name) as unknown;
    },
  });
  const buffer = new Uint8Array(direct.bound({ int32s }));
  expect(buffer.slice(0, direct.write({ int32s }, buffer, 0))).toEqual(Uint8Array.of(0x2a, 2, 1, 2));
});

test("a list that grows while it is serialised is whole", () => {
  let reads = 0;
  const growing = {
    get int32s() {
      return new Array<number>(++reads === 1 ? 1 : 1_500_000).fill(1);
    },
  };
  const { serialize, parse } = compileCodec(ListsSchema);
  const bytes = serialize(growing);
  expect(parse(bytes, 0, bytes.length).int32s.length).toBe(1_500_000);
});

test("a text encoding that parses changes nothing of the message that it is asked for", () => {
  const { parse } = compileCodec(TreeSchema);
  const bytes = toBinary(
    TreeSchema,
    create(TreeSchema, { child: { name: "é", child: { name: "ß" } }, name: "中" }),
  );
  const before = getTextEncoding();
  let calls = 0;
  configureTextEncoding({
    ...before,
    decodeUtf8(bytes, strict) {
      if (++calls > 10) throw new Error("read again and again");
      parse(new Uint8Array(0), 0, 0);
      return before.decodeUtf8(bytes, strict);
    },
  });
  try {
    expect(parse(bytes, 0, bytes.length)).toMatchObject({
      name: "中",
      child: { name: "é", child: { name: "ß" } },
    });
    expect(calls).toBe(3);
  } finally {
    configureTextEncoding(before);
  }
});
