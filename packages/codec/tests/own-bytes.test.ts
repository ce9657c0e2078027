// SPDX-License-Identifier: Apache-2.0
// A message owns its bytes: transferring some takes nothing from anybody else, keeping some keeps nothing else.
// Mutant: codec/src/shape/own-bytes.ts # return new Uint8Array(view); => return view as Uint8Array<ArrayBuffer>;
// Mutant: codec/src/shape/own-bytes.ts # && length * 2 > b.buffer.byteLength) { => ) {
// Mutant: codec/src/shape/own-bytes.ts # input.owned && => true &&
// Mutant: codec/src/wire/text.ts # input.owned = owned;
// Mutant: codec/src/fallback/parse-binary.ts # return this.buf.slice(start, this.pos) as => return this.buf.subarray(start, this.pos) as
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { configureTextEncoding, getTextEncoding } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { compileCodec, parseBinary } from "../src/index.js";
import {
  ChoicesSchema,
  ListsSchema,
  MapsSchema,
  ScalarsSchema,
  SmallSchema,
  WellKnownSchema,
} from "./gen/three_pb.js";
import { SecondSchema } from "./gen/two_pb.js";

/** All arrays in a message. */
function arraysOf(value: unknown, found: Uint8Array[] = []): Uint8Array[] {
  if (value instanceof Uint8Array) found.push(value);
  else if (typeof value === "object" && value !== null)
    for (const part of Object.values(value)) arraysOf(part, found);
  return found;
}

const bytes = (length: number, first = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => first + i);
const extension = (length: number): Uint8Array => Uint8Array.of(0xa2, 0x06, length, ...bytes(length));

const rows: readonly (readonly [string, DescMessage, Uint8Array])[] = [16, 100].flatMap((n) => {
  const row = (what: string, desc: DescMessage, init: object) =>
    [`${what} of ${n}`, desc, toBinary(desc, create(desc, init as never))] as const;
  const b = bytes(n);
  return [
    row("a field", ScalarsSchema, { bytes: b, string: "a" }),
    row("a list", ListsSchema, { bytes: [b, bytes(n, 5)] }),
    row("values of a map", MapsSchema, { uint64s: { 1: b, 2: bytes(n, 7) } }),
    row("a oneof", ChoicesSchema, { choice: { case: "data", value: b } }),
    row("a wrapper", WellKnownSchema, { bytesValue: b }),
    row("an Any", WellKnownSchema, { any: create(AnySchema, { typeUrl: "a/b", value: b }) }),
    row("a message with a Struct", WellKnownSchema, { bytesValue: b, struct: { a: 1 } }),
    row("a message with a group", SecondSchema, { data: b, part: { name: "a" } }),
    [
      `an unknown field of ${n}`,
      SmallSchema,
      toBinary(ScalarsSchema, create(ScalarsSchema, { bytes: b })),
    ] as const,
    [`an extension of ${n}`, SecondSchema, extension(n)] as const,
    [
      `an unknown field of ${n}, and a group`,
      SecondSchema,
      Uint8Array.of(0x5b, 0x5c, ...extension(n)),
    ] as const,
  ];
});

describe.each([
  {
    name: "the compiled codec",
    parse: (desc: DescMessage, b: Uint8Array, s: number, e: number) => compileCodec(desc).parse(b, s, e),
  },
  {
    name: "parseBinary",
    parse: (desc: DescMessage, b: Uint8Array, s: number, e: number) => parseBinary(desc, b.subarray(s, e)),
  },
])("of $name, bytes in", ({ parse }) => {
  test.each(rows)("%s belong to the message alone", (_what, desc, bytes) => {
    for (const make of [(n: number) => new Uint8Array(n), (n: number) => Buffer.alloc(n)]) {
      const chunk = make(bytes.length + 60_000);
      chunk.set(bytes, 100);
      const message = parse(desc, chunk, 100, 100 + bytes.length);
      const other = parse(desc, chunk, 100, 100 + bytes.length);
      const arrays = arraysOf(message).filter((array) => array.length > 0);
      expect(arrays.length).toBeGreaterThan(0);
      for (const array of arrays) {
        expect(array.constructor).toBe(Uint8Array);
        // The first 64 bytes may lie in V8's heap until `buffer` is read.
        expect(array.buffer.byteLength).toBe(array.byteLength);
      }
      const expected = structuredClone(other);
      structuredClone(arrays, { transfer: arrays.map((array) => array.buffer as ArrayBuffer) });
      expect(other).toEqual(expected);
      expect(chunk.buffer.byteLength).toBe(chunk.length);
      chunk.fill(0);
      expect(other).toEqual(expected);
    }
  });
});

const large = bytes(100_000);
const whole = (init: object, desc: DescMessage = ScalarsSchema): Uint8Array =>
  new Uint8Array(toBinary(desc, create(desc, init as never)));

test("large bytes stay in a buffer that belongs to their message, if they are more than half of it", () => {
  const { parse } = compileCodec(ScalarsSchema);
  const b = whole({ bytes: large });
  const { bytes } = parse(b, 0, b.length, true);
  expect(bytes).toEqual(large);
  expect(bytes.buffer).toBe(b.buffer);
  const half = whole({ bytes: large, string: "x".repeat(100_001) });
  expect(parse(half, 0, half.length, true).bytes.buffer.byteLength).toBe(large.length);
});

test("small bytes are copies, whomever the buffer belongs to", () => {
  const b = whole({ bytes: bytes(4000) });
  expect(compileCodec(ScalarsSchema).parse(b, 0, b.length, true).bytes.buffer.byteLength).toBe(4000);
});

test("bytes of which two are in a message are not in one buffer", () => {
  const b = whole({ bytes: [large, large] }, ListsSchema);
  const [first, second] = (
    compileCodec(ListsSchema).parse(b, 0, b.length, true) as MessageShape<typeof ListsSchema>
  ).bytes;
  expect(first!.buffer).not.toBe(second!.buffer);
});

test("a buffer stays its owner's unless it is given away", () => {
  const { parse } = compileCodec(ScalarsSchema);
  const b = whole({ bytes: large });
  const first = parse(b);
  const second = parse(b, 0, b.length, false);
  for (const { bytes } of [first, second]) expect(bytes.buffer).not.toBe(b.buffer);
  // The choice for an earlier message has no effect on this one.
  const given = whole({ bytes: large });
  parse(given, 0, given.length, true);
  expect(parse(b).bytes.buffer).not.toBe(b.buffer);
});

test("a text encoding that parses changes nothing of whom the buffer belongs to", () => {
  const { parse } = compileCodec(ScalarsSchema);
  const before = getTextEncoding();
  const b = whole({ string: "é", bytes: large });
  configureTextEncoding({
    ...before,
    decodeUtf8(text, strict) {
      const own = new Uint8Array(0);
      parse(own, 0, 0, true);
      return before.decodeUtf8(text, strict);
    },
  });
  try {
    expect(parse(b).bytes.buffer).not.toBe(b.buffer);
  } finally {
    configureTextEncoding(before);
  }
});
