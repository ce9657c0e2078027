// SPDX-License-Identifier: Apache-2.0
import type { DescMessage } from "@bufbuild/protobuf";
import { unknownSlice } from "../shape/unknown-fields.js";
import { writeVarint32 } from "../wire/varint.js";
import { tagOf } from "../wire/wire-type.js";
import type { FieldEncoder, Fields, TypeEncoder } from "./encoders.js";
import { createFieldEncoder } from "./field-encoder.js";

/** The most bytes of a tag. */
const tagBytes = 5;

/** Writes messages of one type. Made at the first use of the type, its fields at the first message: types may be recursive. */
export class MessageEncoder implements TypeEncoder {
  readonly desc: DescMessage;
  private fields: readonly FieldEncoder[] | null = null;
  /** The fields whose size depends on the value. */
  private sized: readonly FieldEncoder[] = [];
  /** The most bytes of all others. */
  private fixedBytes = 0;

  constructor(desc: DescMessage) {
    this.desc = desc;
  }

  /** @inheritdoc */
  bound(message: Fields): number {
    if (this.fields === null) this.compile();
    let bytes = this.fixedBytes;
    const { sized } = this;
    for (let i = 0; i < sized.length; i++) bytes += sized[i]!.bound(message);
    const slice = unknownSlice(message);
    if (slice !== undefined) return bytes + slice.length;
    const unknown = message.$unknown;
    if (unknown !== undefined) for (const { data } of unknown) bytes += tagBytes + data.length;
    return bytes;
  }

  /** Writes a message; returns the offset behind it. There must be room for as much as `bound` has said. */
  write(message: Fields, b: Uint8Array, at: number): number {
    if (this.fields === null) this.compile();
    const fields = this.fields!;
    for (let i = 0; i < fields.length; i++) at = fields[i]!.write(message, b, at);
    const slice = unknownSlice(message);
    if (slice === undefined) return message.$unknown === undefined ? at : writeUnknown(message, b, at);
    b.set(slice, at);
    return at + slice.length;
  }

  /** @inheritdoc */
  accepts(value: unknown, parent: Fields): value is Fields {
    if (typeof value !== "object" || value === null) return false;
    const name = (value as Fields).$typeName;
    if (name === this.desc.typeName) return true;
    return name === undefined && parent.$typeName === undefined && !Array.isArray(value);
  }

  private compile(): void {
    const byNumber = this.desc.fields.concat().sort((a, b) => a.number - b.number);
    this.fields = byNumber.map((field) => createFieldEncoder(field, encoderOf));
    this.sized = this.fields.filter((field) => field.fixedBytes === null);
    for (const { fixedBytes } of this.fields) this.fixedBytes += fixedBytes ?? 0;
  }
}

/** Writes the unknown fields of a peer with a newer schema as they came. A plain object's `$unknown` is not a field. */
function writeUnknown(message: Fields, b: Uint8Array, at: number): number {
  if (message.$typeName === undefined) return at;
  for (const { no, wireType, data } of message.$unknown!) {
    at = writeVarint32(b, at, tagOf(no, wireType));
    b.set(data, at);
    at += data.length;
  }
  return at;
}

const encoders = new WeakMap<DescMessage, MessageEncoder>();

/** The encoder of a type; the same for each call. */
export function encoderOf(desc: DescMessage): MessageEncoder {
  let encoder = encoders.get(desc);
  if (encoder === undefined) {
    encoder = new MessageEncoder(desc);
    encoders.set(desc, encoder);
  }
  return encoder;
}
