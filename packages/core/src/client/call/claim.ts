// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromThrown } from "../../log/thrown.js";
import type { Call } from "./call.js";

/**
 * The claim on a request's messages that can be read once. Each attempt of a call gets all of them or an error, never the rest
 * that another attempt has left. Messages that are replayable (`isReplayable`) need no claim.
 */
export class Claim {
  /** Some of the messages were consumed: no attempt can have all of them any more. */
  consumed = false;
  /** The attempt that sends the messages, or is about to, without an interceptor's reader in between. */
  holder: object | null = null;
  /** The outcome of the last attempt that held the messages. */
  private lastError: unknown = undefined;

  /** Gives all messages to an attempt. Throws a `ConnectError` if some were consumed. */
  take(attempt: object, call: Call): void {
    if (this.consumed || (this.holder !== null && this.holder !== attempt)) throw this.refusal(call);
    this.holder = attempt;
  }

  /** Ends an attempt. Does nothing if the attempt does not hold the messages. */
  release(attempt: object, error: unknown): void {
    if (this.holder !== attempt) return;
    this.holder = null;
    this.failed(error);
  }

  /** The outcome of an attempt that has read the messages. */
  failed(error: unknown): void {
    this.lastError = error;
  }

  /** The error of an attempt that can't have all messages. */
  refusal(call: Call): ConnectError {
    return call.running > 1 ? sentTwice(call.name) : this.alreadyConsumed(call.name);
  }

  private alreadyConsumed(name: string): ConnectError {
    const before =
      this.lastError === undefined ? "" : ` (the attempt before: ${errorFromThrown(this.lastError).message})`;
    return new ConnectError(
      `the messages of ${name} can't be sent again from the first one: an attempt or an interceptor has consumed some${before}; an interceptor may call next() again with one message, an array, a Set, a Map, or replayable(() => messages)`,
      Code.FailedPrecondition,
      undefined,
      undefined,
      this.lastError,
    );
  }
}

/** The error for an interceptor that calls `next()` again while an earlier attempt sends messages that can be sent once. */
export function sentTwice(name: string): ConnectError {
  return new ConnectError(
    `an interceptor of ${name} called next() again while the attempt before still runs: the messages of a stream can be sent once; only one message, an array, a Set, a Map, or replayable(() => messages) can be sent by two attempts at a time`,
    Code.FailedPrecondition,
  );
}

/** An iterator whose reads reject. */
export function refusing(error: ConnectError): AsyncIterator<unknown> {
  return { next: () => Promise.reject(error) };
}
