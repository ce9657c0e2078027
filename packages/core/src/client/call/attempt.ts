// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { Connection } from "../../carrier/connection.js";
import type { ClientCall, ClientCallListener } from "../../engine/call/client-call.js";
import { isReplayable } from "../../engine/message/replayable.js";
import { errorFromReason } from "../../log/thrown.js";
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { type EndedBySignal, SharedSignal } from "../../runtime/shared-signal.js";
import { type AnyRequest, type AnyResponse, isOriginal } from "../api/call-request.js";
import type { CallScope } from "./call-scope.js";
import type { Claim } from "./claim.js";
import { RequestQueue } from "./request-queue.js";
import { RequestSource } from "./request-source.js";

/** Puts a request on a stream: the caller of a method, as its attempts see it. */
export interface StreamOpener {
  /** A connection, at once when one is open. Throws, or rejects, with the reason why there is none. */
  connection(scope: CallScope): Connection | Promise<Connection>;
  /** Opens the stream of a request on a connection. */
  open(connection: Connection, req: AnyRequest, scope: CallScope, listener: ClientCallListener): ClientCall;
  /** A response as interceptors see it. */
  response(call: ClientCall, message: unknown): AnyResponse;
}

/** How often a call is made again that never left: each time its connection was lost before it could. */
const mostResends = 10;

/**
 * An attempt of either kind: a call on one stream. If the peer refuses the stream in a way that shows that its application has not seen
 * the request, the attempt opens another stream (gRPC's transparent retry).
 */
export abstract class Attempt implements ClientCallListener, EndedBySignal {
  /** Captured inside the interceptors: the source of the messages runs with the stores that they enter. */
  readonly asyncContext: AsyncContext = captureContext();
  protected readonly caller: StreamOpener;
  protected readonly req: AnyRequest;
  protected readonly scope: CallScope;
  protected call: ClientCall | null = null;
  protected resolve: ((res: AnyResponse) => void) | null = null;
  protected reject: ((error: unknown) => void) | null = null;
  private ownSignal: SharedSignal | null = null;
  private resends = 0;

  constructor(caller: StreamOpener, req: AnyRequest, scope: CallScope) {
    this.caller = caller;
    this.req = req;
    this.scope = scope;
  }

  /** The promise that `next` returns. */
  begin(): Promise<AnyResponse> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      try {
        this.take();
        const connection = this.caller.connection(this.scope);
        if ("open" in connection) this.opened(connection);
        else {
          if (!isOriginal(this.req)) this.watchSignal();
          connection.then((opened) => this.opened(opened)).catch((error) => this.failed(error));
        }
      } catch (error) {
        this.failed(error);
      }
    });
  }

  /** @inheritdoc */
  opening(): number | undefined {
    const { scope } = this;
    if (scope.timeoutMs === undefined) return undefined;
    try {
      return scope.timeLeft();
    } catch {
      // The call has ended, with its stream.
      return undefined;
    }
  }

  explain(error: ConnectError): ConnectError {
    return this.scope.explain(error);
  }

  ended(error: ConnectError | null): void {
    const { call } = this;
    if (call === null) return;
    this.unwatchSignal();
    this.detach(call);
    if (error === null || !this.sentAgain(call, error)) this.completed(call, error);
  }

  /** The call has ended, for good. */
  protected abstract completed(call: ClientCall, error: ConnectError | null): void;

  /** True if the request can be sent again, from its first message. */
  protected abstract replayable(): boolean;

  protected abstract send(call: ClientCall): void;

  /** Begins the attempt. Throws if the attempt can't have all messages. */
  protected take(): void {}

  /** Ends the stream: messages that are sent from now on wait for another attempt. */
  protected detach(_call: ClientCall): void {}

  /** Ends the attempt: messages that no attempt has consumed are free for another one. */
  protected release(_error: unknown): void {}

  /** Throws what the headers can't say. */
  private opened(connection: Connection): void {
    // The request's own signal has ended the attempt before there was a connection.
    if (this.reject === null) return;
    if (this.scope.over) throw this.scope.error ?? new ConnectError("the call has ended", Code.Canceled);
    this.call = this.caller.open(connection, this.req, this.scope, this);
    if (this.call.over) {
      // The connection was over: `ended` was called inside the constructor, before `this.call` was set.
      this.ended(this.call.error);
      return;
    }
    if (!isOriginal(this.req)) this.watchSignal();
    this.send(this.call);
  }

  /** Makes a call again that the peer's application can't have seen. False if it may have, or after too many resends. */
  private sentAgain(call: ClientCall, error: ConnectError): boolean {
    const { refused } = call;
    if (refused === null || this.scope.over || this.reject === null || !this.replayable()) return false;
    if (this.resends >= (refused === "unprocessed" ? 1 : mostResends)) return false;
    this.resends++;
    this.call = null;
    const again = async (): Promise<void> => {
      const connection = await this.caller.connection(this.scope);
      // A connection that can't be replaced would refuse for ever.
      if (!connection.usable) throw error;
      this.opened(connection);
    };
    // The event that ended the first attempt runs in a context that calls share.
    this.asyncContext.runInAsyncScope(again, undefined).catch((error) => this.failed(error));
    return true;
  }

  private failed(error: unknown): void {
    this.unwatchSignal();
    this.release(error);
    this.reject?.(error);
    this.reject = null;
  }

  /** An interceptor may put a signal of its own in the request's place: it cancels this attempt. */
  private watchSignal(): void {
    const { signal } = this.req;
    if (signal === this.scope.signal || this.ownSignal !== null) return;
    if (signal.aborted) this.signalFired(signal);
    else {
      this.ownSignal = SharedSignal.of(signal);
      this.ownSignal.add(this);
    }
  }

  /** @inheritdoc */
  signalFired(signal: AbortSignal): void {
    const error = errorFromReason(signal.reason);
    if (this.call !== null) this.call.cancel(error);
    // There is no connection yet.
    else this.failed(error);
  }

  private unwatchSignal(): void {
    this.ownSignal?.delete(this);
    this.ownSignal = null;
  }
}

