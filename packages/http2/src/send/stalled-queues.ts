// SPDX-License-Identifier: Apache-2.0
import type { SendQueue } from "./send-queue.js";

/** A stream as {@link stalledQueues} sees it. */
export interface QueuedStream {
  readonly queue: SendQueue | null;
  /** Bytes that the peer lets the stream send now. */
  readonly sendWindow: number;
}

/**
 * Looks at what streams have queued, once a second: frees the memory of bytes that have left, and returns the streams that sent nothing for more than
 * `limitMs`; 0 for no limit. `sent`: DATA bytes that the connection has sent.
 */
export function stalledQueues<T extends QueuedStream>(
  streams: readonly T[],
  now: number,
  limitMs: number,
  sent: number,
): T[] {
  return streams.filter(({ queue, sendWindow }) => {
    if (queue === null) return false;
    queue.compact();
    // A stream with a window of its own waits for the connection's, or for the link, which other streams use meanwhile.
    return limitMs > 0 && queue.stalledFor(now, sendWindow > 0 ? sent : queue.taken) > limitMs;
  });
}
