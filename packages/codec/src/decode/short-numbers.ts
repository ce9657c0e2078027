// SPDX-License-Identifier: Apache-2.0
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { scalarEncoders } from "../encode/scalar-encoders.js";
import { WireType } from "../wire/wire-type.js";

/** The values of one byte. */
const count = 128;

const longs: ReadonlySet<ScalarType | undefined> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

/** True if a field's numbers have 64 bits: each is a `BigInt`, or a text. */
export function isLong({ scalar }: DescField): boolean {
  return longs.has(scalar);
}

const tables = new Map<string, readonly unknown[]>();

/**
 * The numbers of a field that take one byte, by that byte; null if the field has no varints. Lists share them: a `BigInt` for each of the 4
 * million that fit in 4 MiB took 128 MB, and 280 ms of CPU time.
 */
export function shortNumbers(field: DescField): readonly unknown[] | null {
  const type = field.scalar ?? ScalarType.INT32;
  if (scalarEncoders[type].wireType !== WireType.Varint) return null;
  const text = "longAsString" in field && field.longAsString === true;
  const key = `${type} ${text}`;
  let table = tables.get(key);
  if (table === undefined) {
    table = Array.from({ length: count }, (_, byte) => {
      const value = shortNumber(type, byte);
      return text ? String(value) : value;
    });
    tables.set(key, table);
  }
  return table;
}

function shortNumber(type: ScalarType, byte: number): number | bigint | boolean {
  const zigzag = byte % 2 === 0 ? byte / 2 : -(byte + 1) / 2;
  switch (type) {
    case ScalarType.BOOL:
      return byte !== 0;
    case ScalarType.SINT32:
      return zigzag;
    case ScalarType.SINT64:
      return BigInt(zigzag);
    default:
      return longs.has(type) ? BigInt(byte) : byte;
  }
}
