// SPDX-License-Identifier: Apache-2.0
import { openIterator } from "../../runtime/iterator.js";
import { claimOf } from "./attempt.js";
import type { Call } from "./call.js";
import type { AnyResponse } from "./call-request.js";
import { type Claim, refusing } from "./claim.js";
import { RequestQueue } from "./request-queue.js";
import { RequestSource } from "./request-source.js";

/**
 * One attempt of a call with a stream of messages over a foreign transport: the attempt has all messages, or rejects. Such a
 * transport reads the messages by an iterator, so an attempt takes them at its first read.
 */
export async function foreignAttempt(
  messages: unknown,
  call: Call | undefined,
  send: (messages: unknown) => Promise<AnyResponse>,
): Promise<AnyResponse> {
  // A request that an interceptor has made itself is a call of its own.
  if (call === undefined) return send(messages);
  call.running++;
  const claim = claimOf(messages, call);
  try {
    if (claim?.consumed === true) throw claim.refusal(call);
    return await send(claim === null || guardsItself(messages) ? messages : claimed(messages, claim, call));
  } catch (error) {
    claim?.failed(error);
    throw error;
  } finally {
    call.running--;
  }
}

/** Messages that an interceptor put in place of the request's own: one attempt reads them. */
function claimed(messages: unknown, claim: Claim, call: Call): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      if (claim.consumed) return refusing(claim.refusal(call));
      claim.consumed = true;
      return openIterator(messages as AsyncIterable<unknown>) as AsyncIterator<unknown>;
    },
  };
}

/** True if the messages' own iterable gives each reader all messages or an error. */
function guardsItself(messages: unknown): boolean {
  return messages instanceof RequestQueue || messages instanceof RequestSource;
}
