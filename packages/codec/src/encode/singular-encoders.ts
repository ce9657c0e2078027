// SPDX-License-Identifier: Apache-2.0
import type { DescField, ScalarType } from "@bufbuild/protobuf";
import type { OneofValue } from "../shape/oneof-value.js";
import { needsFallback } from "../wire/needs-fallback.js";
import { varintSize } from "../wire/varint.js";
import { putTag, tagOf } from "../wire/wire-type.js";
import type { FieldEncoder, Fields, ValueEncoder } from "./encoders.js";
import { scalarEncoders } from "./scalar-encoders.js";

// `FeatureSet.FieldPresence.LEGACY_REQUIRED` of google/protobuf/descriptor.proto.
const legacyRequired = 3;

/** True if protobuf-es refuses a message without this field. */
export function isRequired(field: DescField): boolean {
  return field.presence === legacyRequired;
}

/** Throws unless a field has not been given, which only an object with fields may do: a message made by `create` has them all. */
export function checkAbsent(message: Fields, value: unknown): void {
  if (message.$typeName !== undefined || (value !== undefined && value !== null)) throw needsFallback;
}

/** A field without presence: what is zero is left out. */
export function implicitEncoder(field: DescField, value: ValueEncoder): FieldEncoder {
  const { localName } = field;
  const tag = tagOf(field.number, value.wireType);
  const tagBytes = varintSize(tag);
  const isZero = zeroTest(field);
  return {
    fixedBytes: value.fixedBytes === null ? null : value.fixedBytes + tagBytes,
    bound(message) {
      const given = message[localName];
      return given === undefined || given === null || given === ""
        ? 0
        : value.bound(given, message) + tagBytes;
    },
    write(message, b, at) {
      const given = message[localName];
      if (isZero(given)) return at;
      if (given === undefined || given === null) {
        checkAbsent(message, given);
        return at;
      }
      return value.write(given, message, b, putTag(b, at, tag));
    },
  };
}

function zeroTest(field: DescField): (value: unknown) => boolean {
  if (field.fieldKind === "enum") {
    const zero = field.enum.values[0]!.number;
    return (value) => value === zero;
  }
  return scalarEncoders[field.scalar as ScalarType].isZero;
}

/** A field with presence: set when it is the message's own. That of a proto2 message may have its default from the prototype. */
export function explicitEncoder(field: DescField, value: ValueEncoder): FieldEncoder {
  const { localName } = field;
  const required = isRequired(field);
  const tag = tagOf(field.number, value.wireType);
  const tagBytes = varintSize(tag);
  return {
    fixedBytes: value.fixedBytes === null ? null : value.fixedBytes + tagBytes,
    bound(message) {
      const given = message[localName];
      return given === undefined || given === null ? 0 : value.bound(given, message) + tagBytes;
    },
    write(message, b, at) {
      const given = message[localName];
      const isMessage = message.$typeName !== undefined;
      if (given === undefined || (isMessage && !Object.hasOwn(message, localName))) {
        if (required) throw needsFallback;
        return at;
      }
      if (given === null) {
        if (isMessage || required) throw needsFallback;
        return at;
      }
      return value.write(given, message, b, putTag(b, at, tag));
    },
  };
}

/** A member of a oneof. */
export function oneofEncoder(field: DescField, group: string, value: ValueEncoder): FieldEncoder {
  const { localName } = field;
  const tag = tagOf(field.number, value.wireType);
  const tagBytes = varintSize(tag);
  const selected = (message: Fields): OneofValue | null => {
    const given = message[group] as OneofValue | null | undefined;
    if (given === undefined || given === null) {
      checkAbsent(message, given);
      return null;
    }
    return given.case === localName ? given : null;
  };
  return {
    // Only one of the group is set: to count all would make the bound of a large one useless.
    fixedBytes: null,
    bound(message) {
      const given = selected(message);
      return given === null ? 0 : value.bound(given.value, message) + tagBytes;
    },
    write(message, b, at) {
      const given = selected(message);
      return given === null ? at : value.write(given.value, message, b, putTag(b, at, tag));
    },
  };
}
