// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { Connection } from "../../carrier/connection.js";
import { ClientCall } from "../../engine/call/client-call.js";
import type { Observations } from "../../engine/call/observations.js";
import { bareRequest } from "../../engine/message/bare-body.js";
import { isReplayable } from "../../engine/message/replayable.js";
import { errorFromReason, errorFromThrown } from "../../log/thrown.js";
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { type EndedBySignal, SharedSignal } from "../../runtime/shared-signal.js";
import type { Call } from "./call.js";
import { type AnyRequest, type AnyResponse, isOriginal } from "./call-request.js";
import { CallResponse } from "./call-response.js";
import type { Claim } from "./claim.js";
import type { MethodCaller } from "./method-caller.js";
import { RequestQueue } from "./request-queue.js";
import { RequestSource } from "./request-source.js";

/** Most further attempts for a call that was never sent because its connections were lost. */
const mostResends = 10;

/**
 * One try of a call on one connection. The attempt waits for its connection, opens a stream on it, and sends the request. If the peer
 * refuses the stream in a way that shows that its application has not seen the request, another attempt takes its place (gRPC's
 * transparent retry).
 */
export class Attempt extends ClientCall implements EndedBySignal {
  readonly call: Call;
  readonly req: AnyRequest;
  /** 1 for the first attempt of its call. */
  number = 0;
  private readonly caller: MethodCaller;
  /** Captured inside the interceptors: the source of the messages runs with the stores that they enter. */
  private readonly context: AsyncContext;
  /** The claim on the messages; null if each attempt can have them. */
  private claim: Claim | null = null;
  private resolve: ((res: AnyResponse) => void) | null = null;
  private reject: ((error: unknown) => void) | null = null;
  private ownSignal: SharedSignal | null = null;
  /** The attempts before, in whose place this one is. */
  private resends = 0;

  constructor(caller: MethodCaller, req: AnyRequest, call: Call, context: AsyncContext = captureContext()) {
    super(caller.method, context);
    this.caller = caller;
    this.req = req;
    this.call = call;
    this.context = context;
  }

