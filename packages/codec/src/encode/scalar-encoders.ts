// SPDX-License-Identifier: Apache-2.0
import { ScalarType } from "@bufbuild/protobuf";
import { needsFallback } from "../wire/needs-fallback.js";
import { textBound, writeText } from "../wire/text.js";
import { varint32Bytes, varint64Bytes, writeVarint32, writeVarint64 } from "../wire/varint.js";
import { WireType } from "../wire/wire-type.js";

/** How one type of scalar is written. */
export interface ScalarEncoder {
  readonly wireType: number;
  /** The most bytes of a value, without its tag: a number, or for what is as long as it likes a function. */
  readonly bound: number | ((value: unknown) => number);
  /** Writes a value without its tag; returns the offset behind it. Throws `needsFallback` for what is no such value. */
  readonly write: (value: unknown, b: Uint8Array, at: number) => number;
  /** True if a field without presence that has this value is left out. */
  readonly isZero: (value: unknown) => boolean;
}

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

const isZeroNumber = (value: unknown): boolean => value === 0;

/** For -0 the answer depends on the version of protobuf-es. */
function isZeroFloat(value: unknown): boolean {
  if (value !== 0) return false;
  if (Object.is(value, -0)) throw needsFallback;
  return true;
}

const isZero64 = (value: unknown): boolean => value === 0n || value === "0";

function writeInt32(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "number" || (value | 0) !== value) throw needsFallback;
  return value < 0 ? writeVarint64(b, at, value >>> 0, 0xffff_ffff) : writeVarint32(b, at, value);
}

function writeUint32(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "number" || value >>> 0 !== value) throw needsFallback;
  return writeVarint32(b, at, value);
}

function writeSint32(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "number" || (value | 0) !== value) throw needsFallback;
  return writeVarint32(b, at, ((value << 1) ^ (value >> 31)) >>> 0);
}

function writeFixed32(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "number" || value >>> 0 !== value) throw needsFallback;
  return put32(b, at, value);
}

function writeSfixed32(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "number" || (value | 0) !== value) throw needsFallback;
  return put32(b, at, value);
}

function put32(b: Uint8Array, at: number, value: number): number {
  b[at] = value;
  b[at + 1] = value >>> 8;
  b[at + 2] = value >>> 16;
  b[at + 3] = value >>> 24;
  return at + 4;
}

function writeBool(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "boolean") throw needsFallback;
  b[at] = value ? 1 : 0;
  return at + 1;
}

const largestFloat = 3.4028234663852886e38;

function writeFloat(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "number") throw needsFallback;
  if (Number.isFinite(value) && Math.abs(value) > largestFloat) throw needsFallback;
  scratch.setFloat32(0, value, true);
  return putScratch(b, at, 4);
}

function writeDouble(value: unknown, b: Uint8Array, at: number): number {
  if (typeof value !== "number") throw needsFallback;
  scratch.setFloat64(0, value, true);
  return putScratch(b, at, 8);
}

function putScratch(b: Uint8Array, at: number, length: number): number {
  for (let i = 0; i < length; i++) b[at + i] = scratchBytes[i]!;
  return at + length;
}

/** Puts a signed number of 64 bits into `scratch`. */
function signed64(value: unknown): void {
  const number = bigintOf(value);
  scratch.setBigInt64(0, number, true);
  if (scratch.getBigInt64(0, true) !== number) throw needsFallback;
}

/** Puts an unsigned number of 64 bits into `scratch`. */
function unsigned64(value: unknown): void {
  const number = bigintOf(value);
  scratch.setBigUint64(0, number, true);
  if (scratch.getBigUint64(0, true) !== number) throw needsFallback;
}

/** A string is what a field with `jstype = JS_STRING` has. */
function bigintOf(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "string" && /^(0|-?[1-9]\d{0,19})$/.test(value)) return BigInt(value);
  throw needsFallback;
}

function putVarint(b: Uint8Array, at: number): number {
  return writeVarint64(b, at, scratch.getUint32(0, true), scratch.getUint32(4, true));
}

function writeInt64(value: unknown, b: Uint8Array, at: number): number {
  signed64(value);
  return putVarint(b, at);
}

function writeUint64(value: unknown, b: Uint8Array, at: number): number {
  unsigned64(value);
  return putVarint(b, at);
}

function writeSint64(value: unknown, b: Uint8Array, at: number): number {
  signed64(value);
  const low = scratch.getInt32(0, true);
  const high = scratch.getInt32(4, true);
  const sign = high >> 31;
  return writeVarint64(b, at, ((low << 1) ^ sign) >>> 0, (((high << 1) | (low >>> 31)) ^ sign) >>> 0);
}

function writeFixed64(value: unknown, b: Uint8Array, at: number): number {
  unsigned64(value);
  return putScratch(b, at, 8);
}

function writeSfixed64(value: unknown, b: Uint8Array, at: number): number {
  signed64(value);
  return putScratch(b, at, 8);
}

function bytesBound(value: unknown): number {
  if (!(value instanceof Uint8Array)) throw needsFallback;
  return value.length + varint32Bytes;
}

function writeBytes(value: unknown, b: Uint8Array, at: number): number {
  if (!(value instanceof Uint8Array)) throw needsFallback;
  at = writeVarint32(b, at, value.length);
  b.set(value, at);
  return at + value.length;
}

const isEmpty = (value: unknown): boolean => value instanceof Uint8Array && value.length === 0;

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;

/** By the type of scalar. */
export const scalarEncoders: Readonly<Record<ScalarType, ScalarEncoder>> = {
  [ScalarType.DOUBLE]: { wireType: Bit64, bound: 8, write: writeDouble, isZero: isZeroFloat },
  [ScalarType.FLOAT]: { wireType: Bit32, bound: 4, write: writeFloat, isZero: isZeroFloat },
  [ScalarType.INT64]: { wireType: Varint, bound: varint64Bytes, write: writeInt64, isZero: isZero64 },
  [ScalarType.UINT64]: { wireType: Varint, bound: varint64Bytes, write: writeUint64, isZero: isZero64 },
  [ScalarType.INT32]: { wireType: Varint, bound: varint64Bytes, write: writeInt32, isZero: isZeroNumber },
  [ScalarType.FIXED64]: { wireType: Bit64, bound: 8, write: writeFixed64, isZero: isZero64 },
  [ScalarType.FIXED32]: { wireType: Bit32, bound: 4, write: writeFixed32, isZero: isZeroNumber },
  [ScalarType.BOOL]: { wireType: Varint, bound: 1, write: writeBool, isZero: (value) => value === false },
  [ScalarType.STRING]: {
    wireType: LengthDelimited,
    bound: textBound,
    write: writeText,
    isZero: (value) => value === "",
  },
  [ScalarType.BYTES]: { wireType: LengthDelimited, bound: bytesBound, write: writeBytes, isZero: isEmpty },
  [ScalarType.UINT32]: { wireType: Varint, bound: varint32Bytes, write: writeUint32, isZero: isZeroNumber },
  [ScalarType.SFIXED32]: { wireType: Bit32, bound: 4, write: writeSfixed32, isZero: isZeroNumber },
  [ScalarType.SFIXED64]: { wireType: Bit64, bound: 8, write: writeSfixed64, isZero: isZero64 },
  [ScalarType.SINT32]: { wireType: Varint, bound: varint32Bytes, write: writeSint32, isZero: isZeroNumber },
  [ScalarType.SINT64]: { wireType: Varint, bound: varint64Bytes, write: writeSint64, isZero: isZero64 },
};
