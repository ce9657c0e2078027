// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError, type StreamResponse } from "@connectrpc/connect";
import { MessageReader } from "../../engine/message/message-reader.js";
import { errorFromReason, errorFromThrown } from "../../log/thrown.js";
import { runIsolated } from "../../runtime/async-context.js";
import type { EndedBySignal } from "../../runtime/shared-signal.js";
import { type CallObserver, observe, observeReceived } from "../api/call-observer.js";
import { type AnyResponse, checkResponse } from "../api/call-request.js";
import { callOf } from "../api/call-response.js";
import { Later } from "../api/later.js";
import type { CallScope } from "./call-scope.js";
import { ForeignMessages, type ForeignOwner } from "./foreign-messages.js";
import { observeInContext } from "./observe-in-context.js";

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/**
 * The response side of a call with a streamed response, behind every handle: from the moment it is called, through
 * interceptors and connecting, to its last message. It has no reference to the handle, so that a handle that is dropped
 * can be collected, and the call with it.
 */
export class StreamCall<O> implements EndedBySignal, ForeignOwner {
  readonly scope: CallScope;
  /** Called with the call when it is over; must not refer to its handle. */
  whenOver: ((call: StreamCall<never>) => void) | null = null;
  private readonly observer: CallObserver;
  private readonly onResponse: (() => void) | undefined;
  private response: StreamResponse | null = null;
  private reader: MessageReader<O> | null = null;
  private foreign: ForeignMessages<O> | null = null;
  private hasStarted = false;
  /** For reads before that. */
  private started: Later<void> | null = null;
  private header: Later<Headers> | null = null;
  private trailer: Later<Headers> | null = null;
  /** `onTrailer` was called, or the call was refused before its response was known. */
  private observed = false;
  /** The error of an interceptor or of `onHeader`: the outcome for the user, though the call itself may have ended well. */
  private refusal: ConnectError | null = null;

  /** `response` is what the interceptors and the transport will answer. */
  constructor(
    scope: CallScope,
    observer: CallObserver,
    begin: () => Promise<AnyResponse>,
    onEnd?: () => void,
    onResponse?: () => void,
  ) {
    this.scope = scope;
    this.observer = observeInContext(observer);
    this.onResponse = onResponse;
    scope.onEnd = (error) => {
      this.ended(error);
      this.watchSignal();
      onEnd?.();
      this.whenOver?.(this as unknown as StreamCall<never>);
    };
    if (scope.over) {
      this.ended(scope.error);
      onEnd?.();
      return;
    }
    let response: Promise<AnyResponse>;
    try {
      // An interceptor may return a plain value in place of a promise.
      response = Promise.resolve(runIsolated(begin, undefined));
    } catch (error) {
      this.refuse(errorFromThrown(error, Code.Internal));
      return;
    }
    response.then(
      (res) => this.responded(res as StreamResponse),
      (error) => this.refuse(scope.error ?? error),
    );
  }

  /** The next message; `done` at the end; rejects with the call's error, as often as asked. */
  next(holder: object): Promise<IteratorResult<O, undefined>> {
    if (!this.scope.over) return this.read(holder);
    this.leaveIfAborted();
    const read = this.read(holder);
    this.watchSignal();
    return read;
  }

  private read(holder: object): Promise<IteratorResult<O, undefined>> {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    if (this.reader !== null) return this.reader.next(holder);
    if (this.foreign !== null) return this.foreign.next();
    if (this.hasStarted)
      return this.scope.error === null ? Promise.resolve(finished) : Promise.reject(this.scope.error);
    this.started ??= new Later();
    return this.started.promise.then(() => this.next(holder));
  }

  /**
   * Ends the call for its user. If the call is over and messages wait, they are dropped and reads reject: the messages that were
   * read must not pass for the whole. Does nothing if all messages were read.
   */
  cancel(error: ConnectError): void {
    const { unread } = this;
    if (unread) this.refusal = this.scope.error ?? error;
    this.scope.cancel(error);
    if (unread) this.reader?.fail(error, true);
    else this.reader?.discard();
    this.foreign?.cancel(error);
    if (this.refusal === null) return;
    this.start();
    if (this.response !== null) return;
    this.header?.reject(this.refusal);
    this.trailer?.reject(this.refusal);
  }

  /** True if the call is over while its user has neither all of its messages nor its error. */
  private get unread(): boolean {
    if (!this.scope.over || this.scope.canceled || this.refusal !== null) return false;
    if (this.reader !== null) return this.reader.waiting > 0;
    return this.foreign?.ended !== true;
  }

  /** @inheritdoc */
  signalFired(signal: AbortSignal): void {
    this.cancel(errorFromReason(signal.reason));
  }

  /** @inheritdoc */
  readsSettled(): void {
    this.scope.userSignal?.delete(this);
  }

