// SPDX-License-Identifier: Apache-2.0
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { input } from "../wire/varint.js";

/** A message has more elements than it may. */
export class TooManyElementsError extends RangeError {
  override readonly name = "TooManyElementsError";
  /** How many it may have. */
  readonly maxElements: number;

  constructor(maxElements: number) {
    super(`more than ${maxElements} elements`);
    this.maxElements = maxElements;
  }
}

/** Thrown by compiled code, as one object; {@link TooManyElementsError} says it to callers. */
export const tooMany = new Error("too many elements");

/**
 * Counts what takes an object: a string or bytes of a list, an entry of a map, an unknown field. Messages count by their
 * {@link weightOf}, and numbers of 64 bits in lists by {@link countLong}. Other numbers don't count, packed or not.
 */
export function countElement(): void {
  if (--input.elementsLeft < 0) throw tooMany;
}

/** Counts a message. */
export function countElements(weight: number): void {
  input.elementsLeft -= weight;
  if (input.elementsLeft < 0) throw tooMany;
}

/** Numbers of 64 bits in lists that count as one element. Each takes a `BigInt` of 24 bytes, and 40 to 70 ns. */
export const longsPerElement = 4;

/** Counts a number of 64 bits in a list. Those of one byte are shared, see `shortNumbers`, and don't count. */
export function countLong(): void {
  if (++input.longs % longsPerElement === 0) countElement();
}

/** Lists, maps and oneofs of a type that count as one element more: each takes 16 to 60 bytes in an empty message. */
const listsPerElement = 4;
const weights = new WeakMap<DescMessage, number>();

/** How many elements an empty message of a type counts. */
export function weightOf(desc: DescMessage): number {
  let weight = weights.get(desc);
  if (weight === undefined) {
    const lists = desc.fields.filter(({ fieldKind }) => fieldKind === "list" || fieldKind === "map").length;
    const bytes = desc.fields.filter(
      (field) => field.scalar === ScalarType.BYTES && field.fieldKind === "scalar" && isImplicit(field),
    ).length;
    weight = 1 + bytes + Math.floor((lists + desc.oneofs.length) / listsPerElement);
    weights.set(desc, weight);
  }
  return weight;
}

/** True if the empty message has a value for the field. */
function isImplicit({ presence }: DescField): boolean {
  return presence === FeatureSet_FieldPresence.IMPLICIT;
}

/** How many elements the message has that this package has parsed last: see `maxElements` of `parse`. */
export function parsedElements(): number {
  return input.elements;
}
