// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@tristream/node";
import { inTime, never } from "../events.js";
import type { Random } from "../random.js";

/** One kind of fault, with both ends that it needs. */
export interface Kind extends AsyncDisposable {
  /** Makes one call that meets the fault, and says what is wrong. */
  once(random: Random, wrong: (what: string) => void): Promise<void>;
}

/** How a call ended: its answer, its error, or {@link never}. */
export type Ended = { readonly answer: string } | { readonly error: ConnectError } | typeof never;

/** Waits for a call's answer. Rejects only for what is not a `ConnectError`. */
export async function ended(answer: PromiseLike<{ greeting: string }>): Promise<Ended> {
  try {
    const response = await inTime(answer);
    return response === never ? never : { answer: response.greeting };
  } catch (error) {
    if (error instanceof ConnectError) return { error };
    throw new Error(`a call rejects with ${String(error)}`, { cause: error });
  }
}

/** The end of a call in words. */
export function endInWords(end: Ended): string {
  if (end === never) return "never settled";
  if ("answer" in end) return `answered ${JSON.stringify(end.answer.slice(0, 200))}`;
  return `${Code[end.error.code]}: ${end.error.rawMessage}`;
}

let lastId = 0;

/** The name of a call, and of its messages. */
export function callNames(random: Random, most: number): { readonly id: string; readonly names: string[] } {
  const id = `c${++lastId}`;
  const filler = "x".repeat(random.of([0, 0, 10, 1000, 20_000]));
  return { id, names: Array.from({ length: 1 + random.below(most) }, (_, i) => `${id}.${i}${filler}`) };
}

/** A server's answer to an upload: how many messages it got, and a fingerprint that depends on their order. */
export function digest(names: readonly string[]): string {
  let hash = 17;
  for (const name of names) {
    for (const letter of name.split("x", 1)[0]!) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
    hash = (Math.imul(hash, 31) + name.length) | 0;
  }
  return `${names.length} ${hash}`;
}
