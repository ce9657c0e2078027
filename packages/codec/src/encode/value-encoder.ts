// SPDX-License-Identifier: Apache-2.0
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { type WrappedField, wrappedField } from "../shape/uses-fallback.js";
import { needsFallback } from "../wire/needs-fallback.js";
import { putLength, varint32Bytes, varintSize } from "../wire/varint.js";
import { putTag, tagOf, WireType } from "../wire/wire-type.js";
import type { EncoderOf, TypeEncoder, ValueEncoder } from "./encoders.js";
import { scalarEncoders } from "./scalar-encoders.js";

/** The encoder of a field's values, or of those of a list's or a map's. */
export function valueEncoder(field: DescField, encoderOf: EncoderOf): ValueEncoder {
  const wrapped = wrappedField(field);
  if (wrapped !== undefined) return wrappedValue(wrapped);
  if (field.message !== undefined) return messageValue(encoderOf(field.message));
  // An enum is an int32 on the wire.
  const { wireType, bound, write } = scalarEncoders[field.scalar ?? ScalarType.INT32];
  return {
    wireType,
    fixedBytes: typeof bound === "number" ? bound : null,
    bound: typeof bound === "number" ? () => bound : bound,
    write: (value, _parent, b, at) => write(value, b, at),
  };
}

function messageValue(encoder: TypeEncoder): ValueEncoder {
  // As many bytes as the last one's length took: those of one field tend to be alike, and then nothing has to be moved.
  let width = 1;
  return {
    wireType: WireType.LengthDelimited,
    fixedBytes: null,
    bound(value, parent) {
      if (!encoder.accepts(value, parent)) throw needsFallback;
      return encoder.bound(value) + varint32Bytes;
    },
    write(value, parent, b, at) {
      if (!encoder.accepts(value, parent)) throw needsFallback;
      const before = width;
      const end = encoder.write(value, b, at + before);
      width = varintSize(end - at - before);
      return putLength(b, at, before, end);
    },
  };
}

/** A wrapper, of the bare value that protobuf-es holds in its place. */
function wrappedValue(field: WrappedField): ValueEncoder {
  const { wireType, bound, write, isZero } = scalarEncoders[field.scalar];
  const tag = tagOf(field.number, wireType);
  const around = 1 + varint32Bytes;
  return {
    wireType: WireType.LengthDelimited,
    fixedBytes: typeof bound === "number" ? bound + around : null,
    bound: typeof bound === "number" ? () => bound + around : (value) => bound(value) + around,
    write(value, _parent, b, at) {
      const end = isZero(value) ? at + 1 : write(value, b, putTag(b, at + 1, tag));
      return putLength(b, at, 1, end);
    },
  };
}
