// SPDX-License-Identifier: Apache-2.0
import { ScalarType } from "@bufbuild/protobuf";
import { ownBytes } from "../shape/own-bytes.js";
import { needsFallback } from "../wire/needs-fallback.js";
import { readCheckedText, readUncheckedText } from "../wire/text.js";
import { input, readStop, readVarint32, readVarint64 } from "../wire/varint.js";

/** Reads one value at `input.at`, none of it behind `end`. */
export type ScalarDecoder = (b: Uint8Array, end: number) => unknown;

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

const readInt32: ScalarDecoder = (b, end) => readVarint32(b, end) | 0;

const readSint32: ScalarDecoder = (b, end) => {
  const value = readVarint32(b, end);
  return (value >>> 1) ^ -(value & 1);
};

const readBool: ScalarDecoder = (b, end) => {
  const low = readVarint64(b, end);
  return low !== 0 || input.high !== 0;
};

/** Puts `length` bytes into `scratch`. */
function take(b: Uint8Array, end: number, length: number): void {
  const { at } = input;
  if (end - at < length) throw needsFallback;
  for (let i = 0; i < length; i++) scratchBytes[i] = b[at + i]!;
  input.at = at + length;
}

const readFixed32: ScalarDecoder = (b, end) => {
  take(b, end, 4);
  return scratch.getUint32(0, true);
};

const readSfixed32: ScalarDecoder = (b, end) => {
  take(b, end, 4);
  return scratch.getInt32(0, true);
};

const readFloat: ScalarDecoder = (b, end) => {
  take(b, end, 4);
  return scratch.getFloat32(0, true);
};

const readDouble: ScalarDecoder = (b, end) => {
  take(b, end, 8);
  return scratch.getFloat64(0, true);
};

const readFixed64: ScalarDecoder = (b, end) => {
  take(b, end, 8);
  return scratch.getBigUint64(0, true);
};

const readSfixed64: ScalarDecoder = (b, end) => {
  take(b, end, 8);
  return scratch.getBigInt64(0, true);
};

/** Puts two halves into `scratch`. */
function halves(low: number, high: number): void {
  scratch.setUint32(0, low, true);
  scratch.setUint32(4, high, true);
}

const readInt64: ScalarDecoder = (b, end) => {
  halves(readVarint64(b, end), input.high);
  return scratch.getBigInt64(0, true);
};

const readUint64: ScalarDecoder = (b, end) => {
  halves(readVarint64(b, end), input.high);
  return scratch.getBigUint64(0, true);
};

const readSint64: ScalarDecoder = (b, end) => {
  const low = readVarint64(b, end);
  const { high } = input;
  const sign = -(low & 1);
  halves(((low >>> 1) | (high << 31)) ^ sign, (high >>> 1) ^ sign);
  return scratch.getBigInt64(0, true);
};

const readBytes: ScalarDecoder = (b, end) => {
  const stop = readStop(b, end);
  const start = input.at;
  input.at = stop;
  return ownBytes(b, start, stop);
};

const decoders: Readonly<Record<ScalarType, ScalarDecoder>> = {
  [ScalarType.DOUBLE]: readDouble,
  [ScalarType.FLOAT]: readFloat,
  [ScalarType.INT64]: readInt64,
  [ScalarType.UINT64]: readUint64,
  [ScalarType.INT32]: readInt32,
  [ScalarType.FIXED64]: readFixed64,
  [ScalarType.FIXED32]: readFixed32,
  [ScalarType.BOOL]: readBool,
  [ScalarType.STRING]: readCheckedText,
  [ScalarType.BYTES]: readBytes,
  [ScalarType.UINT32]: readVarint32,
  [ScalarType.SFIXED32]: readSfixed32,
  [ScalarType.SFIXED64]: readSfixed64,
  [ScalarType.SINT32]: readSint32,
  [ScalarType.SINT64]: readSint64,
};

/** The decoder of a type of scalar; `checkUtf8`: a string that is not UTF-8 is refused. */
export function scalarDecoder(type: ScalarType, checkUtf8: boolean): ScalarDecoder {
  return type === ScalarType.STRING && !checkUtf8 ? readUncheckedText : decoders[type];
}
