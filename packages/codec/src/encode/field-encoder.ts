// SPDX-License-Identifier: Apache-2.0
import type { DescField } from "@bufbuild/protobuf";
import type { OneofValue } from "../shape/oneof-value.js";
import { usesFallback } from "../shape/uses-fallback.js";
import { needsFallback } from "../wire/needs-fallback.js";
import type { EncoderOf, FieldEncoder, Fields } from "./encoders.js";
import { listEncoder, mapEncoder } from "./repeated-encoders.js";
import { explicitEncoder, implicitEncoder, isRequired, oneofEncoder } from "./singular-encoders.js";
import { valueEncoder } from "./value-encoder.js";

// `FeatureSet.FieldPresence.IMPLICIT` of google/protobuf/descriptor.proto.
const implicitPresence = 2;

/** Compiles a field. */
export function createFieldEncoder(field: DescField, encoderOf: EncoderOf): FieldEncoder {
  if (usesFallback(field)) return fallbackEncoder(field);
  switch (field.fieldKind) {
    case "list":
      return listEncoder(field, encoderOf);
    case "map":
      return mapEncoder(field, encoderOf);
    default: {
      const value = valueEncoder(field, encoderOf);
      if (field.oneof !== undefined) return oneofEncoder(field, field.oneof.localName, value);
      if (field.presence !== implicitPresence) return explicitEncoder(field, value);
      return implicitEncoder(field, value);
    }
  }
}

/** Leaves the message to protobuf-es if the field may be set, or has to be. */
function fallbackEncoder(field: DescField): FieldEncoder {
  const { oneof, localName, fieldKind } = field;
  const required = isRequired(field);
  const isSet = (message: Fields): boolean => {
    if (required) return true;
    const value = message[oneof === undefined ? localName : oneof.localName];
    if (fieldKind === "message" && oneof === undefined) return value !== undefined;
    // A message has its lists, maps and oneofs, be they empty.
    if (value === undefined || value === null) return message.$typeName !== undefined;
    if (oneof !== undefined) return (value as OneofValue).case === localName;
    // Places of a list that hold nothing are no keys.
    return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
  };
  return {
    fixedBytes: null,
    bound(message) {
      if (isSet(message)) throw needsFallback;
      return 0;
    },
    write(message, _b, at) {
      if (isSet(message)) throw needsFallback;
      return at;
    },
  };
}
