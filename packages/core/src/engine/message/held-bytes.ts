// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import { peerError } from "../../protocol/peer-error.js";

/** The memory that the request messages of all handlers in this process take, as {@link memoryOf} estimates it. */
export const heldBytes = { total: 0 };

/** The memory of an element beside its bytes, measured: 29 to 200, mostly. */
const elementBytes = 100;

/** The memory that a parsed message takes, about. */
export function memoryOf(bytes: number, elements: number): number {
  return bytes + elements * elementBytes;
}

/**
 * A message of at most so many bytes is not counted: with its 128 elements it takes 50 kB at most, and each handler has one. Counting
 * would cost a stream of small messages two calls for each.
 */
export const uncountedBytes = 256;

/** The error of a request that would take more than `maxHeldBytes`. */
export function tooMuchHeld(maxHeldBytes: number): ConnectError {
  return peerError(
    `the requests that this process handles would take more than the limit of ${maxHeldBytes} bytes: call later, or raise maxHeldBytes of the server`,
    Code.ResourceExhausted,
  );
}
