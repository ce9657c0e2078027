// SPDX-License-Identifier: Apache-2.0
import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import type { Subtype } from "../protocol/content-type.js";
import { describeValue } from "./describe-value.js";
import { isThenable } from "./iterator.js";
import { speedUpTextEncoding } from "./text-encoding.js";

/**
 * Turns one type of message into bytes and back: the engine's only knowledge of serialisation. A codec that can write
 * in place gives `direct`, and the engine then encodes into the outgoing buffer without an array of its own.
 */
export interface MessageCodec<Out = unknown, In = unknown> {
  /** The bytes of a message, which nobody changes afterwards. Throws for a message that can't be serialised. */
  serialize(message: Out): Uint8Array;
  /** The message in a range of bytes, which may be a piece of a larger buffer that is not reused. Throws if it is none. */
  parse(b: Uint8Array, start: number, end: number): In;
  /** Serialisation in place. */
  readonly direct?: DirectEncoder<Out>;
}

/** Writes messages in place. */
export interface DirectEncoder<Out> {
  /** An upper bound of the message's octets. */
  bound(message: Out): number;
  /** Writes the message at `at`, and returns the offset behind it. */
  write(message: Out, b: Uint8Array, at: number): number;
}

/** The codec of protobuf-es for a subtype of gRPC's content type. */
export function messageCodec<D extends DescMessage>(
  schema: D,
  subtype: Subtype,
): MessageCodec<MessageInitShape<D>, MessageShape<D>> {
  return subtype === "json" ? jsonCodec(schema) : protoCodec(schema);
}

function protoCodec<D extends DescMessage>(schema: D): MessageCodec<MessageInitShape<D>, MessageShape<D>> {
  speedUpTextEncoding();
  return {
    serialize: (message) => toBinary(schema, asMessage(schema, message)),
    // A plain Uint8Array: making a Buffer's subarray takes three times as long.
    parse: (b, start, end) => fromBinary(schema, new Uint8Array(b.buffer, b.byteOffset + start, end - start)),
  };
}

function jsonCodec<D extends DescMessage>(schema: D): MessageCodec<MessageInitShape<D>, MessageShape<D>> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return {
    serialize: (message) => encoder.encode(toJsonString(schema, asMessage(schema, message))),
    parse: (b, start, end) =>
      fromJsonString(schema, decoder.decode(b.subarray(start, end)), { ignoreUnknownFields: true }),
  };
}

/**
 * A plain object becomes a message; a message stays as it is. Throws a `TypeError` for what is neither: protobuf-es would
 * make an empty message of it.
 */
export function asMessage<D extends DescMessage>(schema: D, init: MessageInitShape<D>): MessageShape<D> {
  const given = init as { $typeName?: unknown } | null | undefined;
  if (given?.$typeName === schema.typeName) return init as MessageShape<D>;
  if (isInit(given)) return create(schema, init);
  throw new TypeError(
    `${describeValue(given)} is no ${schema.typeName}: give a message of that type, or an object with its fields`,
  );
}

function isInit(given: { readonly $typeName?: unknown } | null | undefined): boolean {
  if (typeof given !== "object" || given === null || given.$typeName !== undefined) return false;
  return !Array.isArray(given) && !ArrayBuffer.isView(given) && !isThenable(given);
}
