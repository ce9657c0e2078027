// SPDX-License-Identifier: Apache-2.0

/** Why a stream is closed: what its late frames mean depends on it (RFC 9113 §5.1). */
export const ClosedBy = {
  /** It was never open: an id that was skipped (RFC 9113 §5.1.1). */
  NEVER_OPENED: 0,
  /** Both sides sent END_STREAM. */
  ENDED: 1,
  /** We sent RST_STREAM: frames that were under way are expected and discarded. */
  LOCAL_RESET: 2,
  /** The peer sent RST_STREAM: it must not send more. */
  PEER_RESET: 3,
} as const;

const capacity = 256;

/**
 * The streams that closed last, with the cause. Frames for them are told from nonsense without timers and without
 * memory that grows: a ring of 256. An id that has left the ring is treated as one that we reset, the lenient case.
 */
export class ClosedStreams {
  private readonly ids = new Uint32Array(capacity);
  private readonly causes = new Uint8Array(capacity);
  private next = 0;
  private forgottenUpTo = 0;

  /** Remembers that `id` closed by `cause`, one of {@link ClosedBy}. */
  add(id: number, cause: number): void {
    const at = this.next;
    if (this.ids[at]! > this.forgottenUpTo) this.forgottenUpTo = this.ids[at]!;
    this.ids[at] = id;
    this.causes[at] = cause;
    this.next = (at + 1) % capacity;
  }

  /** The cause by which `id`, which is not open and not idle, closed. */
  cause(id: number): number {
    // The latest entry first: one that the peer reset and that we answered is in the ring twice.
    for (let i = 1; i <= capacity; i++) {
      const at = (this.next - i + capacity) % capacity;
      if (this.ids[at] === id) return this.causes[at]!;
    }
    return id <= this.forgottenUpTo ? ClosedBy.LOCAL_RESET : ClosedBy.NEVER_OPENED;
  }
}
