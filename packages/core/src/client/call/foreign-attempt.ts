// SPDX-License-Identifier: Apache-2.0
import { openIterator } from "../../runtime/iterator.js";
import type { AnyResponse } from "../api/call-request.js";
import { claimOf } from "./attempt.js";
import type { CallScope } from "./call-scope.js";
import { type Claim, refusing } from "./claim.js";
import { RequestQueue } from "./request-queue.js";
import { RequestSource } from "./request-source.js";

/**
 * One attempt of a call with a stream of messages over a foreign transport: the attempt has all messages, or rejects. Such a
 * transport reads the messages by an iterator, so an attempt takes them at its first read.
 */
export async function foreignAttempt(
  messages: unknown,
  scope: CallScope | undefined,
  send: (messages: unknown) => Promise<AnyResponse>,
): Promise<AnyResponse> {
  // A request that an interceptor has made itself is a call of its own.
  if (scope === undefined) return send(messages);
  scope.attempts++;
  const claim = claimOf(messages, scope);
  try {
    if (claim?.consumed === true) throw claim.refusal(scope);
    return await send(claim === null || guardsItself(messages) ? messages : readOnce(messages, claim, scope));
  } catch (error) {
    claim?.failed(error);
    throw error;
  } finally {
    scope.attempts--;
  }
}

/** Messages that an interceptor put in place of the request's own: one attempt reads them. */
function readOnce(messages: unknown, claim: Claim, scope: CallScope): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      if (claim.consumed) return refusing(claim.refusal(scope));
      claim.consumed = true;
      return openIterator(messages as AsyncIterable<unknown>) as AsyncIterator<unknown>;
    },
  };
}

/** True if the messages' own iterable gives each reader all messages or an error. */
function guardsItself(messages: unknown): boolean {
  return messages instanceof RequestQueue || messages instanceof RequestSource;
}
