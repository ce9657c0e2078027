// SPDX-License-Identifier: Apache-2.0
import type { DescMessage } from "@bufbuild/protobuf";
import { setUnknownFields, type UnknownFields, unknownFieldsOf } from "../shape/unknown-fields.js";
import { type Building, zeroMessage } from "../shape/zero-message.js";
import { needsFallback } from "../wire/needs-fallback.js";
import { input, readStop, readTag } from "../wire/varint.js";
import type { FieldDecoder, TypeDecoder } from "./decoders.js";
import { countElement, countElements, weightOf } from "./elements.js";
import { createFieldDecoder } from "./field-decoder.js";
import { skip } from "./skip.js";

/** Messages inside messages; protobuf-es says what happens beyond. */
const deepest = 90;
/** Tags below this take one byte: the fields 1 to 15. */
const shortTags = 0x80;

/** Reads messages of one type. Made at the first use of the type, its fields at the first message: types may be recursive. */
export class MessageDecoder implements TypeDecoder {
  private readonly desc: DescMessage;
  private create: (() => Building) | null = null;
  private readonly weight: number;
  private readonly short: (FieldDecoder | null)[] = [];
  private readonly long = new Map<number, FieldDecoder>();
  private readonly numbers = new Set<number>();

  constructor(desc: DescMessage) {
    this.desc = desc;
    this.weight = weightOf(desc);
  }

  /** Makes a message of the bytes from `input.at` to `end`. */
  read(b: Uint8Array, end: number): Building {
    const message = this.zero();
    this.readInto(message, b, end);
    return message;
  }

  /** A message without a field set. */
  zero(): Building {
    if (this.create === null) this.compile();
    return this.create!();
  }

  /** Adds what the bytes from `input.at` to `end` say to a message. */
  readInto(message: Building, b: Uint8Array, end: number): void {
    const { short } = this;
    let unknown: UnknownFields | null = null;
    while (input.at < end) {
      let tag = b[input.at]!;
      let field: FieldDecoder | null;
      if (tag < shortTags) {
        input.at++;
        field = short[tag]!;
      } else {
        tag = readTag(b, end);
        field = this.long.get(tag) ?? null;
      }
      if (field !== null) {
        field(message, b, end);
      } else {
        unknown = this.unknown(message, unknown, tag, b, end);
      }
    }
    if (unknown !== null) setUnknownFields(message, unknown);
  }

  /** @inheritdoc */
  readDelimited(b: Uint8Array, end: number): Building {
    const message = this.zero();
    const stop = readStop(b, end);
    countElements(this.weight);
    this.readInside(message, b, stop);
    return message;
  }

  /** @inheritdoc */
  readDelimitedInto(message: Building, b: Uint8Array, end: number): void {
    const stop = readStop(b, end);
    countElement();
    this.readInside(message, b, stop);
  }

  private readInside(message: Building, b: Uint8Array, stop: number): void {
    if (++input.depth > deepest) throw needsFallback;
    this.readInto(message, b, stop);
    input.depth--;
  }

  private unknown(
    message: Building,
    before: UnknownFields | null,
    tag: number,
    b: Uint8Array,
    end: number,
  ): UnknownFields {
    const no = tag >>> 3;
    // A field of ours in another wire type, or with its tag in more bytes than it needs.
    if (this.numbers.has(no)) throw needsFallback;
    const start = input.at;
    skip(tag, b, end);
    countElement();
    const fields = before ?? unknownFieldsOf(message);
    fields.add(tag, b, start, input.at);
    return fields;
  }

  private compile(): void {
    this.create = zeroMessage(this.desc);
    for (let tag = 0; tag < shortTags; tag++) this.short.push(null);
    for (const field of this.desc.fields) {
      this.numbers.add(field.number);
      for (const [tag, decode] of createFieldDecoder(field, decoderOf)) {
        if (tag < shortTags) this.short[tag] = decode;
        else this.long.set(tag, decode);
      }
    }
  }
}

const decoders = new WeakMap<DescMessage, MessageDecoder>();

/** The decoder of a type; the same for each call. */
export function decoderOf(desc: DescMessage): MessageDecoder {
  let decoder = decoders.get(desc);
  if (decoder === undefined) {
    decoder = new MessageDecoder(desc);
    decoders.set(desc, decoder);
  }
  return decoder;
}
