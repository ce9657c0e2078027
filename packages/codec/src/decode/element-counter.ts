// SPDX-License-Identifier: Apache-2.0
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { scalarEncoders } from "../encode/scalar-encoders.js";
import { varint64Bytes } from "../wire/varint.js";
import { WireType } from "../wire/wire-type.js";
import { longsPerElement, TooManyElementsError, weightOf } from "./elements.js";
import { isLong } from "./short-numbers.js";

/** The part of a field that decides what it counts. */
interface FieldShape {
  /** The message that it holds. */
  readonly message: Shape | null;
  /** It counts itself: an entry of a map, a string or bytes of a list. */
  readonly counts: boolean;
  /** Its numbers of 64 bits: varints, or of eight bytes. */
  readonly longs: "none" | "varint" | "fixed";
}

/** The part of a type that decides what its messages count. */
interface Shape {
  readonly weight: number;
  readonly fields: Map<number, FieldShape>;
  /** Fields that are not in `fields` count: not in the entry of a map, nor inside an unknown field. */
  readonly countsUnknown: boolean;
}

/** An open message. */
interface Open {
  readonly shape: Shape;
  /** The offset of its end; Infinity for a group. */
  readonly end: number;
}

const shapes = new WeakMap<DescMessage, Shape>();
const inUnknown: Shape = { weight: 0, fields: new Map(), countsUnknown: false };
/** protobuf-es refuses messages that are deeper. */
const deepest = 100;

/** Wire types of groups. */
const startGroup = 3;
const endGroup = 4;

const State = { TAG: 0, NUMBER: 1, LENGTH: 2, SKIP: 3, LONGS: 4 } as const;

/**
 * Counts the elements of a message whose bytes come in pieces, as the parsers of this package count them, and keeps none of these bytes.
 * For those who have another parser. Malformed bytes are not counted any further: that parser finds them.
 */
export class ElementCounter {
  /** The elements so far. */
  elements = 0;
  private readonly maxElements: number;
  private readonly stack: Open[];
  private state: number = State.TAG;
  private at = 0;
  private malformed = false;
  // The varint that is read.
  private value = 0;
  private scale = 1;
  private bytes = 0;
  // The value that is read: its field, which is undefined if it is unknown, and where it ends.
  private field: FieldShape | undefined;
  private until = 0;
  private longs = 0;

  constructor(schema: DescMessage, maxElements: number) {
    this.maxElements = maxElements;
    this.stack = [{ shape: shapeOf(schema), end: Number.POSITIVE_INFINITY }];
  }

  /** Counts the next bytes. Throws a {@link TooManyElementsError} once there are too many elements. */
  count(b: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end && !this.malformed; ) {
      if (this.state === State.SKIP) {
        const n = Math.min(end - at, this.until - this.at);
        at += n;
        this.advance(n);
      } else {
        this.byte(b[at++]!);
      }
    }
  }

  private byte(byte: number): void {
    this.value += (byte & 0x7f) * this.scale;
    this.scale *= 0x80;
    this.bytes++;
    if (byte >= 0x80) {
      if (this.bytes === varint64Bytes) this.malformed = true;
      this.at++;
      return;
    }
    const { value, bytes } = this;
    this.value = 0;
    this.scale = 1;
    this.bytes = 0;
    this.at++;
    if (this.state === State.TAG) this.tag(Math.floor(value / 8), value % 8);
    else if (this.state === State.LENGTH) this.length(this.at + value);
    else {
      if (bytes > 1 && this.field?.longs === "varint") this.long(1);
      this.advance(0);
    }
  }

  private tag(no: number, wireType: number): void {
    const open = this.stack.at(-1)!;
    if (wireType === endGroup) {
      if (this.stack.length === 1 || open.end !== Number.POSITIVE_INFINITY) this.malformed = true;
      else this.stack.pop();
      this.advance(0);
      return;
    }
    this.field = open.shape.fields.get(no);
    if (this.field === undefined && open.shape.countsUnknown) this.add(1);
    switch (wireType) {
      case WireType.Varint:
        this.state = State.NUMBER;
        return;
      case WireType.LengthDelimited:
        this.state = State.LENGTH;
        return;
      case startGroup:
        this.open(this.field?.message ?? inUnknown, Number.POSITIVE_INFINITY);
        return;
      case WireType.Bit64:
        if (this.field?.longs === "fixed") this.long(1);
        this.skip(this.at + 8);
        return;
      case WireType.Bit32:
        this.skip(this.at + 4);
        return;
      default:
        this.malformed = true;
    }
  }

  private length(until: number): void {
    const { field } = this;
    if (until > this.stack.at(-1)!.end) {
      this.malformed = true;
      return;
    }
    if (field?.counts === true) this.add(1);
    if (field !== undefined && field.message !== null) this.open(field.message, until);
    else if (field?.longs === "varint") {
      this.until = until;
      this.state = State.LONGS;
      this.advance(0);
    } else {
      if (field?.longs === "fixed") this.long(Math.floor((until - this.at) / 8));
      this.skip(until);
    }
  }

  private open(shape: Shape, end: number): void {
    this.add(shape.weight);
    this.stack.push({ shape, end });
    if (this.stack.length > deepest + 1) this.malformed = true;
    this.state = State.TAG;
    this.advance(0);
  }

  private skip(until: number): void {
    this.until = until;
    this.state = State.SKIP;
    this.advance(0);
  }

  /** Goes on by `n` bytes, and out of what ends there. */
  private advance(n: number): void {
    this.at += n;
    if (this.state === State.SKIP || this.state === State.LONGS) {
      if (this.at < this.until) return;
      if (this.at > this.until) this.malformed = true;
    }
    this.state = State.TAG;
    while (this.stack.length > 1 && this.at >= this.stack.at(-1)!.end) {
      if (this.at > this.stack.at(-1)!.end) this.malformed = true;
      this.stack.pop();
    }
  }

  private long(count: number): void {
    const before = Math.floor(this.longs / longsPerElement);
    this.longs += count;
    this.add(Math.floor(this.longs / longsPerElement) - before);
  }

  private add(count: number): void {
    this.elements += count;
    if (this.elements > this.maxElements) throw new TooManyElementsError(this.maxElements);
  }
}

function shapeOf(schema: DescMessage): Shape {
  let shape = shapes.get(schema);
  if (shape === undefined) {
    const fields = new Map<number, FieldShape>();
    shape = { weight: weightOf(schema), fields, countsUnknown: true };
    shapes.set(schema, shape);
    for (const field of schema.fields) fields.set(field.number, fieldShape(field));
  }
  return shape;
}

function fieldShape(field: DescField): FieldShape {
  const message = field.message === undefined ? null : shapeOf(field.message);
  if (field.fieldKind === "map") {
    const value: FieldShape = { message, counts: false, longs: "none" };
    const key: FieldShape = { message: null, counts: false, longs: "none" };
    const fields = new Map([
      [1, key],
      [2, value],
    ]);
    return { message: { weight: 1, fields, countsUnknown: false }, counts: false, longs: "none" };
  }
  const inList = field.fieldKind === "list";
  const counts = inList && (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES);
  return { message, counts, longs: inList && isLong(field) ? longsOf(field) : "none" };
}

function longsOf({ scalar }: DescField): "varint" | "fixed" {
  return scalarEncoders[scalar!].wireType === WireType.Varint ? "varint" : "fixed";
}
