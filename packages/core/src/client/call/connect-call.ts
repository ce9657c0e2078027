// SPDX-License-Identifier: Apache-2.0
import type { StreamResponse } from "@connectrpc/connect";
import { errorFromThrown } from "../../log/thrown.js";
import { runIsolated } from "../../runtime/async-context.js";
import { Call } from "./call.js";
import { type AnyResponse, callRequest, checkResponse, type Next } from "./call-request.js";
import type { RequestSource } from "./request-source.js";
import { WatchedMessages } from "./watched-messages.js";

/** A call by Connect's `Transport`. Its caller, Connect's client as a rule, holds the promise of the response. */
export class ConnectCall extends Call {
  /** The request's messages, of a stream. Set before the start. */
  messages: RequestSource | null = null;
  private reject!: (error: unknown) => void;

  /** Begins the call. `message`: makes the message, or the stream of messages, and may throw. */
  start(message: () => unknown, next: Next, signal: AbortSignal | undefined): Promise<AnyResponse> {
    return new Promise((resolve, reject) => {
      this.reject = reject;
      if (!this.arm(signal, null)) return;
      runIsolated(begin, null, () => next(callRequest(this, message())))
        .then((res) => {
          checkResponse(res, this.name);
          if (this.unary) this.finish(null);
          resolve(this.unary || signal === undefined ? res : this.watched(res as StreamResponse));
        })
        .catch((error) => {
          this.cancel(errorFromThrown(error));
          reject(this.error ?? error);
        });
    });
  }

  protected override ended(error: unknown): void {
    // A stream that failed by itself may have begun to answer: the messages that arrived come before its error.
    if (error !== null && (this.unary || this.canceled)) this.reject(error);
    this.messages?.over();
  }

  private get unary(): boolean {
    return this.method.desc.methodKind === "unary";
  }

  private watched(res: StreamResponse): AnyResponse {
    return {
      ...res,
      message: new WatchedMessages(res.message as AsyncIterable<unknown>, this) as AsyncIterable<never>,
    };
  }
}

/** The interceptors' answer as a promise: they may return a plain value, or throw. */
async function begin(call: () => ReturnType<Next>): Promise<AnyResponse> {
  return call();
}