  /**
   * Listens to the user's signal while the call is over and its user still waits: for a decompression, or for an interceptor. The
   * call itself no longer listens.
   */
  private watchSignal(): void {
    const { userSignal } = this.scope;
    if (userSignal === null || !this.unread) return;
    const waits =
      this.reader?.watch(this) ??
      this.foreign?.reading ??
      (this.started ?? this.header ?? this.trailer) !== null;
    if (!waits) return;
    this.leaveIfAborted();
    if (this.refusal === null) userSignal.add(this);
  }

  /** A signal that fired when nothing waited has no call to end: the next read looks at the signal. */
  private leaveIfAborted(): void {
    if (!this.unread) return;
    const reason = this.scope.abortReason();
    if (reason !== null) this.cancel(reason);
  }

  /**
   * The user's own code, around the call, threw: that is its outcome, even if the call itself has ended well. What
   * still runs of it is reset.
   */
  refuse(cause: unknown): ConnectError {
    const error = errorFromThrown(cause);
    this.refusal = error;
    this.cancel(error);
    this.header?.reject(error);
    this.trailer?.reject(error);
    if (this.response === null && !this.observed) {
      this.observed = true;
      observeReceived(this.scope, this.observer);
    }
    this.start();
    return error;
  }

  get responseHeader(): Promise<Headers> {
    if (this.header === null) {
      this.header = new Later();
      const error = this.refusal ?? this.scope.error;
      if (this.response !== null) this.header.resolve(this.response.header);
      else if (this.scope.over && error !== null) this.header.reject(error);
      else if (this.scope.over) this.watchSignal();
    }
    return this.header.promise;
  }

  get responseTrailer(): Promise<Headers> {
    if (this.trailer === null) {
      this.trailer = new Later();
      if (this.scope.over) {
        this.settleTrailer(this.scope.error ?? (this.response === null ? this.refusal : null));
        this.watchSignal();
      }
    }
    return this.trailer.promise;
  }

  /** True if the last message that was handed out came compressed. Undefined before the first message, and where it is not known. */
  get responseCompressed(): boolean | undefined {
    if (this.reader !== null) return this.reader.compressed;
    return this.response === null ? undefined : callOf(this.response)?.reader.compressed;
  }

  /** Calls `onCompressed` for the only response message. Throws the callback's error, as the call's error. */
  tellCompressed(): void {
    const { responseCompressed } = this;
    if (responseCompressed === undefined) return;
    try {
      this.observer.onCompressed?.(responseCompressed);
    } catch (error) {
      throw this.refuse(error);
    }
  }

  private responded(res: StreamResponse): void {
    try {
      checkResponse(res, this.scope.name);
      // The answer to a request of an interceptor's own making ends a call of its own: it says nothing to this one's scope.
      const ours = res.message instanceof MessageReader && this.scope.call !== null;
      if (ours) this.reader = res.message as unknown as MessageReader<O>;
      else this.foreign = new ForeignMessages(res.message as AsyncIterable<O>, this);
    } catch (error) {
      this.refuse(error);
      return;
    }
    this.response = res;
    if (this.scope.canceled || this.refusal !== null) {
      this.reader?.discard();
      this.foreign?.leave();
    }
    this.onResponse?.();
    this.start();
    this.header?.resolve(res.header);
    try {
      this.observer.onHeader?.(res.header);
    } catch (error) {
      this.refuse(error);
    }
    // The call may have ended before the interceptors had returned: with its response known, the trailers are too.
    if (this.scope.over && (this.scope.error === null || this.scope.call?.hasTrailers === true))
      this.tellTrailers();
  }

  private ended(error: ConnectError | null): void {
    if (error !== null) {
      // A call that failed by itself still gives the messages that arrived, and a wrapper of its messages sees the error.
      if (this.scope.canceled) {
        this.foreign?.cancel(error);
        this.header?.reject(error);
        this.start();
      }
      // Otherwise a response that had begun is still on its way through the interceptors, or they reject.
      this.trailer?.reject(error);
      if (this.scope.call?.hasTrailers === true) this.tellTrailers();
      return;
    }
    this.tellTrailers();
  }

  /** All messages of a response that is not the engine's were read. */
  foreignEnded(): void {
    this.scope.finish(null);
    this.tellTrailers();
  }

  /** Gives the trailers to the callback and to readers of `responseTrailer`. After a failure, only the callback gets them. */
  private tellTrailers(): void {
    if (this.observed || this.response === null) return;
    this.observed = true;
    const { trailer } = this.response;
    this.trailer?.resolve(trailer);
    observe(this.scope.name, "onTrailer", () => this.observer.onTrailer?.(trailer));
  }

  private settleTrailer(error: ConnectError | null): void {
    if (error !== null) this.trailer?.reject(error);
    else if (this.response !== null) this.trailer?.resolve(this.response.trailer);
  }

  private start(): void {
    this.hasStarted = true;
    this.started?.resolve();
    this.started = null;
    this.readsSettled();
  }
}
