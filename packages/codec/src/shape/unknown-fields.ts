// SPDX-License-Identifier: Apache-2.0
import type { UnknownField } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { varintSize, writeVarint32 } from "../wire/varint.js";
import type { Building } from "./zero-message.js";

/** Where a message has its {@link UnknownFields}, beside the accessor `$unknown`. Copies of the message don't get it. */
const key: unique symbol = Symbol("unknown fields");

const copiedInLoop = 24;
/** Groups in groups: the parser has seen them, and kept its own limit. */
const anyDepth = Number.MAX_SAFE_INTEGER;
const none = new Uint8Array(0);

/**
 * The unknown fields of one message, as one slice of bytes: tag, value, tag, value … An object for each would take a hundred times
 * the two bytes of a small field. The objects are made when `$unknown` is read.
 */
export class UnknownFields {
  private bytes: Uint8Array<ArrayBuffer> = none;
  private length = 0;
  private made: UnknownField[] | null = null;

  /** Adds a field, whose value is the bytes from `start` to `end`. */
  add(tag: number, b: Uint8Array, start: number, end: number): void {
    const width = varintSize(tag);
    const needed = this.length + width + end - start;
    if (needed > this.bytes.length) {
      // Doubled: a message may be merged of thousands.
      const grown = new Uint8Array(Math.max(needed, this.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    const at = writeVarint32(this.bytes, this.length, tag);
    if (end - start > copiedInLoop) this.bytes.set(b.subarray(start, end), at);
    else for (let i = start; i < end; i++) this.bytes[at + i - start] = b[i]!;
    this.length = needed;
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.made === null;
  }

  /** The fields as bytes; undefined once their objects were made, which the application may have changed. */
  get slice(): Uint8Array | undefined {
    return this.made === null ? this.bytes.subarray(0, this.length) : undefined;
  }

  /** The fields as objects, the same ones each time. */
  get list(): UnknownField[] {
    if (this.made !== null) return this.made;
    const list: UnknownField[] = [];
    const reader = new BinaryReader(this.bytes.subarray(0, this.length));
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      list.push({ no, wireType, data: new Uint8Array(reader.skip(wireType, no, anyDepth)) });
    }
    this.made = list;
    this.bytes = none;
    return list;
  }
}

type Holder = Building & { [key]?: UnknownFields | undefined };

/** `$unknown` of a message with unknown fields: becomes a property with a value when it is read or written. */
const accessor = {
  enumerable: true,
  configurable: true,
  get(this: Holder): UnknownField[] | undefined {
    const list = this[key]?.list;
    // A frozen message keeps the accessor.
    if (Object.isExtensible(this)) become(this, list);
    return list;
  },
  set(this: Holder, value: unknown): void {
    become(this, value);
  },
};

function become(message: Holder, value: unknown): void {
  Object.defineProperty(message, "$unknown", {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  message[key] = undefined;
}

/** The unknown fields of a message, to add to; new ones become the message's by {@link setUnknownFields}. */
export function unknownFieldsOf(message: Building): UnknownFields {
  return (message as Holder)[key] ?? new UnknownFields();
}

/** Makes unknown fields those of a message. */
export function setUnknownFields(message: Building, fields: UnknownFields): void {
  const holder = message as Holder;
  if (holder[key] === fields) return;
  Object.defineProperty(holder, key, { value: fields, writable: true });
  Object.defineProperty(holder, "$unknown", accessor);
}

/** The unknown fields of a message as bytes; undefined if it has none, or has them as objects. */
export function unknownSlice(message: object): Uint8Array | undefined {
  const fields = (message as Holder)[key];
  if (fields === undefined) return undefined;
  // The application may have deleted the property, or defined another one.
  const own = Object.getOwnPropertyDescriptor(message, "$unknown")?.get === accessor.get;
  return own ? fields.slice : undefined;
}
