// SPDX-License-Identifier: Apache-2.0
import {
  type BinaryReadOptions,
  type DescEnum,
  type DescField,
  type DescMessage,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect, scalarZeroValue } from "@bufbuild/protobuf/reflect";
import { BinaryReader, getTextEncoding, WireType } from "@bufbuild/protobuf/wire";
import { longsPerElement, TooManyElementsError, weightOf } from "../decode/elements.js";
import { isLong, shortNumbers } from "../decode/short-numbers.js";
import { scalarEncoders } from "../encode/scalar-encoders.js";
import { putEntry } from "../shape/map-key.js";
import { hasEmptyBytes } from "../shape/own-bytes.js";
import { setUnknownFields, type UnknownFields, unknownFieldsOf } from "../shape/unknown-fields.js";
import type { Building } from "../shape/zero-message.js";
import { quickText } from "../wire/text.js";
import { input } from "../wire/varint.js";

/** protobuf-es's own limit of messages inside messages. */
const recursionLimit = 100;

/** Options of {@link parseBinary}: those of `fromBinary`, and a limit. */
export interface ReadOptions {
  /** True if the message keeps unknown fields. Default true. */
  readUnknownFields?: boolean | undefined;
  /** Messages inside messages. Default 100. */
  recursionLimit?: number | undefined;
  /**
   * Elements of a message: messages in it, strings and bytes in lists, entries of maps, and unknown fields. More throw a
   * `TooManyElementsError`. Default: no limit.
   */
  maxElements?: number | undefined;
}

/**
 * Parses a message as `fromBinary` of protobuf-es does, with its options and errors, but for three differences. The message owns
 * its bytes, where `fromBinary` gives views of the input. Entries of maps are read as the encoding guide has them (protobuf-es#1542):
 * repeated values are merged, unknown fields are skipped, and an entry with a value that a closed enum doesn't know is an unknown
 * field. Names of `Object.prototype`, and `__proto__`, are names like others.
 *
 * Slow: it goes through protobuf-es's reflection. The compiled codec calls it for messages that it doesn't know.
 */
export function parseBinary<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  options: ReadOptions = {},
): MessageShape<D> {
  const reader = new OwningReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const parser = new Parser(reader, {
    readUnknownFields: options.readUnknownFields ?? true,
    recursionLimit: options.recursionLimit ?? recursionLimit,
    maxElements: options.maxElements ?? Number.POSITIVE_INFINITY,
  });
  const message = reflect(schema, undefined, false);
  parser.fields(message, bytes.byteLength, 0);
  input.elements = parser.elements;
  return message.message as MessageShape<D>;
}

/** A reader that copies bytes, and reads texts as the compiled codec does. */
class OwningReader extends BinaryReader {
  override bytes(): Uint8Array<ArrayBuffer> {
    const start = this.skipBytes();
    return this.buf.slice(start, this.pos) as Uint8Array<ArrayBuffer>;
  }

  override string(strict?: boolean): string {
    const { buf } = this;
    const start = this.skipBytes();
    const text = quickText(buf, start, this.pos);
    return text ?? getTextEncoding().decodeUtf8(buf.subarray(start, this.pos), strict);
  }

  /** The next byte; Infinity at the end. */
  peek(): number {
    return this.pos < this.len ? this.buf[this.pos]! : Number.POSITIVE_INFINITY;
  }

  /** True if the next length is 0. */
  get emptyComes(): boolean {
    return this.pos < this.len && this.buf[this.pos] === 0;
  }

  /** Reads a length, and goes behind so many bytes; returns where they begin. */
  private skipBytes(): number {
    const length = this.uint32();
    const start = this.pos;
    this.pos += length;
    this.assertBounds();
    return start;
  }

  /** Adds the bytes that were read since `start` to unknown fields, as the value of a field. */
  keep(fields: UnknownFields, no: number, wireType: WireType, start: number): void {
    fields.add(((no << 3) | wireType) >>> 0, this.buf, start, this.pos);
  }
}

type MapField = DescField & { readonly fieldKind: "map" };
type MessageField = DescField & { readonly message: DescMessage };

class Parser {
  private readonly reader: OwningReader;
  private readonly options: Required<BinaryReadOptions>;
  private readonly maxElements: number;
  elements = 0;
  private longs = 0;
  private depth = 0;

