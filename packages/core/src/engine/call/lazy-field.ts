// SPDX-License-Identifier: Apache-2.0

/**
 * Gives an object an own enumerable property whose value is worked out when it is read, by a getter that all objects of
 * its kind share. Own and enumerable, since interceptors copy requests by `{ ...req }`; shared, since a getter of its own
 * per object makes the object a dictionary: 7 µs instead of 0.7 µs for a request with two of them.
 */
export function lazyField<T extends object>(object: T, name: string, getter: (this: T) => unknown): void {
  // Object.defineProperty takes half as long again, for the same result.
  (object as T & { __defineGetter__(name: string, getter: (this: T) => unknown): void }).__defineGetter__(
    name,
    getter,
  );
}
