// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import { asMessage } from "../../engine/message/message-codec.js";
import { errorFromThrown } from "../../log/thrown.js";
import { runIsolated } from "../../runtime/async-context.js";
import type { TripleCallOptions } from "../api/call-options.js";
import { Call, type InterceptedMethod } from "./call.js";
import { type CallObserver, observeReceived } from "./call-observer.js";
import { type AnyResponse, checkResponse } from "./call-request.js";
import { attemptOf } from "./call-response.js";
import { observeInContext } from "./observe-in-context.js";

/** A call with one message each way. Its user holds the promise of the response message. */
export class UnaryCall extends Call {
  declare readonly method: InterceptedMethod;
  private resolve!: (message: unknown) => void;
  private reject!: (error: ConnectError) => void;
  /** The callbacks of a call that fails; null once the response is here. */
  private observer: CallObserver | null = null;

  /** Begins the call, unless `fault` says what is wrong with what the user gave. */
  start(
    message: unknown,
    options: TripleCallOptions | undefined,
    fault: ConnectError | null,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (!this.arm(options?.signal, fault)) return;
      this.observer = observeInContext(options);
      let response: Promise<AnyResponse>;
      try {
        const given = asMessage(this.method.desc.input, message as never);
        // An interceptor may return a plain value in place of a promise.
        response = Promise.resolve(runIsolated(this.method.begin, this.method, this, given));
      } catch (error) {
        this.cancel(errorFromThrown(error, Code.Internal));
        return;
      }
      response.then(
        (res) => this.responded(res, options),
        (error) => this.cancel(errorFromThrown(error)),
      );
    });
  }

  protected override ended(error: ConnectError | null): void {
    if (error === null) return;
    if (this.observer !== null) observeReceived(this, this.observer);
    this.reject(error);
  }

  private responded(res: AnyResponse, options: TripleCallOptions | undefined): void {
    if (this.over) return;
    try {
      checkResponse(res, this.name);
      this.observer = null;
      if (options !== undefined) {
        options.onHeader?.(res.header);
        const compressed = options.onCompressed && attemptOf(res)?.reader.compressed;
        if (compressed !== undefined) options.onCompressed!(compressed);
        options.onTrailer?.(res.trailer);
      }
    } catch (error) {
      this.cancel(errorFromThrown(error));
      return;
    }
    this.finish(null);
    this.resolve(res.message);
  }
}
