// SPDX-License-Identifier: Apache-2.0

/** By message, since one may go through an interceptor, or wait, before it is written. */
const choices = new WeakMap<object, boolean>();

/** Notes whether a message has to be compressed, for the writer that gets it. */
export function choose(message: object, compress: boolean): void {
  choices.set(message, compress);
}

/** Whether a message has to be compressed; undefined if nobody chose for it alone. */
export function choiceOf(message: unknown): boolean | undefined {
  return choices.get(message as object);
}
