// SPDX-License-Identifier: Apache-2.0
// Entries of maps, as the encoding guide has them (protobuf.dev/programming-guides/encoding#maps): an entry is a message with a key and
// a value. protobuf-es 2.13 reads them otherwise (protobuf-es#1542).
// Mutant: codec/src/decode/field-decoder.ts # else decoder.readDelimitedInto(value as Building, b, stop); => else value = decoder.readDelimited(b, stop);
// Mutant: codec/src/decode/field-decoder.ts # else if (tag !== valueTag) skip(tag, b, stop); => else if (tag !== valueTag) throw needsFallback;
// Mutant: codec/src/decode/field-decoder.ts # if (!known.has(value)) throw needsFallback;
// Mutant: codec/src/decode/field-decoder.ts # const readValue = knownValue(field); => const readValue = valueDecoder(field);
// Mutant: codec/src/fallback/parse-binary.ts # value = this.value(field, value as ReflectMessage | undefined); => value = this.value(field, undefined);
// Mutant: codec/src/fallback/parse-binary.ts # if (reader.pos > end) throw new RangeError("premature EOF");
// Mutant: codec/src/fallback/parse-binary.ts # if (no === 1 && wireType === wireTypeOf(field.mapKey)) { => if (no === 1) {
// Mutant: codec/src/fallback/parse-binary.ts # if (field === undefined || (field.fieldKind === "map" && wireType !== WireType.LengthDelimited)) { => if (field === undefined) {
// Mutant: codec/src/shape/map-key.ts # Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
import { create, type DescMessage, type fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { describe, expect, jest, test } from "@jest/globals";
import { compileCodec, parseBinary } from "../src/index.js";
import { MapsSchema, SmallSchema, TreeSchema } from "./gen/three_pb.js";
import { SecondSchema } from "./gen/two_pb.js";

const hex = (bytes: string): Uint8Array => Uint8Array.from(Buffer.from(bytes.replaceAll(" ", ""), "hex"));

/** The bytes of a message with one entry in its field `no`. */
function entry(no: number, text: string): Uint8Array {
  const bytes = hex(text);
  const tag = no * 8 + 2;
  return Uint8Array.of(...(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]), bytes.length, ...bytes);
}

/** Both parsers: the compiled one, and the one that it turns to for what it doesn't know. */
const parsers = [
  { name: "compiled", parse: (desc: DescMessage, b: Uint8Array) => compileCodec(desc).parse(b) },
  { name: "slow", parse: (desc: DescMessage, b: Uint8Array) => parseBinary(desc, b) },
];

/** Field numbers of the maps. */
const strings = 1;
const smalls = 13;
const levels = 13;
const named = 4;

