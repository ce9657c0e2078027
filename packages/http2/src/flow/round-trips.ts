// SPDX-License-Identifier: Apache-2.0
import type { Writer } from "../send/writer.js";

/** Marks the PINGs of {@link RoundTrips}; "roundtri" in ASCII, so that a capture reads well. */
const roundTripPing: Uint8Array = Uint8Array.of(0x72, 0x6f, 0x75, 0x6e, 0x64, 0x74, 0x72, 0x69);

/** The PINGs that were sent for the owner of the connection. A peer answers PINGs in order. */
export class RoundTrips {
  private readonly writer: Writer;
  private readonly unanswered: (() => void)[] = [];

  constructor(writer: Writer) {
    this.writer = writer;
  }

  /** Sends a PING. `answered` is called once when its acknowledgement arrives. */
  begin(answered: () => void): void {
    this.unanswered.push(answered);
    this.writer.ping(roundTripPing, 0, false);
  }

  /** A PING was acknowledged; true when it was one of these. */
  acknowledged(b: Uint8Array, start: number): boolean {
    if (this.unanswered.length === 0 || roundTripPing.some((byte, i) => b[start + i] !== byte)) return false;
    this.unanswered.shift()?.();
    return true;
  }
}
