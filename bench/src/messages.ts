// SPDX-License-Identifier: Apache-2.0

/** The encoded size of a small message, in bytes. */
export const SMALL = 16;

/** The encoded size of a large message, in bytes. */
export const LARGE = 64 * 1024;

/** A message as the application makes it: a plain object, from which each peer makes what it needs. */
export interface Draft {
  number: number;
  payload: string;
}

/** A message as it arrives. */
export interface Received {
  readonly number: number;
  readonly payload: string;
}

/** The order to a server: `count` messages of `bytes` encoded bytes each. */
export interface Plan {
  readonly count: number;
  readonly bytes: number;
}

/** Numbers stay between 2^14 and 2^21, also as digests of large messages, so that each takes three bytes on the wire. */
const FIRST_NUMBER = 1 << 14;
const NUMBERS = 1_000_000;
const NUMBER_BYTES = 1 + 3;
const VARIANTS = 16;

const texts = new Map<number, readonly string[]>();

/** Returns the payloads that make messages of `bytes` encoded bytes; they differ in their first and last character. */
export function payloads(bytes: number): readonly string[] {
  let known = texts.get(bytes);
  if (known === undefined) {
    // One byte of tag, then the length as a varint: one byte below 128, three from 2^14 on.
    const length = bytes - NUMBER_BYTES - 1 - (bytes < 128 ? 1 : 3);
    known = Array.from({ length: VARIANTS }, (_, i) => {
      const first = String.fromCharCode(97 + i);
      const last = String.fromCharCode(65 + ((i * 7) % VARIANTS));
      return first + "x".repeat(length - 2) + last;
    });
    texts.set(bytes, known);
  }
  return known;
}

/** Makes the message at `index` of a stream of messages of `bytes` encoded bytes. */
export function draft(bytes: number, index: number): Draft {
  // The index is within the array, as VARIANTS is a power of two.
  return {
    number: FIRST_NUMBER + (index % NUMBERS),
    payload: payloads(bytes)[index & (VARIANTS - 1)] as string,
  };
}

/** Makes the first `count` messages of `bytes` encoded bytes, one at a time. */
export function* drafts(bytes: number, count: number): Generator<Draft, void, undefined> {
  const texts = payloads(bytes);
  for (let i = 0; i < count; i++) {
    yield { number: FIRST_NUMBER + (i % NUMBERS), payload: texts[i & (VARIANTS - 1)] as string };
  }
}

/** Reads every field of a message and sums them up: the number, the payload's length, its first and its last character. */
export function digest(message: Received): number {
  const { number, payload } = message;
  return number + payload.length + payload.charCodeAt(0) + payload.charCodeAt(payload.length - 1);
}

/** Answers a message with its digest and its payload: as many bytes, which show that the server has read the fields. */
export function reply(message: Received): Draft {
  return { number: digest(message), payload: message.payload };
}

/** A running count and checksum of messages in their order: a lost, changed or swapped one gives another checksum. */
export class Tally {
  count = 0;
  checksum = 0;

  /** Takes one message and returns its digest. */
  add(message: Received): number {
    const value = digest(message);
    this.count++;
    this.checksum = (Math.imul(this.checksum, 31) + value) | 0;
    return value;
  }

  /** Takes all of `messages` and returns itself. */
  addAll(messages: Iterable<Received>): this {
    for (const message of messages) this.add(message);
    return this;
  }
}

/** Makes the message that says to the other side what was sent or seen. */
export function summary(tally: Tally): Draft {
  return { number: tally.count, payload: String(tally.checksum) };
}