describe.each(parsers)("the $name parser", ({ parse }) => {
  const map = (desc: DescMessage, name: string, b: Uint8Array): unknown =>
    (parse(desc, b) as unknown as Record<string, unknown>)[name];
  const small = (init: { number?: number; text?: string }) => create(SmallSchema, init);

  test.each([
    ["key and value", "0a016b 12020807", { k: small({ number: 7 }) }],
    ["the value before the key", "12020807 0a016b", { k: small({ number: 7 }) }],
    ["no key", "12020807", { "": small({ number: 7 }) }],
    ["no value", "0a016b", { k: small({}) }],
    ["nothing", "", { "": small({}) }],
    ["the key twice", "0a016b 12020807 0a016c", { l: small({ number: 7 }) }],
    [
      "the value twice, which is merged",
      "0a016b 12020807 1203120161",
      { k: small({ number: 7, text: "a" }) },
    ],
    [
      "the value twice, and the key between",
      "12020807 0a016b 1203120161",
      { k: small({ number: 7, text: "a" }) },
    ],
    ["an empty value behind a value", "0a016b 12020807 1200", { k: small({ number: 7 }) }],
    ["an unknown varint", "0a016b 18960112020807", { k: small({ number: 7 }) }],
    ["an unknown field with a length", "1a01ff 0a016b 12020807", { k: small({ number: 7 }) }],
    [
      "unknown fields of four and eight bytes",
      "0a016b 1d01020304 210102030405060708 12020807",
      { k: small({ number: 7 }) },
    ],
    ["an unknown group", "0a016b 1b 0801 120161 1c 12020807", { k: small({ number: 7 }) }],
    ["an unknown group in a group", "0a016b 1b 23 0801 24 1c 12020807", { k: small({ number: 7 }) }],
    [
      "an unknown field with a number of three bytes",
      "0a016b 828001 0161 12020807",
      { k: small({ number: 7 }) },
    ],
    ["a key of another wire type, which is skipped", "0a016b 0805 12020807", { k: small({ number: 7 }) }],
    ["a value of another wire type, which is skipped", "0a016b 1005 12020807", { k: small({ number: 7 }) }],
    [
      "a group in the value's place, which is skipped",
      "0a016b 13 0809 14 12020807",
      { k: small({ number: 7 }) },
    ],
    [
      "an unknown field in the value",
      "0a016b 1204 1801 0807",
      { k: { ...small({ number: 7 }), $unknown: [{ no: 3, wireType: 0, data: Uint8Array.of(1) }] } },
    ],
  ])("reads an entry with %s", (_what, bytes, expected) => {
    expect(map(MapsSchema, "smalls", entry(smalls, bytes))).toEqual(expected);
  });

  test("takes the last of two entries of one key, and merges nothing", () => {
    const b = Buffer.concat([entry(smalls, "0a016b 12020807"), entry(smalls, "0a016b 1203120161")]);
    expect(map(MapsSchema, "smalls", b)).toEqual({ k: small({ text: "a" }) });
  });

  test.each([
    ["the value twice: the last one", "0a016b 120161 120162", { k: "b" }],
    ["no value", "0a016b", { k: "" }],
    ["an unknown field", "0a016b 1a0163 120161", { k: "a" }],
  ])("reads an entry of texts with %s", (_what, bytes, expected) => {
    expect(map(MapsSchema, "strings", entry(strings, bytes))).toEqual(expected);
  });

  test("merges at any depth", () => {
    // named: { k: child: name "a" } and named: { k: child: children [{}] } in one entry.
    const b = entry(named, "0a016b 12051203 0a0161 1204 12021a00");
    expect(map(TreeSchema, "named", b)).toEqual({
      k: create(TreeSchema, { child: { name: "a", children: [{}] } }),
    });
  });

  test("puts an entry whose value a closed enum doesn't know among the unknown fields, as it came", () => {
    const b = Buffer.concat([
      entry(levels, "0a016b 1007"),
      entry(levels, "0a016c 1005"),
      // Another unknown field, and a group.
      hex("c00c01 5b 0a0161 5c"),
    ]);
    const second = parse(SecondSchema, b) as ReturnType<typeof fromBinary<typeof SecondSchema>>;
    expect(second.levelMap).toEqual({ k: 7 });
    expect(second.part?.name).toBe("a");
    expect(second.$unknown).toEqual([
      { no: levels, wireType: 2, data: hex("05 0a016c 1005") },
      { no: 200, wireType: 0, data: Uint8Array.of(1) },
    ]);
    // A peer that knows the value still gets it.
    const sent = Buffer.from(compileCodec(SecondSchema).serialize(second));
    expect(sent.includes(Buffer.from("6a050a016c1005", "hex"))).toBe(true);
    expect(Buffer.from(toBinary(SecondSchema, second)).includes(Buffer.from("6a050a016c1005", "hex"))).toBe(
      true,
    );
  });

  test("takes the last value of a closed enum for the entry's", () => {
    expect(map(SecondSchema, "levelMap", entry(levels, "0a016b 1005 1007"))).toEqual({ k: 7 });
    expect(map(SecondSchema, "levelMap", entry(levels, "0a016b 1007 1005"))).toEqual({});
  });

  test("keeps an unknown number of a closed enum beside other unknown fields", () => {
    const message = parse(SecondSchema, hex("3005 c00c01")) as { $unknown?: unknown };
    expect(message.$unknown).toEqual([
      { no: 6, wireType: 0, data: Uint8Array.of(5) },
      { no: 200, wireType: 0, data: Uint8Array.of(1) },
    ]);
  });

  test("takes a map's field of another wire type for an unknown one", () => {
    const message = parse(MapsSchema, hex("0807 0a06 0a016b 120161")) as ReturnType<
      typeof fromBinary<typeof MapsSchema>
    >;
    expect(message.strings).toEqual({ k: "a" });
    expect(message.$unknown).toEqual([{ no: 1, wireType: 0, data: Uint8Array.of(7) }]);
  });

  test.each(["__proto__", "constructor", "hasOwnProperty", "toString"])(
    "has an entry of the key %s",
    (key) => {
      const bytes = Buffer.from(key);
      const parsed = map(
        MapsSchema,
        "strings",
        entry(strings, `0a${bytes.length.toString(16).padStart(2, "0")}${bytes.toString("hex")} 120161`),
      ) as object;
      expect(Object.entries(parsed)).toEqual([[key, "a"]]);
      expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
      const values = map(
        MapsSchema,
        "smalls",
        entry(smalls, `0a${bytes.length.toString(16).padStart(2, "0")}${bytes.toString("hex")} 12020807`),
      ) as object;
      expect(Object.entries(values)).toEqual([[key, small({ number: 7 })]]);
      expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
    },
  );

  test.each([
    ["that ends behind its message", "0a026b"],
    ["whose value ends behind the entry", "0a016b 1205 0807"],
    ["whose unknown field ends behind the entry", "0a016b 1a05 63"],
    ["with the field number 0", "0a016b 0001"],
    ["with wire type 7", "0a016b 1f"],
    ["with an end of a group alone", "0a016b 1c"],
    ["with a group that doesn't end in it", "0a016b 1b"],
  ])("refuses an entry %s", (_what, bytes) => {
    // More bytes behind it: they are not the entry's.
    const b = Buffer.concat([entry(smalls, bytes), entry(smalls, "0a016b 12020807")]);
    expect(() => parse(MapsSchema, b)).toThrow();
  });
});

test("a message that the compiled parser leaves to the slow one has its entries right too", () => {
  const group = hex("5b 0a0161 5c");
  const b = Buffer.concat([group, entry(18, "0a016b 120161 1a0163 120162")]);
  expect(compileCodec(SecondSchema).parse(b)).toMatchObject({ part: { name: "a" }, textMap: { k: "b" } });
});

test("entries with unknown fields, and with a value twice, are read by compiled code", () => {
  // The slow parser reads tags by it.
  const tag = jest.spyOn(BinaryReader.prototype, "tag");
  try {
    const b = entry(smalls, "0a016b 12020807 1a0163 1203120161");
    expect(compileCodec(MapsSchema).parse(b).smalls).toEqual({
      k: create(SmallSchema, { number: 7, text: "a" }),
    });
    expect(tag).not.toHaveBeenCalled();
    parseBinary(MapsSchema, b);
    expect(tag).toHaveBeenCalled();
  } finally {
    tag.mockRestore();
  }
});