/** A call with one message each way. */
export class UnaryAttempt extends Attempt {
  protected completed(call: ClientCall, error: ConnectError | null): void {
    if (error !== null) this.reject?.(error);
    else this.resolve?.(this.caller.response(call, call.reader.shift()));
  }

  protected replayable(): boolean {
    return true;
  }

  protected send(call: ClientCall): void {
    call.sendOnly(this.req.message);
  }
}

/** A call with a stream of messages in one direction or in both. */
export class StreamAttempt extends Attempt {
  /** The claim on the messages; null if each attempt can have them. */
  private claim: Claim | null = null;
  private running = false;

  protected override take(): void {
    const { scope } = this;
    this.running = true;
    scope.attempts++;
    this.claim = claimOf(this.req.message, scope);
    this.claim?.take(this, scope);
  }

  protected override detach(call: ClientCall): void {
    const message: unknown = this.req.message;
    if (message instanceof RequestQueue) message.detach(call);
  }

  protected override release(error: unknown): void {
    if (!this.running) return;
    this.running = false;
    this.scope.attempts--;
    this.claim?.release(this, error);
  }

  responded(): void {
    const { call } = this;
    if (call === null) return;
    this.resolve?.(this.caller.response(call, call.reader));
    // A stream may be idle for hours: the two functions would hold 160 bytes for each.
    this.resolve = null;
    this.reject = null;
  }

  protected completed(call: ClientCall, ended: ConnectError | null): void {
    const partly = call.refused !== null && this.claim?.consumed === true;
    const error = ended !== null && partly ? notSentAgain(ended) : ended;
    this.release(error);
    // Before the response began, an interceptor may still try again; afterwards this attempt is the call.
    if (this.resolve !== null && error !== null) this.reject?.(error);
    else this.scope.finish(error);
    this.responded();
  }

  protected replayable(): boolean {
    return this.resolve !== null && this.claim?.consumed !== true;
  }

  protected send(call: ClientCall): void {
    const message: unknown = this.req.message;
    if (message instanceof RequestQueue) {
      if (!message.attach(call)) call.cancel(message.claim.refusal(this.scope));
      return;
    }
    const { claim } = this;
    if (claim !== null) {
      // An interceptor's reader may have begun since this attempt did.
      if (claim.consumed) {
        call.cancel(claim.refusal(this.scope));
        return;
      }
      claim.consumed = true;
    }
    call.sendAll(message instanceof RequestSource ? message.given : (message as AsyncIterable<unknown>));
  }
}

/** The claim on the messages of a request; null if each attempt can have them. */
export function claimOf(messages: unknown, scope: CallScope): Claim | null {
  if (messages instanceof RequestQueue || messages instanceof RequestSource) return messages.claim;
  if (typeof messages !== "object" || messages === null || isReplayable(messages)) return null;
  return scope.claimOf(messages);
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
