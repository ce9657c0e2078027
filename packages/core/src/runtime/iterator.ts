// SPDX-License-Identifier: Apache-2.0
import { describeValue } from "../options/describe-value.js";

/** The iterator of any iterable. Throws a `TypeError` that says what was given. */
export function openIterator<T>(source: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  const given = source as Partial<AsyncIterable<T> & Iterable<T>> | null | undefined;
  if (typeof given?.[Symbol.asyncIterator] === "function") return given[Symbol.asyncIterator]!();
  if (typeof given?.[Symbol.iterator] === "function") return given[Symbol.iterator]!();
  throw new TypeError(
    `${describeValue(source)} is not iterable: give an AsyncIterable or an Iterable, such as the result of an async generator or an array`,
  );
}

/** True if something has to be awaited. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === "function";
}
