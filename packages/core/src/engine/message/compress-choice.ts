// SPDX-License-Identifier: Apache-2.0

/** Choices by message: a message may pass an interceptor, or wait, before it is written. */
const choices = new WeakMap<object, boolean>();

/** Sets whether the writer compresses a message. */
export function choose(message: object, compress: boolean): void {
  choices.set(message, compress);
}

/** True if a message has to be compressed; undefined without a choice for this message. */
export function choiceOf(message: unknown): boolean | undefined {
  return choices.get(message as object);
}
