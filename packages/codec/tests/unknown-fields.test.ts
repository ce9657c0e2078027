// SPDX-License-Identifier: Apache-2.0
// Unknown fields are kept as one slice of bytes; their objects are made when `$unknown` is read.
// Mutant: codec/src/shape/unknown-fields.ts # if (Object.isExtensible(this)) become(this, list);
// Mutant: codec/src/shape/unknown-fields.ts # return own ? fields.slice : undefined; => return fields.slice;
// Mutant: codec/src/shape/unknown-fields.ts # return this.made === null ? => return true ?
// Mutant: codec/src/shape/unknown-fields.ts # Math.max(needed, this.length * 2) => needed
// Mutant: codec/src/shape/unknown-fields.ts # data: new Uint8Array(reader.skip( => data: (reader.skip(
// Mutant: codec/src/decode/message-decoder.ts # if (unknown !== null) setUnknownFields(message, unknown);
// Mutant: codec/src/encode/message-encoder.ts # b.set(slice, at);
import {
  clone,
  create,
  createRegistry,
  type DescMessage,
  equals,
  fromBinary,
  getExtension,
  hasExtension,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { compileCodec, parseBinary } from "../src/index.js";
import { OlderSchema, SmallSchema, TreeSchema } from "./gen/three_pb.js";
import { extra, SecondSchema } from "./gen/two_pb.js";

const hex = (bytes: string): Uint8Array => Uint8Array.from(Buffer.from(bytes.replaceAll(" ", ""), "hex"));

/** A number that is known, and unknown fields of each wire type before and behind it; one has its tag in two bytes. */
const bytes = hex("f80105 0807 f90101020304 05060708 fa0103 616263 fd0101020304 fb01 0801 fc01 a00101");

const parsers = [
  { name: "compiled", parse: (desc: DescMessage, b: Uint8Array) => compileCodec(desc).parse(b) },
  { name: "slow", parse: (desc: DescMessage, b: Uint8Array) => parseBinary(desc, b) },
];

type Parsed = Record<string, unknown>;

describe.each(parsers)("unknown fields that the $name parser has kept", ({ parse }) => {
  const parsed = (b = bytes, desc: DescMessage = SmallSchema): Parsed => parse(desc, b) as unknown as Parsed;
  const expected = fromBinary(SmallSchema, bytes);

  test("are those of protobuf-es, the same objects at each look", () => {
    const message = parsed();
    expect(Object.keys(message)).toEqual(Object.keys(expected));
    expect(message).toEqual(expected);
    expect(message["$unknown"]).toBe(message["$unknown"]);
    expect(Object.getOwnPropertyDescriptor(message, "$unknown")).toMatchObject({
      writable: true,
      enumerable: true,
      configurable: true,
    });
  });

  test("are written back as they came, by both codecs, before and after a look", () => {
    const again = toBinary(SmallSchema, expected);
    const message = parsed();
    expect(compileCodec(SmallSchema).serialize(message)).toEqual(again);
    expect(toBinary(SmallSchema, message as never)).toEqual(again);
    expect(compileCodec(SmallSchema).serialize(message)).toEqual(again);
  });

  test("can be changed, set, deleted and defined", () => {
    const { serialize } = compileCodec(SmallSchema);
    const one = { no: 40, wireType: 0, data: Uint8Array.of(1) };
    const less = fromBinary(SmallSchema, hex("0807 c00201"));
    const cut = parsed();
    (cut["$unknown"] as unknown[]).splice(0, 6, one);
    const set = parsed();
    set["$unknown"] = [one];
    const defined = parsed();
    delete defined["$unknown"];
    expect(serialize(defined)).toEqual(hex("0807"));
    defined["$unknown"] = [one];
    for (const message of [cut, set, defined]) {
      expect(message).toEqual(less);
      expect(serialize(message)).toEqual(hex("0807 c00201"));
    }
  });

  test("go with every kind of copy", () => {
    const copies = [
      clone(SmallSchema, parsed() as never),
      { ...parsed() },
      Object.assign({}, parsed()),
      structuredClone(parsed()),
      create(SmallSchema, parsed() as never),
    ];
    for (const copy of copies) {
      expect(copy).toEqual(expected);
      expect(Object.getOwnPropertySymbols({ ...copy })).toEqual([]);
      expect(
        equals(SmallSchema, copy as never, parsed() as never, { unknown: true, registry: createRegistry() }),
      ).toBe(true);
    }
  });

  test("can be read of a frozen message, and not set", () => {
    const message: Parsed = Object.freeze(parsed());
    expect(message).toEqual(expected);
    expect(() => {
      message["$unknown"] = [];
    }).toThrow(TypeError);
    expect(compileCodec(SmallSchema).serialize(message)).toEqual(toBinary(SmallSchema, expected));
  });

  test("are extensions of protobuf-es", () => {
    const b = hex("a206 0161");
    const message = parse(SecondSchema, b) as never;
    expect(hasExtension(message, extra)).toBe(true);
    expect(getExtension(message, extra)).toBe("a");
    const other = parse(SecondSchema, b) as never;
    setExtension(other, extra, "b");
    expect(compileCodec(SecondSchema).serialize(other)).toEqual(hex("a206 0162"));
  });

  test("own their bytes, which keep no others", () => {
    const list = parsed()["$unknown"] as { data: Uint8Array }[];
    for (const { data } of list) expect(data.buffer.byteLength).toBe(data.length);
  });

  test("take a few bytes each, in one message or in a message that is merged of thousands", () => {
    const count = 100_000;
    const many = Buffer.concat(Array.from({ length: count }, () => hex("f801 05")));
    const merged = Buffer.concat(Array.from({ length: count }, () => hex("1203 f801 05")));
    for (const [desc, b] of [
      [OlderSchema, many],
      [TreeSchema, merged],
    ] as const) {
      const before = process.memoryUsage();
      const message = parse(desc, b);
      const after = process.memoryUsage();
      expect(Object.keys(message)).toContain("$typeName");
      // As objects they took 20 MB.
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(4_000_000);
    }
  });
});
