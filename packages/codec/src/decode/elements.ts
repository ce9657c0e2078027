// SPDX-License-Identifier: Apache-2.0
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
 * Counts what takes an object: a message in the message, a string or bytes of a list, an entry of a map, an unknown field. Numbers
 * don't count, packed or not.
 */
export function countElement(): void {
  if (--input.elementsLeft < 0) throw tooMany;
}

/** How many elements the message has that this package has parsed last: see `maxElements` of `parse`. */
export function parsedElements(): number {
  return input.elements;
}
