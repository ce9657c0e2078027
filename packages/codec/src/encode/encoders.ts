// SPDX-License-Identifier: Apache-2.0
import type { DescMessage, UnknownField } from "@bufbuild/protobuf";

/** A message, or an object with its fields: only the former has a type name. */
export type Fields = Readonly<Record<string, unknown>> & {
  readonly $typeName?: string;
  readonly $unknown?: readonly UnknownField[];
};

/** Writes messages of one type. */
export interface TypeEncoder {
  /** The most bytes of a message. */
  bound(message: Fields): number;
  /** Writes a message; returns the offset behind it. */
  write(message: Fields, b: Uint8Array, at: number): number;
  /** Says whether `value` can be a message of this type inside `parent`: an object with its fields only if that is one. */
  accepts(value: unknown, parent: Fields): value is Fields;
}

/** The encoder of a message type. */
export type EncoderOf = (desc: DescMessage) => TypeEncoder;

/** Writes one field of a message. */
export interface FieldEncoder {
  /** The most bytes with the tag; null: ask `bound`. */
  readonly fixedBytes: number | null;
  /** The most bytes that the field takes in this message, with the tag. */
  readonly bound: (message: Fields) => number;
  /** Writes the field if it is set; returns the offset behind it. */
  readonly write: (message: Fields, b: Uint8Array, at: number) => number;
}

/** Writes one value: a scalar, an enum or a message. `parent` is the message that it is in. */
export interface ValueEncoder {
  readonly wireType: number;
  readonly fixedBytes: number | null;
  readonly bound: (value: unknown, parent: Fields) => number;
  readonly write: (value: unknown, parent: Fields, b: Uint8Array, at: number) => number;
}
