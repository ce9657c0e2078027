// SPDX-License-Identifier: Apache-2.0
import type { DescField } from "@bufbuild/protobuf";
import { mapKeyValue } from "../shape/map-key.js";
import { needsFallback } from "../wire/needs-fallback.js";
import { putLength, varint32Bytes, varintSize } from "../wire/varint.js";
import { putTag, tagOf, WireType } from "../wire/wire-type.js";
import type { EncoderOf, FieldEncoder, Fields } from "./encoders.js";
import { type ScalarEncoder, scalarEncoders } from "./scalar-encoders.js";
import { checkAbsent } from "./singular-encoders.js";
import { valueEncoder } from "./value-encoder.js";

/** A list, packed or not. */
export function listEncoder(field: DescField & { fieldKind: "list" }, encoderOf: EncoderOf): FieldEncoder {
  const { localName } = field;
  const value = valueEncoder(field, encoderOf);
  const items = (message: Fields): readonly unknown[] | null => {
    const given = message[localName];
    if (Array.isArray(given)) return given;
    checkAbsent(message, given);
    return null;
  };
  const bound = (message: Fields, perItem: number): number => {
    const list = items(message);
    if (list === null || list.length === 0) return 0;
    let bytes = tagBytes + varint32Bytes + list.length * perItem;
    if (value.fixedBytes !== null) return bytes + list.length * value.fixedBytes;
    for (let i = 0; i < list.length; i++) bytes += value.bound(list[i], message);
    return bytes;
  };
  const packed = field.packed;
  const tag = tagOf(field.number, packed ? WireType.LengthDelimited : value.wireType);
  const tagBytes = varintSize(tag);
  if (!packed) {
    return {
      fixedBytes: null,
      bound: (message) => bound(message, tagBytes),
      write(message, b, at) {
        const list = items(message);
        if (list === null) return at;
        for (let i = 0; i < list.length; i++) at = value.write(list[i], message, b, putTag(b, at, tag));
        return at;
      },
    };
  }
  let width = 1;
  return {
    fixedBytes: null,
    bound: (message) => bound(message, 0),
    write(message, b, at) {
      const list = items(message);
      if (list === null || list.length === 0) return at;
      const start = putTag(b, at, tag);
      // Read once: what gives the items may serialise such a list too.
      const before = width;
      let end = start + before;
      for (let i = 0; i < list.length; i++) end = value.write(list[i], message, b, end);
      width = varintSize(end - start - before);
      return putLength(b, start, before, end);
    },
  };
}

/** A map: a list of entries, each with a key and a value. */
export function mapEncoder(field: DescField & { fieldKind: "map" }, encoderOf: EncoderOf): FieldEncoder {
  const { localName, mapKey } = field;
  const key: ScalarEncoder = scalarEncoders[mapKey];
  const value = valueEncoder(field, encoderOf);
  const tag = tagOf(field.number, WireType.LengthDelimited);
  const keyTag = tagOf(1, key.wireType);
  const valueTag = tagOf(2, value.wireType);
  const entryBytes = varintSize(tag) + varint32Bytes + 2;
  const entries = (message: Fields): Readonly<Record<string, unknown>> | null => {
    const given = message[localName];
    // Of a list in a map's place `create` makes no messages.
    if (typeof given === "object" && given !== null && !Array.isArray(given)) {
      return given as Readonly<Record<string, unknown>>;
    }
    checkAbsent(message, given);
    return null;
  };
  let width = 1;
  return {
    fixedBytes: null,
    bound(message) {
      const map = entries(message);
      if (map === null) return 0;
      let bytes = 0;
      for (const name of Object.keys(map)) {
        // `create` keeps this key for some kinds of values only.
        if (name === "__proto__") throw needsFallback;
        bytes += entryBytes + (typeof key.bound === "number" ? key.bound : key.bound(name));
        bytes += value.bound(map[name], message);
      }
      return bytes;
    },
    write(message, b, at) {
      const map = entries(message);
      if (map === null) return at;
      for (const name of Object.keys(map)) {
        const start = putTag(b, at, tag);
        // Read once: the value may have such a map too.
        const before = width;
        let end = key.write(mapKeyValue(name, mapKey), b, putTag(b, start + before, keyTag));
        end = value.write(map[name], message, b, putTag(b, end, valueTag));
        width = varintSize(end - start - before);
        at = putLength(b, start, before, end);
      }
      return at;
    },
  };
}
