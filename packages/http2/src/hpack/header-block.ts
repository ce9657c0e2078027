// SPDX-License-Identifier: Apache-2.0

/**
 * A header block that is sent many times, such as the start of every response. It keeps the bytes that an encoder made
 * of it for as long as they hold, so that sending it again is a copy. Meant for one encoder: another one encodes it
 * anew and then keeps its own bytes in place of the first one's. Other fields can follow in the same HTTP header block:
 * encode them at the offset where this one ends.
 */
export class HeaderBlock {
  /** Name, value, name, value; the array must not change any more. */
  readonly fields: readonly string[];
  /** Slot of the encoder: whose bytes these are. */
  owner: object | null;
  /** Slot of the encoder: its generation when it made them. */
  generation: number;
  /** Slot of the encoder: the bytes. */
  bytes: Uint8Array;

  constructor(fields: readonly string[]) {
    this.fields = fields;
    this.owner = null;
    this.generation = -1;
    this.bytes = NO_BYTES;
  }
}

const NO_BYTES = new Uint8Array(0);

/** Header fields to send: a prepared block, or name, value, name, value … with lower-case names. */
export type OutgoingHeaders = HeaderBlock | readonly string[];