  constructor(reader: OwningReader, options: Required<BinaryReadOptions> & { readonly maxElements: number }) {
    this.reader = reader;
    this.options = options;
    this.maxElements = options.maxElements;
  }

  private keep(unknown: UnknownFields, no: number, wireType: WireType, start: number): void {
    if (!this.options.readUnknownFields) return;
    this.count();
    this.reader.keep(unknown, no, wireType, start);
  }

  private count(weight = 1): void {
    this.elements += weight;
    if (this.elements > this.maxElements) throw new TooManyElementsError(this.maxElements);
  }

  /** Reads fields up to `end`, or, of a group, up to the end of the group `no`. */
  fields(message: ReflectMessage, end: number, no: number): void {
    const { reader } = this;
    const limit = this.options.recursionLimit;
    if (++this.depth > limit) {
      throw new Error(
        `cannot decode ${message.desc} from binary: maximum recursion depth of ${limit} reached`,
      );
    }
    const holder = message.message as unknown as Building;
    const unknown = unknownFieldsOf(holder);
    let fieldNo = 0;
    let wireType: WireType = WireType.Varint;
    while (reader.pos < end) {
      [fieldNo, wireType] = reader.tag();
      if (no > 0 && wireType === WireType.EndGroup) break;
      const field = message.findNumber(fieldNo);
      if (field === undefined || (field.fieldKind === "map" && wireType !== WireType.LengthDelimited)) {
        const start = reader.pos;
        reader.skip(wireType, fieldNo, limit - this.depth);
        this.keep(unknown, fieldNo, wireType, start);
      } else {
        this.field(message, field, wireType, unknown);
      }
    }
    if (!unknown.isEmpty && this.options.readUnknownFields) setUnknownFields(holder, unknown);
    if (no > 0 && (wireType !== WireType.EndGroup || fieldNo !== no))
      throw new Error("invalid end group tag");
    this.depth--;
  }

  private field(message: ReflectMessage, field: DescField, wireType: WireType, unknown: UnknownFields): void {
    switch (field.fieldKind) {
      case "scalar":
        if (field.scalar === ScalarType.BYTES) this.bytes(message, field);
        else message.set(field, this.scalar(field.scalar, field.utf8Validation));
        return;
      case "enum": {
        const start = this.reader.pos;
        const value = this.reader.int32();
        if (isKnown(field, value)) message.set(field, value);
        else this.keep(unknown, field.number, wireType, start);
        return;
      }
      case "message":
        // Without isSet, a field named like a member of `Object.prototype` would count as set.
        message.set(field, this.message(field, message.isSet(field) ? message.get(field) : undefined));
        return;
      case "list":
        this.list(message, field, wireType);
        return;
      case "map":
        this.entry(message, field, unknown);
    }
  }

  /** An array for each of many empty values would take 0.2 µs. */
  private bytes(message: ReflectMessage, field: DescField & { fieldKind: "scalar" }): void {
    const { reader } = this;
    const held = message.message as unknown as Building;
    if (reader.emptyComes && hasEmptyBytes(held, field.localName)) reader.pos++;
    else message.set(field, reader.bytes());
  }

