// SPDX-License-Identifier: Apache-2.0

/** The memory that the request messages of all handlers in this process take, as {@link memoryOf} estimates it. */
export const heldBytes = { total: 0 };

/** What an element takes beside its bytes, measured: 29 to 200, mostly. */
const elementBytes = 100;

/** The memory that a parsed message takes, about. */
export function memoryOf(bytes: number, elements: number): number {
  return bytes + elements * elementBytes;
}
