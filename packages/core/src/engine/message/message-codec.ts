// SPDX-License-Identifier: Apache-2.0
import {
  create,
  type DescMessage,
  fromJsonString,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { compileCodec, type InPlaceWriter, parseBinary, parsedElements } from "@tristream/codec";
import { describeValue } from "../../options/describe-value.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { isThenable } from "../../runtime/iterator.js";
import type { FormatOptions } from "./format-options.js";
import { type JsonWeights, jsonElements, jsonWeights } from "./json-elements.js";
import { speedUpTextEncoding } from "./text-encoding.js";

/**
 * Turns one type of message into bytes and back: the engine's only knowledge of serialisation. A codec that can write
 * in place gives `direct`, and the engine then encodes into the outgoing buffer without an array of its own.
 */
export interface MessageCodec<Out = unknown, In = unknown> {
  /** The bytes of a message, which must not be changed afterwards. Throws for a message that can't be serialised. */
  serialize(message: Out): Uint8Array;
  /**
   * The message in a range of bytes. The buffer may hold messages of other calls, so the message keeps copies, unless `owned` gives
   * the buffer to it. Throws for bytes that are not such a message.
   */
  parse(b: Uint8Array, start: number, end: number, owned: boolean): In;
  /** How many elements the message has that was parsed last, of any codec. */
  elements(): number;
  /** Serialisation in place. */
  readonly direct?: InPlaceWriter<Out>;
}

/**
 * The codec for a message format. `parse` throws a `TooManyElementsError` for a message with more than `maxElements`.
 */
export function messageCodec<D extends DescMessage>(
  schema: D,
  format: MessageFormat,
  options: FormatOptions,
  maxElements = Number.POSITIVE_INFINITY,
): MessageCodec<MessageInitShape<D>, MessageShape<D>> {
  if (format === "json") return jsonCodec(schema, options.jsonOptions, maxElements);
  const { binaryOptions } = options;
  return binaryOptions === undefined
    ? compiledCodec(schema, maxElements)
    : protobufCodec(schema, binaryOptions, maxElements);
}

function compiledCodec<D extends DescMessage>(
  schema: D,
  maxElements: number,
): MessageCodec<MessageInitShape<D>, MessageShape<D>> {
  const { serialize, parse, direct } = compileCodec(schema);
  return {
    serialize(message) {
      checkMessage(schema, message);
      return serialize(message);
    },
    parse: (b, start, end, owned) => parse(b, start, end, owned, maxElements),
    elements: parsedElements,
    direct: {
      // `serialize` throws for a value that is not a message.
      bound: (message) => (isMessageOrInit(schema, message) ? direct.bound(message) : -1),
      write: direct.write,
    },
  };
}

function protobufCodec<D extends DescMessage>(
  schema: D,
  options: NonNullable<FormatOptions["binaryOptions"]>,
  maxElements: number,
): MessageCodec<MessageInitShape<D>, MessageShape<D>> {
  speedUpTextEncoding();
  // protobuf-es copies what it is given with every message.
  const given = Object.keys(options).length === 0 ? undefined : options;
  const reading = { ...options, maxElements };
  return {
    serialize: (message) => toBinary(schema, asMessage(schema, message), given),
    // A plain Uint8Array: making a Buffer's subarray takes three times as long.
    parse: (b, start, end) =>
      parseBinary(schema, new Uint8Array(b.buffer, b.byteOffset + start, end - start), reading),
    elements: parsedElements,
  };
}

function jsonCodec<D extends DescMessage>(
  schema: D,
  options: FormatOptions["jsonOptions"],
  maxElements: number,
): MessageCodec<MessageInitShape<D>, MessageShape<D>> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let elements = 0;
  let weights: JsonWeights | undefined;
  const reading = { ...options, ignoreUnknownFields: options?.ignoreUnknownFields ?? true };
  return {
    serialize: (message) => encoder.encode(toJsonString(schema, asMessage(schema, message), options)),
    parse(b, start, end) {
      weights ??= jsonWeights(schema);
      elements = jsonElements(b, start, end, maxElements, weights);
      return fromJsonString(schema, decoder.decode(b.subarray(start, end)), reading);
    },
    elements: () => elements,
  };
}

/**
 * A plain object becomes a message; a message stays as it is. Throws a `TypeError` for what is neither: protobuf-es would
 * make an empty message of it.
 */
export function asMessage<D extends DescMessage>(schema: D, init: MessageInitShape<D>): MessageShape<D> {
  checkMessage(schema, init);
  return create(schema, init);
}

function checkMessage(schema: DescMessage, given: unknown): void {
  if (isMessageOrInit(schema, given)) return;
  throw new TypeError(
    `${describeValue(given)} is not a ${schema.typeName}: give a message of that type, or an object with its fields`,
  );
}

function isMessageOrInit(schema: DescMessage, given: unknown): boolean {
  if (typeof given !== "object" || given === null) return false;
  const name = (given as { readonly $typeName?: unknown }).$typeName;
  if (name !== undefined) return name === schema.typeName;
  return !Array.isArray(given) && !ArrayBuffer.isView(given) && !isThenable(given);
}

/**
 * The bytes of a message. Throws a `ConnectError` for one of more than `maxBytes`, a `TypeError` for one that can't be serialised.
 */
export function serializeMessage<T>(
  codec: MessageCodec<T, unknown>,
  message: T,
  maxBytes: number,
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = codec.serialize(message);
  } catch (cause) {
    throw unserialisable(cause);
  }
  if (bytes.length > maxBytes) {
    throw new ConnectError(
      `message of ${bytes.length} bytes is larger than the limit of ${maxBytes}: raise writeMaxBytes where it is sent`,
      Code.ResourceExhausted,
    );
  }
  return bytes;
}

/** Not a `ConnectError`: on a server this is a mistake of the handler, which goes to the log and not to the client. */
function unserialisable(cause: unknown): TypeError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new TypeError(`message can't be serialised: ${text}`, { cause });
}