  private list(message: ReflectMessage, field: DescField & { fieldKind: "list" }, wireType: WireType): void {
    const { reader } = this;
    const list = message.get(field);
    if (field.listKind === "message") {
      list.add(this.message(field));
      return;
    }
    const type = field.scalar ?? ScalarType.INT32;
    const packed =
      wireType === WireType.LengthDelimited && type !== ScalarType.STRING && type !== ScalarType.BYTES;
    if (!packed) {
      if (type === ScalarType.STRING || type === ScalarType.BYTES) this.count();
      list.add(this.number(field, type));
      return;
    }
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end) list.add(this.number(field, type));
  }

  /** An item of a list. Numbers of one byte are shared, unless they are texts, which the reflection does not take. */
  private number(field: DescField & { fieldKind: "list" }, type: ScalarType): unknown {
    const { reader } = this;
    const short = shortNumbers(field);
    const byte = reader.peek();
    const isShort = short !== null && byte < short.length;
    if (isShort && typeof short[byte] !== "string") {
      reader.pos++;
      return short[byte];
    }
    if (!isShort && isLong(field) && ++this.longs % longsPerElement === 0) this.count();
    return this.scalar(type, field.utf8Validation);
  }

  private entry(message: ReflectMessage, field: MapField, unknown: UnknownFields): void {
    const { reader } = this;
    this.count();
    const start = reader.pos;
    // Reading the length moves `pos`, from which the length counts.
    const length = reader.uint32();
    const end = reader.pos + length;
    let key: unknown;
    let value: unknown;
    while (reader.pos < end) {
      const [no, wireType] = reader.tag();
      if (no === 1 && wireType === wireTypeOf(field.mapKey)) {
        key = this.scalar(field.mapKey, field.utf8Validation);
      } else if (no === 2 && wireType === valueWireType(field)) {
        value = this.value(field, value as ReflectMessage | undefined);
      } else {
        reader.skip(wireType, no, this.options.recursionLimit - this.depth);
      }
    }
    if (reader.pos > end) throw new RangeError("premature EOF");
    if (field.mapKind === "enum" && value !== undefined && !isKnown(field, value as number)) {
      reader.keep(unknown, field.number, WireType.LengthDelimited, start);
      return;
    }
    setEntry(message, field, key ?? scalarZeroValue(field.mapKey, false), value ?? zeroValue(field));
  }

  private value(field: MapField, before: ReflectMessage | undefined): unknown {
    if (field.mapKind === "message") return this.message(field, before);
    return field.mapKind === "enum"
      ? this.reader.int32()
      : this.scalar(field.scalar as ScalarType, field.utf8Validation);
  }

  private message(field: MessageField, before?: ReflectMessage): ReflectMessage {
    this.count(before === undefined ? weightOf(field.message) : 1);
    const message = before ?? reflect(field.message, undefined, false);
    if ("delimitedEncoding" in field && field.delimitedEncoding === true) {
      this.fields(message, this.reader.len, field.number);
    } else {
      const length = this.reader.uint32();
      this.fields(message, this.reader.pos + length, 0);
    }
    return message;
  }

  private scalar(type: ScalarType, checkUtf8: boolean): unknown {
    const { reader } = this;
    switch (type) {
      case ScalarType.STRING:
        return reader.string(checkUtf8);
      case ScalarType.BYTES:
        return reader.bytes();
      default:
        return reader[methods[type]]();
    }
  }
}

/** The reads of a {@link BinaryReader} for scalars other than strings and bytes. */
const methods = {
  [ScalarType.DOUBLE]: "double",
  [ScalarType.FLOAT]: "float",
  [ScalarType.INT64]: "int64",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.INT32]: "int32",
  [ScalarType.FIXED64]: "fixed64",
  [ScalarType.FIXED32]: "fixed32",
  [ScalarType.BOOL]: "bool",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.SFIXED32]: "sfixed32",
  [ScalarType.SFIXED64]: "sfixed64",
  [ScalarType.SINT32]: "sint32",
  [ScalarType.SINT64]: "sint64",
} as const;

/** True if an enum has a value of this number; an open enum takes each number. */
function isKnown(field: DescField & { readonly enum: DescEnum }, number: number): boolean {
  return field.enum.open || field.enum.values.some((value) => value.number === number);
}

function valueWireType(field: MapField): number {
  if (field.mapKind !== "message") return wireTypeOf(field.scalar ?? ScalarType.INT32);
  return field.delimitedEncoding ? WireType.StartGroup : WireType.LengthDelimited;
}

function wireTypeOf(type: ScalarType): number {
  return scalarEncoders[type].wireType;
}

function zeroValue(field: MapField): unknown {
  switch (field.mapKind) {
    case "message":
      return reflect(field.message, undefined, false);
    case "enum":
      return field.enum.values[0]!.number;
    default:
      return scalarZeroValue(field.scalar, false);
  }
}

/** An assignment to `__proto__` would change the map's prototype, and nothing would be in it. */
function setEntry(message: ReflectMessage, field: MapField, key: unknown, value: unknown): void {
  const map = message.get(field);
  if (key !== "__proto__") {
    map.set(key, value);
    return;
  }
  // The value in a message's own form, which the reflection wraps.
  const holder = reflect(message.desc, undefined, false);
  holder.get(field).set("", value);
  const entries = (message.message as unknown as Record<string, object>)[field.localName]!;
  const held = (holder.message as unknown as Record<string, Record<string, unknown>>)[field.localName]![""];
  putEntry(entries, key, held);
}
