// SPDX-License-Identifier: Apache-2.0
import { clone, create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { compileCodec, parseBinary } from "../src/index.js";
import { canonicalEntries } from "./canonical-entries.js";

/** The outcome of an action. */
type Outcome = { readonly value: unknown } | { readonly error: string };

function outcomeOf(work: () => unknown): Outcome {
  try {
    return { value: work() };
  } catch (error) {
    return { error: String(error) };
  }
}

/**
 * Compares the serialisation of a message, or of an object with its fields, by the compiled codec with that by protobuf-es:
 * the bytes, or else the error. Returns what protobuf-es gave; undefined for an error. Throws an `Error` that says where they
 * differ.
 */
export function sameBytes(desc: DescMessage, init: object): Uint8Array | undefined {
  const { serialize, direct } = compileCodec(desc);
  const expected = outcomeOf(() => toBinary(desc, create(desc, init as never)));
  expectSame(
    "serialize",
    outcomeOf(() => serialize(init as never)),
    expected,
  );
  const bound = direct.bound(init as never);
  if (bound < 0) return bytesOf(expected);
  const margin = 16;
  const buffer = new Uint8Array(bound + 2 * margin).fill(0xa5);
  const end = direct.write(init as never, buffer, margin);
  if (end < 0) return bytesOf(expected);
  if (end > margin + bound) throw new Error(`${end - margin} bytes were written, ${bound} were announced`);
  expectSame("direct.write", { value: buffer.slice(margin, end) }, expected);
  const around = [...buffer.subarray(0, margin), ...buffer.subarray(margin + bound)];
  if (around.some((byte) => byte !== 0xa5))
    throw new Error("bytes outside of what was announced were written");
  return bytesOf(expected);
}

function bytesOf(outcome: Outcome): Uint8Array | undefined {
  return "value" in outcome ? (outcome.value as Uint8Array) : undefined;
}

/**
 * Compares what the compiled codec makes of bytes with what protobuf-es does: the message, or else the error. Returns the
 * message; undefined for an error, or where the two differ on purpose. Throws an `Error` that says where they differ.
 */
export function sameMessage(desc: DescMessage, bytes: Uint8Array): object | undefined {
  // In the middle of a buffer, as a frame's payload is.
  const whole = new Uint8Array(bytes.length + 32).fill(0x2a);
  whole.set(bytes, 16);
  const canonical = canonicalEntries(desc, bytes);
  if (canonical === null) {
    // Not comparable: it has to give a message or an error, and to leave the input as it is.
    outcomeOf(() => compileCodec(desc).parse(whole, 16, 16 + bytes.length));
    return undefined;
  }
  const expected = outcomeOf(() => fromBinary(desc, canonical.bytes.slice()));
  const seen = outcomeOf(() => compileCodec(desc).parse(whole, 16, 16 + bytes.length));
  // Of two faults, the one that comes first may be another one in other bytes.
  if (!(canonical.changed && "error" in seen && "error" in expected)) expectSame("parse", seen, expected);
  sameLimit(desc, bytes);
  if (!("value" in expected && "value" in seen)) return undefined;
  sameUnknown(desc, canonical.bytes, expected.value as object);
  return expected.value as object;
}

/** Compares both parsers where a message may have only so many elements. */
function sameLimit(desc: DescMessage, bytes: Uint8Array): void {
  const maxElements = bytes.length % 5;
  expectSame(
    `parse with ${maxElements} elements`,
    outcomeOf(() => compileCodec(desc).parse(bytes, 0, bytes.length, false, maxElements)),
    outcomeOf(() => parseBinary(desc, bytes, { maxElements })),
  );
}

/** Compares what is written of unknown fields whose objects were not made, or made by protobuf-es's own functions. */
function sameUnknown(desc: DescMessage, bytes: Uint8Array, expected: object): void {
  const message = expected as MessageShape<DescMessage>;
  const again = outcomeOf(() => toBinary(desc, message));
  const { parse, serialize } = compileCodec(desc);
  const ways: Record<string, () => unknown> = {
    "serialize of parse": () => serialize(parse(bytes) as never),
    "toBinary of parse": () => toBinary(desc, parse(bytes)),
    "serialize of parseBinary": () => serialize(parseBinary(desc, bytes) as never),
    "serialize of a copy": () => serialize({ ...parse(bytes) } as never),
    "serialize after a look": () => {
      const read = parse(bytes);
      differenceOf(read, expected, "");
      return serialize(read as never);
    },
  };
  for (const [what, way] of Object.entries(ways)) expectSame(what, outcomeOf(way), again);
  // protobuf-es refuses to clone some messages that it has parsed.
  expectSame(
    "clone",
    outcomeOf(() => clone(desc, parse(bytes))),
    outcomeOf(() => clone(desc, message)),
  );
}

function expectSame(what: string, seen: Outcome, expected: Outcome): void {
  const difference =
    "error" in seen || "error" in expected
      ? differenceOf(error(seen), error(expected), "the error")
      : differenceOf(seen.value, expected.value, "the result");
  if (difference !== null) throw new Error(`${what}: ${difference}`);
}

function error(outcome: Outcome): string {
  return "error" in outcome ? outcome.error : "none";
}

/** Says where two values differ, in their order of properties and prototypes too; null if they are the same. */
function differenceOf(seen: unknown, expected: unknown, path: string): string | null {
  if (Object.is(seen, expected)) return null;
  const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
  if (!isObject(seen) || !isObject(expected))
    return `${path} is ${show(seen)}, of protobuf-es ${show(expected)}`;
  if (seen instanceof Uint8Array && expected instanceof Uint8Array) {
    if (seen.constructor !== expected.constructor) return `${path} is a ${seen.constructor.name}`;
    const same = seen.length === expected.length && seen.every((byte, i) => byte === expected[i]);
    return same ? null : `${path} is ${show(seen)}, of protobuf-es ${show(expected)}`;
  }
  if (Object.getPrototypeOf(seen) !== Object.getPrototypeOf(expected)) return `${path} has another prototype`;
  const names = Object.keys(expected);
  if (String(Object.keys(seen)) !== String(names)) {
    return `${path} has ${Object.keys(seen)}, of protobuf-es ${names}`;
  }
  for (const name of names) {
    const property = name as keyof object;
    const difference = differenceOf(seen[property], expected[property], `${path}.${name}`);
    if (difference !== null) return difference;
  }
  return null;
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `<${Buffer.from(value).toString("hex")}>`;
  return typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
}
