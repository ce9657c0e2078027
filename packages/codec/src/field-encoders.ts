// SPDX-License-Identifier: Apache-2.0
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { mapKeyValue } from "./map-key.js";
import type { Fields, MessageEncoder } from "./message-encoder.js";
import { type ScalarEncoder, scalarEncoders } from "./scalar-encoders.js";
import { putLength } from "./text.js";
import { unusual } from "./unusual.js";
import { varint32Bytes, varintSize, writeVarint32 } from "./varint.js";
import { convertsMessage } from "./well-known.js";
import { tagOf, WireType } from "./wire-type.js";

/** Writes one field of a message. */
export interface FieldEncoder {
  /** The most octets with the tag; null: ask `bound`. */
  readonly fixedBytes: number | null;
  /** The most octets that the field takes in this message, with the tag. */
  readonly bound: (message: Fields) => number;
  /** Writes the field if it is set; returns the offset behind it. */
  readonly write: (message: Fields, b: Uint8Array, at: number) => number;
}

/** Writes one value: a scalar, an enum or a message. `parent` is the message that it is in. */
interface ValueEncoder {
  readonly wireType: number;
  readonly fixedBytes: number | null;
  readonly bound: (value: unknown, parent: Fields) => number;
  readonly write: (value: unknown, parent: Fields, b: Uint8Array, at: number) => number;
}

/** What a oneof holds. */
interface Chosen {
  readonly case?: unknown;
  readonly value?: unknown;
}

/** The encoder of a message type. */
type EncoderOf = (desc: DescMessage) => MessageEncoder;

// protobuf-es has these as constants of its own.
const implicitPresence = 2;
const legacyRequired = 3;

/** Compiles a field. */
export function createFieldEncoder(field: DescField, encoderOf: EncoderOf): FieldEncoder {
  if (isLeft(field)) return leftEncoder(field);
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

/** Groups, and messages that protobuf-es holds in another form, are left to it. */
function isLeft(field: DescField): boolean {
  if (field.message === undefined) return false;
  return ("delimitedEncoding" in field && field.delimitedEncoding) || convertsMessage(field);
}

/** Leaves the message to protobuf-es if the field may be set, or has to be. */
function leftEncoder(field: DescField): FieldEncoder {
  const { oneof, localName, fieldKind } = field;
  const required = field.presence === legacyRequired;
  const isSet = (message: Fields): boolean => {
    if (required) return true;
    const value = message[oneof === undefined ? localName : oneof.localName];
    if (fieldKind === "message" && oneof === undefined) return value !== undefined;
    // A message has its lists, maps and oneofs, be they empty.
    if (value === undefined || value === null) return message.$typeName !== undefined;
    if (oneof !== undefined) return (value as Chosen).case === localName;
    // Places of a list that hold nothing are no keys.
    return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
  };
  return {
    fixedBytes: null,
    bound(message) {
      if (isSet(message)) throw unusual;
      return 0;
    },
    write: (_message, _b, at) => at,
  };
}

/** A field that has not been given: that is all right in an object with fields, and the end of it in a message. */
function absent(message: Fields, value: unknown): void {
  if (message.$typeName !== undefined || (value !== undefined && value !== null)) throw unusual;
}

function implicitEncoder(field: DescField, value: ValueEncoder): FieldEncoder {
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
        absent(message, given);
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
function explicitEncoder(field: DescField, value: ValueEncoder): FieldEncoder {
  const { localName } = field;
  const required = field.presence === legacyRequired;
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
        if (required) throw unusual;
        return at;
      }
      if (given === null) {
        if (isMessage || required) throw unusual;
        return at;
      }
      return value.write(given, message, b, putTag(b, at, tag));
    },
  };
}

function oneofEncoder(field: DescField, group: string, value: ValueEncoder): FieldEncoder {
  const { localName } = field;
  const tag = tagOf(field.number, value.wireType);
  const tagBytes = varintSize(tag);
  const chosen = (message: Fields): Chosen | null => {
    const given = message[group] as Chosen | null | undefined;
    if (given === undefined || given === null) {
      absent(message, given);
      return null;
    }
    return given.case === localName ? given : null;
  };
  return {
    // Only one of the group is set: to count all would make the bound of a large one useless.
    fixedBytes: null,
    bound(message) {
      const given = chosen(message);
      return given === null ? 0 : value.bound(given.value, message) + tagBytes;
    },
    write(message, b, at) {
      const given = chosen(message);
      return given === null ? at : value.write(given.value, message, b, putTag(b, at, tag));
    },
  };
}

function listEncoder(field: DescField & { fieldKind: "list" }, encoderOf: EncoderOf): FieldEncoder {
  const { localName } = field;
  const value = valueEncoder(field, encoderOf);
  const items = (message: Fields): readonly unknown[] | null => {
    const given = message[localName];
    if (Array.isArray(given)) return given;
    absent(message, given);
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

function mapEncoder(field: DescField & { fieldKind: "map" }, encoderOf: EncoderOf): FieldEncoder {
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
    absent(message, given);
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
        // Whether `create` keeps it depends on the kind of value.
        if (name === "__proto__") throw unusual;
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

function valueEncoder(field: DescField, encoderOf: EncoderOf): ValueEncoder {
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

function messageValue(encoder: MessageEncoder): ValueEncoder {
  // As many octets as the last one's length took: those of one field tend to be alike, and then nothing has to be moved.
  let width = 1;
  return {
    wireType: WireType.LengthDelimited,
    fixedBytes: null,
    bound(value, parent) {
      if (!encoder.accepts(value, parent)) throw unusual;
      return encoder.bound(value) + varint32Bytes;
    },
    write(value, parent, b, at) {
      if (!encoder.accepts(value, parent)) throw unusual;
      const before = width;
      const end = encoder.write(value, b, at + before);
      width = varintSize(end - at - before);
      return putLength(b, at, before, end);
    },
  };
}

function putTag(b: Uint8Array, at: number, tag: number): number {
  if (tag < 0x80) {
    b[at] = tag;
    return at + 1;
  }
  return writeVarint32(b, at, tag);
}
