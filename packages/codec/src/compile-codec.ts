// SPDX-License-Identifier: Apache-2.0
import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { TooManyElementsError, tooMany } from "./decode/elements.js";
import { decoderOf } from "./decode/message-decoder.js";
import type { Fields } from "./encode/encoders.js";
import { encoderOf } from "./encode/message-encoder.js";
import { parseBinary } from "./fallback/parse-binary.js";
import { input } from "./wire/varint.js";

/** Turns messages of one type into bytes and back. */
export interface CompiledCodec<D extends DescMessage> {
  /**
   * The bytes of a message, or of an object with its fields, as `toBinary(schema, create(schema, message))` gives them. Throws
   * what that throws for what can't be serialised.
   */
  serialize(message: MessageInitShape<D>): Uint8Array;
  /**
   * The message in the bytes from `start` (0) to `end` (`b.length`), as {@link parseBinary} gives it. Throws the errors of
   * `parseBinary` for malformed bytes, and a `RangeError` for a range outside of `b`. The message owns its `bytes` and unknown fields,
   * each a `Uint8Array`: they share nothing with `b`. With `owned` (default false) `b.buffer` becomes the message's: a field that takes
   * more than half of it stays in it, and no other code may use the buffer again.
   *
   * Throws a {@link TooManyElementsError} for a message with more than `maxElements` (no limit): messages in it, strings and bytes in
   * lists, entries of maps, and unknown fields.
   */
  parse(b: Uint8Array, start?: number, end?: number, owned?: boolean, maxElements?: number): MessageShape<D>;
  /** Serialisation into a buffer that is there. */
  readonly direct: InPlaceWriter<MessageInitShape<D>>;
}

/** Writes messages in place. */
export interface InPlaceWriter<Init> {
  /** An upper bound of the message's bytes; -1 if it can't be written in place, and only `serialize` will do. */
  bound(message: Init): number;
  /**
   * Writes the message at `at`, where there is room for `bound` bytes, and returns the offset behind the message. Returns -1 if the
   * message can't be written in place: then only `serialize` will do, and the bytes in the room are undefined. `write` returns -1
   * wherever `bound` does.
   *
   * A getter may return more than it did for `bound`. Then the offset is above `at + bound`, and the end of `b` may have cut the message.
   */
  write(message: Init, b: Uint8Array, at: number): number;
}

/** A larger message is serialised in a buffer of its own. */
const keptBytes = 262_144;
/** Above this a bound may be too far from what a message takes: three times that, for texts. */
const largestBound = 16 * 1_048_576;

const none = new Uint8Array(0);
/**
 * The buffer in which messages are serialised before they are copied; `none` while it is in use. The buffer grows to the size of the
 * largest message, up to {@link keptBytes}, and stays.
 */
let kept = none;

const codecs = new WeakMap<DescMessage, CompiledCodec<DescMessage>>();

/**
 * Compiles the codec of a message type, once per type: closures made of the descriptor, no generated source, so that it runs
 * where `eval` is forbidden. Bytes and messages are those of protobuf-es, several times as fast for small ones.
 *
 * What the compiled code does not know (groups, `google.protobuf.Struct`, values of a wrong type, malformed bytes) is done by
 * protobuf-es, from the start, which also words all errors. Throws a `TypeError` for what is no message's schema.
 */
export function compileCodec<D extends DescMessage>(schema: D): CompiledCodec<D> {
  if ((schema as Partial<DescMessage> | undefined)?.kind !== "message") throw noSchema(schema);
  let codec = codecs.get(schema) as CompiledCodec<D> | undefined;
  if (codec === undefined) {
    codec = compile(schema);
    codecs.set(schema, codec as unknown as CompiledCodec<DescMessage>);
  }
  return codec;
}

function compile<D extends DescMessage>(schema: D): CompiledCodec<D> {
  const encoder = encoderOf(schema);
  const decoder = decoderOf(schema);
  const top: Fields = {};

  const bound = (message: MessageInitShape<D>): number => {
    try {
      return encoder.accepts(message, top) ? encoder.bound(message) : -1;
    } catch {
      return -1;
    }
  };
  const write = (message: MessageInitShape<D>, b: Uint8Array, at: number): number => {
    try {
      return encoder.accepts(message, top) ? encoder.write(message, b, at) : -1;
    } catch {
      return -1;
    }
  };
  const slowly = (message: MessageInitShape<D>): Uint8Array => toBinary(schema, create(schema, message));

  return {
    serialize(message) {
      const most = bound(message);
      if (most < 0 || most > largestBound) return slowly(message);
      const b = takeRoom(most);
      const length = write(message, b, 0);
      // More than announced: a getter has changed its mind, and what did not fit is lost.
      const bytes = length < 0 || length > most ? null : b.slice(0, length);
      giveBack(b);
      return bytes ?? slowly(message);
    },
    parse(b, start = 0, end = b.byteLength, owned = false, maxElements = Number.MAX_SAFE_INTEGER) {
      // A text has no byteLength, and an ArrayBuffer no length.
      if (!(start >= 0 && start <= end && end <= b.length && end <= b.byteLength)) {
        throw outside(b, start, end);
      }
      try {
        input.at = start;
        input.depth = 0;
        input.owned = owned;
        input.elementsLeft = maxElements;
        input.longs = 0;
        const message = decoder.read(b, end) as unknown as MessageShape<D>;
        input.elements = maxElements - input.elementsLeft;
        return message;
      } catch (error) {
        if (error === tooMany) refuse(maxElements);
        return parseBinary(schema, new Uint8Array(b.buffer, b.byteOffset + start, end - start), {
          maxElements,
        });
      }
    },
    direct: { bound, write },
  };
}

function refuse(maxElements: number): never {
  throw new TooManyElementsError(maxElements);
}

function noSchema(given: unknown): TypeError {
  const name = (given as Partial<DescMessage> | null | undefined)?.typeName;
  const what = name === undefined ? `schema of type ${typeof given}` : `schema of "${name}"`;
  return new TypeError(`${what} is not the schema of a message: give one as protoc-gen-es makes it`);
}

function outside(b: Uint8Array, start: number, end: number): Error {
  if (!(b instanceof Uint8Array)) return new TypeError(`bytes of type ${typeof b}: give a Uint8Array`);
  return new RangeError(`bytes ${start} to ${end} are not in an array of ${b.length}`);
}

/** A buffer of at least so many bytes. It is exclusive until it is given back, since a getter may serialise too. */
function takeRoom(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes > keptBytes) return new Uint8Array(bytes);
  const grown = Math.min(keptBytes, Math.max(bytes, 1024, kept.length * 2));
  const room = bytes <= kept.length ? kept : new Uint8Array(grown);
  kept = none;
  return room;
}

function giveBack(room: Uint8Array<ArrayBuffer>): void {
  if (room.length > kept.length && room.length <= keptBytes) kept = room;
}