  /** Begins the attempt. The promise is the one that `next` returns. */
  begin(): Promise<AnyResponse> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      try {
        this.take();
        const connection = this.caller.pick(this);
        if ("open" in connection) this.sendOn(connection);
        else {
          if (!isOriginal(this.req)) this.watchSignal();
          connection.then((picked) => this.sendOn(picked)).catch((error) => this.failed(error));
        }
      } catch (error) {
        this.failed(error);
      }
    });
  }

  /** Ends the attempt: its stream is reset, or it waits for no connection any more. Does nothing if it is over. */
  override cancel(error: ConnectError): void {
    if (this.opened) super.cancel(error);
    else this.failed(error);
  }

  /** @inheritdoc */
  signalFired(signal: AbortSignal): void {
    this.cancel(errorFromReason(signal.reason));
  }

  /** Counts the attempt. Throws if it can't have all messages. */
  private take(): void {
    const { call } = this;
    this.number = call.add(this);
    if (this.caller.unary) return;
    this.claim = claimOf(this.req.message, call);
    this.claim?.take(this, call);
  }

  /** Opens the stream on a connection and sends the request. Throws what the headers can't say. */
  private sendOn(connection: Connection): void {
    if (this.over) return;
    const { call } = this;
    if (call.over) throw call.error ?? new ConnectError("the call has ended", Code.Canceled);
    const { method, req } = this;
    const body = method.dialect.framing === "bare" ? bareRequest(method, req.message, call.compress) : null;
    this.open(connection, this.caller.headers(connection, this, body));
    if (this.over) return;
    this.writer.compress = call.compress;
    if (call.observations?.messages === true) this.tap(call.observations);
    if (!isOriginal(req)) this.watchSignal();
    if (this.caller.unary) this.sendOnly(req.message, body);
    else this.sendMessages(req.message);
  }

  /** Tells the call's hooks the messages of this attempt. They know the request of a unary call. */
  tap(observations: Observations): void {
    if (!this.caller.unary) this.writer.wrapCodec((codec) => observations.tapped(codec, "request"));
    this.reader.wrapCodec((codec) => observations.tapped(codec, "response"));
  }

  private sendMessages(messages: unknown): void {
    if (messages instanceof RequestQueue) {
      if (!messages.attach(this)) this.cancel(messages.claim.refusal(this.call));
      return;
    }
    const { claim } = this;
    if (claim !== null) {
      // An interceptor's reader may have begun since this attempt did.
      if (claim.consumed) {
        this.cancel(claim.refusal(this.call));
        return;
      }
      claim.consumed = true;
    }
    this.sendAll(messages instanceof RequestSource ? messages.given : (messages as AsyncIterable<unknown>));
  }

  /** An interceptor may put a signal of its own in the request's place: it cancels this attempt. */
  private watchSignal(): void {
    const { signal } = this.req;
    if (signal === this.call.signal || this.ownSignal !== null) return;
    if (signal.aborted) this.signalFired(signal);
    else {
      this.ownSignal = SharedSignal.of(signal);
      this.ownSignal.add(this);
    }
  }

  // ---- events of the stream

  protected override timeLeft(): number | undefined {
    const { call } = this;
    if (call.timeoutMs === undefined) return undefined;
    try {
      return call.timeLeft();
    } catch {
      // The call has ended, with its stream.
      return undefined;
    }
  }

  protected override responded(): void {
    if (!this.caller.unary) this.answer(this.reader);
  }

  protected override explain(error: ConnectError): ConnectError {
    return this.call.explain(error);
  }

  protected override ended(error: ConnectError | null): void {
    const { unary } = this.caller;
    const messages: unknown = this.req.message;
    // Messages that are sent from now on wait for another attempt.
    if (!unary && messages instanceof RequestQueue) messages.detach(this);
    if (error !== null && this.mayResend()) {
      this.resend(error);
      return;
    }
    const partly = this.refused !== null && this.claim?.consumed === true;
    const outcome = error !== null && partly ? notSentAgain(error) : error;
    this.release(outcome);
    // Before the response began, an interceptor may still try again; afterwards this attempt is the call.
    if (outcome !== null && this.reject !== null) this.reject(outcome);
    else {
      if (!unary && !this.call.over) this.call.finish(outcome);
      this.answer(unary ? this.reader.shift() : this.reader);
    }
  }

  /** The attempt can't go on: there is no connection, or the request can't be sent. */
  private failed(error: unknown): void {
    if (this.over) return;
    if (this.opened) {
      super.cancel(errorFromThrown(error));
      return;
    }
    this.over = true;
    this.error = errorFromThrown(error);
    this.release(error);
    this.reject?.(error);
  }

  /** Ends the attempt's part in its call: messages that no attempt has consumed are free for another one. */
  private release(error: unknown): void {
    this.ownSignal?.delete(this);
    this.ownSignal = null;
    this.call.running--;
    this.claim?.release(this, error);
  }

  private answer(message: unknown): void {
    this.resolve?.(new CallResponse(this, this.caller.desc, message) as unknown as AnyResponse);
    // A stream may be idle for hours: the two functions would hold 160 bytes for each.
    this.resolve = null;
    this.reject = null;
  }

  // ---- the transparent retry

  /** True if the peer's application can't have seen the request, and another attempt can have all messages. */
  private mayResend(): boolean {
    const { refused } = this;
    if (refused === null || this.call.over || this.reject === null || this.claim?.consumed === true)
      return false;
    return this.resends < (refused === "unprocessed" ? 1 : mostResends);
  }

  /** Begins another attempt in the place of this one, which ended with `error`. */
  private resend(error: ConnectError): void {
    this.release(error);
    const next = new Attempt(this.caller, this.req, this.call, this.context);
    next.resends = this.resends + 1;
    next.resolve = this.resolve;
    next.reject = this.reject;
    // The event that ended this attempt runs in a context that calls share.
    void this.context.runInAsyncScope(next.beginAfter, next, error);
  }

  private async beginAfter(refusal: ConnectError): Promise<void> {
    try {
      this.take();
      if (!isOriginal(this.req)) this.watchSignal();
      const connection = await this.caller.pick(this);
      // A connection that can't be replaced would refuse for ever.
      if (!connection.usable) throw refusal;
      this.sendOn(connection);
    } catch (error) {
      this.failed(error);
    }
  }
}

/** The claim on the messages of a request; null if each attempt can have them. */
export function claimOf(messages: unknown, call: Call): Claim | null {
  if (messages instanceof RequestQueue || messages instanceof RequestSource) return messages.claim;
  if (typeof messages !== "object" || messages === null || isReplayable(messages)) return null;
  return call.claimOf(messages);
}

/** The error of a call that the peer has not seen, and that still can't be sent again. */
function notSentAgain(error: ConnectError): ConnectError {
  return new ConnectError(
    `${error.rawMessage}; messages of the request were consumed before and can't be sent again: make the call again from its first message`,
    error.code,
    error.metadata,
    undefined,
    error,
  );
}
