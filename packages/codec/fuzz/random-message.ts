// SPDX-License-Identifier: Apache-2.0
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { Random } from "./random.js";

type Init = Record<string, unknown>;

const int32s = [0, 1, -1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456];
const signed = [...int32s, 2_147_483_647, -2_147_483_648, -128];
const unsigned = [...int32s.filter((n) => n >= 0), 2_147_483_648, 4_294_967_295];
const big = [0n, 1n, 127n, 128n, 1n << 31n, (1n << 32n) - 1n, 1n << 32n, 1n << 35n, (1n << 53n) + 1n];
const signed64 = [...big, -1n, -(1n << 31n), -(1n << 35n), (1n << 63n) - 1n, -(1n << 63n)];
const unsigned64 = [...big, (1n << 64n) - 1n, 1n << 63n];
const floats = [0, -0, 1, -1, 0.5, 1.5e-45, 3.4028234663852886e38, Number.NaN, Infinity, -Infinity, 1e-10];
const doubles = [...floats, Number.MAX_VALUE, Number.MIN_VALUE, 1 / 3];
const characters = [
  "a",
  "Z",
  "0",
  " ",
  "\0",
  "\x7f",
  "é",
  "ß",
  "中",
  "\u20ac",
  "\ufeff",
  "😀",
  "\ud83d",
  "\udc00",
];
const lengths = [0, 1, 3, 7, 8, 9, 15, 16, 31, 32, 33, 42, 43, 47, 48, 49, 100, 127, 128, 129, 300];

/**
 * Makes an object with fields of a type, as a user gives it: most fields unset, values at the limits preferred. `wild` puts
 * values of a wrong type in, now and then.
 */
export function randomInit(desc: DescMessage, random: Random, wild: boolean, depth = 0): Init {
  const init: Init = {};
  const setOneIn = random.pick([1, 2, 2, 4, 8]);
  for (const field of desc.fields) {
    if (!random.oneIn(setOneIn)) continue;
    const value = randomField(field, random, wild, depth);
    if (field.oneof === undefined) init[field.localName] = value;
    else init[field.oneof.localName] = { case: field.localName, value };
  }
  return init;
}

function randomField(field: DescField, random: Random, wild: boolean, depth: number): unknown {
  if (wild && random.oneIn(12)) return wildValue(random);
  const size = (): number => random.pick(depth > 0 ? [0, 1, 2] : [0, 1, 1, 2, 3, 20]);
  switch (field.fieldKind) {
    case "list":
      return Array.from({ length: size() }, () => randomValue(field, random, wild, depth));
    case "map": {
      const map: Init = {};
      for (let i = size(); i > 0; i--) {
        const key = randomScalar(field.mapKey, random);
        map[typeof key === "string" ? key : String(key)] = randomValue(field, random, wild, depth);
      }
      return map;
    }
    default:
      return randomValue(field, random, wild, depth);
  }
}

function randomValue(field: DescField, random: Random, wild: boolean, depth: number): unknown {
  if (wild && random.oneIn(40)) return wildValue(random);
  if (field.message !== undefined) return randomSub(field, field.message, random, wild, depth);
  if (field.enum !== undefined) {
    const known = field.enum.values.map((value) => value.number);
    return random.pick(field.enum.open ? [...known, 12, -5] : known);
  }
  const value = randomScalar(field.scalar!, random);
  return "longAsString" in field && field.longAsString ? String(value) : value;
}

function randomSub(
  field: DescField,
  message: DescMessage,
  random: Random,
  wild: boolean,
  depth: number,
): unknown {
  if (field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(message)) {
    return randomScalar(message.fields[0]!.scalar as ScalarType, random);
  }
  if (message.typeName === "google.protobuf.Struct" && field.parent?.typeName !== "google.protobuf.Value") {
    return random.pick([{}, { a: 1 }, { b: ["x", null, { c: true }] }]);
  }
  return depth > 2 || (depth > 0 && !random.oneIn(3)) ? {} : randomInit(message, random, wild, depth + 1);
}

/** A scalar as JavaScript has it; 64 bits as a `bigint`. */
function randomScalar(type: ScalarType, random: Random): string | number | boolean | bigint | Uint8Array {
  switch (type) {
    case ScalarType.DOUBLE:
      return random.oneIn(3) ? random.next() * 1e9 : random.pick(doubles);
    case ScalarType.FLOAT:
      return random.oneIn(3) ? Math.fround(random.next() * 1e9) : random.pick(floats);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return random.oneIn(3)
        ? BigInt(random.below(2 ** 50)) << BigInt(random.below(13))
        : random.pick(signed64);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return random.oneIn(3)
        ? BigInt(random.below(2 ** 50)) << BigInt(random.below(14))
        : random.pick(unsigned64);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return random.oneIn(3) ? random.below(2 ** 32) - 2 ** 31 : random.pick(signed);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return random.oneIn(3) ? random.below(2 ** 32) : random.pick(unsigned);
    case ScalarType.BOOL:
      return random.oneIn(2);
    case ScalarType.STRING:
      return randomText(random);
    case ScalarType.BYTES:
      return Uint8Array.from({ length: random.pick(lengths) }, () => random.below(256));
  }
}

function randomText(random: Random): string {
  const length = random.pick(lengths);
  const ascii = !random.oneIn(3);
  let text = "";
  while (text.length < length) {
    text += ascii ? String.fromCharCode(32 + random.below(95)) : random.pick(characters);
  }
  return text;
}

/** Values that have no place in a message. */
function wildValue(random: Random): unknown {
  return random.pick<() => unknown>([
    () => undefined,
    () => null,
    () => "",
    () => "7",
    () => "-1",
    () => "0x10",
    () => "a text",
    () => 0,
    () => -1,
    () => 1.5,
    () => 2 ** 31,
    () => 2 ** 53,
    () => Number.NaN,
    () => 5n,
    () => 1n << 64n,
    () => true,
    () => [],
    () => [1, 2],
    () => [undefined],
    () => ({}),
    () => ({ case: "number", value: 1 }),
    () => new Uint8Array(2),
    () => new Map([["a", 1]]),
    () => Symbol.iterator,
    () => () => 1,
  ])();
}
