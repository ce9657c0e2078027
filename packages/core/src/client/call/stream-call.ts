// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError, type StreamResponse } from "@connectrpc/connect";
import { MessageReader } from "../../engine/message/message-reader.js";
import type { ReadWatcher } from "../../engine/message/unread-messages.js";
import { errorFromThrown } from "../../log/thrown.js";
import { runIsolated } from "../../runtime/async-context.js";
import type { TripleCallOptions } from "../api/call-options.js";
import { forgetHandle } from "./abandoned-handles.js";
import { Call, type InterceptedMethod } from "./call.js";
import { type CallObserver, observe, observeReceived } from "./call-observer.js";
import { type AnyResponse, checkResponse } from "./call-request.js";
import { attemptOf } from "./call-response.js";
import { ForeignMessages } from "./foreign-messages.js";
import { Later } from "./later.js";
import { noObserver, observeInContext } from "./observe-in-context.js";
import { RequestQueue } from "./request-queue.js";
import type { RequestSource } from "./request-source.js";

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/**
 * A call with a stream of messages in one direction or in both, behind every handle: from the moment it is called, through
 * interceptors and connecting, to its last message. It has no reference to the handle, so that a handle that is dropped can be
 * collected, and the call with it.
 */
export class StreamCall<O> extends Call implements ReadWatcher {
  declare readonly method: InterceptedMethod;
  /** The request's messages: those of an iterable, or those that the user sends. */
  private messages: RequestSource | RequestQueue | null = null;
  private observer: CallObserver = noObserver;
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

  /** Begins the call, unless `fault` says what is wrong with what the user gave. */
  start(
    messages: RequestSource | RequestQueue,
    options: TripleCallOptions | undefined,
    fault: ConnectError | null,
  ): void {
    this.messages = messages;
    this.observer = observeInContext(options);
    if (!this.arm(options?.signal, fault)) return;
    let response: Promise<AnyResponse>;
    try {
      // An interceptor may return a plain value in place of a promise.
      response = Promise.resolve(runIsolated(this.method.begin, this.method, this, messages));
    } catch (error) {
      this.refuse(errorFromThrown(error, Code.Internal));
      return;
    }
    response.then(
      (res) => this.responded(res as StreamResponse),
      (error) => this.refuse(this.error ?? error),
    );
  }

  /** The next message; `done` at the end; rejects with the call's error, as often as asked. */
  next(holder: object): Promise<IteratorResult<O, undefined>> {
    if (!this.over) return this.read(holder);
    this.leaveIfAborted();
    const read = this.read(holder);
    this.watchSignal();
    return read;
  }

  private read(holder: object): Promise<IteratorResult<O, undefined>> {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    if (this.reader !== null) return this.reader.next(holder);
    if (this.foreign !== null) return this.foreign.next();
    if (this.hasStarted) return this.error === null ? Promise.resolve(finished) : Promise.reject(this.error);
    this.started ??= new Later();
    return this.started.promise.then(() => this.next(holder));
  }

  /**
   * Ends the call for its user. If the call is over and messages wait, they are dropped and reads reject: the messages that were
   * read must not pass for the whole. Does nothing if all messages were read.
   */
  override cancel(error: ConnectError): void {
    const { unread } = this;
    if (unread) this.refusal = this.error ?? error;
    super.cancel(error);
    if (unread) this.reader?.fail(error, true);
    else this.reader?.discard();
    this.foreign?.cancel(error);
    if (this.refusal === null) return;
    this.begun();
    if (this.response !== null) return;
    this.header?.reject(this.refusal);
    this.trailer?.reject(this.refusal);
  }

  /** True if the call is over while its user has neither all of its messages nor its error. */
  private get unread(): boolean {
    if (!this.over || this.canceled || this.refusal !== null) return false;
    if (this.reader !== null) return this.reader.waiting > 0;
    return this.foreign?.ended !== true;
  }

