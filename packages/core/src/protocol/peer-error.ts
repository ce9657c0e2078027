// SPDX-License-Identifier: Apache-2.0
import { type Code, ConnectError } from "@connectrpc/connect";

/** V8 takes the length of stacks from here. Other engines ignore it. */
const settings = Error as { stackTraceLimit?: number | undefined };

/**
 * The error of something that a peer sent, without a stack. A peer can cause these errors as fast as it can send, and their stacks say
 * nothing about the application. The stack takes 4.4 of the 5.4 µs that an error takes.
 */
export function peerError(text: string, code: Code, metadata?: HeadersInit, cause?: unknown): ConnectError {
  const limit = settings.stackTraceLimit;
  // A program may have frozen it.
  const writable = Reflect.set(settings, "stackTraceLimit", 0);
  try {
    return new ConnectError(text, code, metadata, undefined, cause);
  } finally {
    if (writable) settings.stackTraceLimit = limit;
  }
}
