// SPDX-License-Identifier: Apache-2.0
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** Where the codec differs from protobuf-es on purpose, and no other bytes say the same to protobuf-es. */
class Different extends Error {}

/** Where protobuf-es ends in the error that the codec ends in. */
class Illegal extends Error {}

const deepest = 100;

const [varint, bit64, delimited, startGroup, endGroup, bit32] = [0, 1, 2, 3, 4, 5];

/** The result of {@link canonicalEntries}. */
export interface Canonical {
  readonly bytes: Uint8Array;
  /** There was an entry that protobuf-es reads wrong. */
  readonly changed: boolean;
}

/**
 * Bytes of which protobuf-es makes what the codec makes of `bytes`: each entry of a map has one key, one value, and no unknown
 * field, as protobuf-es reads no others right (protobuf-es#1542). Null where there are no such bytes: values that a closed enum
 * doesn't know, the key `__proto__`, and malformed bytes of a type that has maps or closed enums.
 */
export function canonicalEntries(desc: DescMessage, bytes: Uint8Array): Canonical | null {
  if (!differs(desc, new Set())) return { bytes, changed: false };
  const walk = new Walk(bytes);
  try {
    const canonical = Uint8Array.from(walk.message(desc, bytes.length, 0));
    return { bytes: canonical, changed: walk.changed };
  } catch (error) {
    if (error instanceof Illegal) return walk.changed ? null : { bytes, changed: false };
    if (error instanceof Different) return null;
    throw error;
  }
}

/** True if a type has a map or a closed enum somewhere inside. */
function differs(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some(
    (field) =>
      field.fieldKind === "map" ||
      (field.enum !== undefined && !field.enum.open) ||
      (field.message !== undefined && differs(field.message, seen)),
  );
}

class Walk {
  /** An entry that protobuf-es reads wrong was met. */
  changed = false;
  private depth = 0;
  private at = 0;
  private readonly b: Uint8Array;

  constructor(b: Uint8Array) {
    this.b = b;
  }

  message(desc: DescMessage, end: number, group: number): number[] {
    const out: number[] = [];
    if (++this.depth > deepest) throw new Illegal();
    while (this.at < end) {
      const start = this.at;
      const tag = this.tag(end);
      const no = Math.floor(tag / 8);
      if (tag % 8 === endGroup && no === group) {
        out.push(...this.b.subarray(start, this.at));
        this.depth--;
        return out;
      }
      const field = desc.fields.find(({ number }) => number === no);
      if (field === undefined) {
        this.skip(tag, end);
        out.push(...this.b.subarray(start, this.at));
      } else {
        out.push(...this.b.subarray(start, this.at), ...this.field(field, tag % 8, end));
      }
    }
    if (group > 0 || this.at > end) throw new Different();
    this.depth--;
    return out;
  }

  private field(field: DescField, wireType: number, end: number): number[] {
    if (field.fieldKind === "map") return lengthAnd(this.entry(field, wireType, end));
    if (field.message !== undefined) {
      const group = "delimitedEncoding" in field && field.delimitedEncoding;
      if (wireType !== (group ? startGroup : delimited)) throw new Different();
      if (group) return this.message(field.message, end, field.number);
      const stop = this.stop(end);
      return lengthAnd(this.message(field.message, stop, 0));
    }
    const start = this.at;
    const own = wireTypeOf(field.scalar ?? ScalarType.INT32);
    if (wireType !== own) this.packed(field, own, wireType, end);
    else if (field.fieldKind === "enum" && !field.enum.open) this.known(field.enum, end);
    else this.skip(field.number * 8 + wireType, end);
    return [...this.b.subarray(start, this.at)];
  }

  /** A packed list. A value may cross the list's end for protobuf-es, which then reads on behind that value. */
  private packed(field: DescField, own: number, wireType: number, end: number): void {
    if (field.fieldKind !== "list" || wireType !== delimited) throw new Different();
    const stop = this.stop(end);
    while (this.at < stop) this.skip(field.number * 8 + own, stop);
  }

  private entry(field: DescField & { fieldKind: "map" }, wireType: number, end: number): number[] {
    if (wireType !== delimited) throw new Different();
    const stop = this.stop(end);
    const valueType = field.message === undefined ? wireTypeOf(field.scalar ?? ScalarType.INT32) : delimited;
    const out: number[] = [];
    let merged: number[] | null = null;
    while (this.at < stop) {
      const tag = this.tag(stop);
      const start = this.at;
      if (tag === 8 + wireTypeOf(field.mapKey)) {
        this.skip(tag, stop);
        const bytes = this.b.subarray(start, this.at);
        if (Buffer.from(bytes).includes("__proto__")) throw new Different();
        out.push(tag, ...bytes);
      } else if (tag === 16 + valueType) {
        if (field.message !== undefined) {
          this.changed ||= merged !== null;
          merged = [...(merged ?? []), ...this.message(field.message, this.stop(stop), 0)];
        } else {
          if (field.enum !== undefined && !field.enum.open) this.known(field.enum, stop);
          else this.skip(tag, stop);
          out.push(tag, ...this.b.subarray(start, this.at));
        }
      } else {
        this.changed = true;
        this.skip(tag, stop);
      }
    }
    if (this.at > stop) throw new Different();
    return merged === null ? out : [...out, 16 + valueType, ...lengthAnd(merged)];
  }

  private known({ values }: { readonly values: readonly { readonly number: number }[] }, end: number): void {
    const start = this.at;
    this.varint(end);
    let number = 0n;
    for (let at = this.at - 1; at >= start; at--) number = number * 128n + BigInt(this.b[at]! & 0x7f);
    if (!values.some((value) => BigInt(value.number) === BigInt.asIntN(32, number))) throw new Different();
  }

  private tag(end: number): number {
    const start = this.at;
    const tag = this.varint(end);
    if (tag < 8 || tag > 0xffff_ffff || this.at - start > 5) throw new Illegal();
    return tag;
  }

  private skip(tag: number, end: number): void {
    if (tag < 8) throw new Different();
    switch (tag % 8) {
      case varint:
        this.varint(end);
        break;
      case bit64:
        this.at += 8;
        break;
      case bit32:
        this.at += 4;
        break;
      case delimited:
        this.at = this.stop(end);
        break;
      case startGroup:
        for (;;) {
          const inner = this.varint(end);
          if (inner % 8 === endGroup) {
            if (Math.floor(inner / 8) !== Math.floor(tag / 8)) throw new Different();
            break;
          }
          this.skip(inner, end);
        }
        break;
      default:
        throw new Different();
    }
    if (this.at > end) throw new Different();
  }

  private stop(end: number): number {
    const length = this.varint(end);
    if (this.at + length > end) throw new Different();
    return this.at + length;
  }

  /** A varint, as far as a number is exact; larger ones don't matter here. */
  private varint(end: number): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      if (this.at >= end) throw new Different();
      const byte = this.b[this.at++]!;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Different();
  }
}

function wireTypeOf(type: ScalarType): number {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return delimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return bit32;
    default:
      return varint;
  }
}

function lengthAnd(bytes: number[]): number[] {
  const out: number[] = [];
  let length = bytes.length;
  for (; length > 0x7f; length = Math.floor(length / 128)) out.push((length % 128) + 128);
  return [...out, length, ...bytes];
}