  /** @inheritdoc */
  readsSettled(): void {
    if (this.over) this.userSignal?.delete(this);
  }

  /**
   * Listens to the user's signal while the call is over and its user still waits: for a decompression, or for an interceptor. The
   * call itself no longer listens.
   */
  private watchSignal(): void {
    const { userSignal } = this;
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
    const reason = this.abortReason();
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
      observeReceived(this, this.observer);
    }
    this.begun();
    return error;
  }

  get responseHeader(): Promise<Headers> {
    if (this.header === null) {
      this.header = new Later();
      const error = this.refusal ?? this.error;
      if (this.response !== null) this.header.resolve(this.response.header);
      else if (this.over && error !== null) this.header.reject(error);
      else if (this.over) this.watchSignal();
    }
    return this.header.promise;
  }

  get responseTrailer(): Promise<Headers> {
    if (this.trailer === null) {
      this.trailer = new Later();
      if (this.over) {
        this.settleTrailer(this.error ?? (this.response === null ? this.refusal : null));
        this.watchSignal();
      }
    }
    return this.trailer.promise;
  }

  /** True if the last message that was handed out came compressed. Undefined before the first message, and where it is not known. */
  get responseCompressed(): boolean | undefined {
    if (this.reader !== null) return this.reader.compressed;
    return this.response === null ? undefined : attemptOf(this.response)?.reader.compressed;
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
      checkResponse(res, this.name);
      // The answer to a request of an interceptor's own making ends a call of its own, and says nothing to this one.
      const from = attemptOf(res);
      const ours =
        res.message instanceof MessageReader &&
        (from === undefined ? this.attempt !== null : from.call === this);
      if (ours) this.reader = res.message as unknown as MessageReader<O>;
      else this.foreign = new ForeignMessages(res.message as AsyncIterable<O>, this);
    } catch (error) {
      this.refuse(error);
      return;
    }
    this.response = res;
    if (this.canceled || this.refusal !== null) {
      this.reader?.discard();
      this.foreign?.leave();
    }
    if (this.messages instanceof RequestQueue) this.messages.answered();
    this.begun();
    this.header?.resolve(res.header);
    try {
      this.observer.onHeader?.(res.header);
    } catch (error) {
      this.refuse(error);
    }
    // The call may have ended before the interceptors had returned: with its response known, the trailers are too.
    if (this.over && (this.error === null || this.attempt?.hasTrailers === true)) this.tellTrailers();
  }

  protected override ended(error: ConnectError | null): void {
    if (error === null) this.tellTrailers();
    else this.endedWith(error);
    this.watchSignal();
    this.messages?.over();
    forgetHandle(this);
  }

  private endedWith(error: ConnectError): void {
    // A call that failed by itself still gives the messages that arrived, and a wrapper of its messages sees the error.
    if (this.canceled) {
      this.foreign?.cancel(error);
      this.header?.reject(error);
      this.begun();
    }
    // Otherwise a response that had begun is still on its way through the interceptors, or they reject.
    this.trailer?.reject(error);
    if (this.attempt?.hasTrailers === true) this.tellTrailers();
  }

  /** All messages of a response that is not the engine's were read. */
  foreignEnded(): void {
    this.finish(null);
    this.tellTrailers();
  }

  /** Gives the trailers to the callback and to readers of `responseTrailer`. After a failure, only the callback gets them. */
  private tellTrailers(): void {
    if (this.observed || this.response === null) return;
    this.observed = true;
    const { trailer } = this.response;
    this.trailer?.resolve(trailer);
    observe(this.name, "onTrailer", () => this.observer.onTrailer?.(trailer));
  }

  private settleTrailer(error: ConnectError | null): void {
    if (error !== null) this.trailer?.reject(error);
    else if (this.response !== null) this.trailer?.resolve(this.response.trailer);
  }

  private begun(): void {
    this.hasStarted = true;
    this.started?.resolve();
    this.started = null;
    this.readsSettled();
  }
}
