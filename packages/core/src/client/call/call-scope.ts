// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type { ClientCall } from "../../engine/call/client-call.js";
import { type DeadlineEntry, type DeadlineWheel, deadlines, forEver } from "../../engine/call/deadline.js";
import type { HeadersMaker } from "../../engine/call/lazy-headers.js";
import { errorFromReason } from "../../log/thrown.js";
import { describeValue } from "../../options/describe-value.js";
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { type EndedBySignal, isSignal, SharedSignal } from "../../runtime/shared-signal.js";
import { type Attempted, Claim } from "./claim.js";

/** By how much the peer's clock may be ahead when it keeps the deadline of a call. */
const clockSlackMs = 10;

/** Makes the costly parts of a request at their first access. */
export interface RequestMaker {
  /** The headers of a call, before interceptors. */
  makeHeaders(ofCall: HeadersInit | undefined): Headers;
  /** The URL that interceptors see. */
  readonly url: string;
}

/**
 * One call from its user's point of view: its deadline, its cancellation, its end. It outlives a single stream, since an
 * interceptor may wait before it sends, or send again.
 */
export class CallScope implements Attempted, DeadlineEntry, HeadersMaker<null>, EndedBySignal {
  /** The call has ended for its user. */
  over = false;
  /** With what it ended; null if well, or if it has not. */
  error: ConnectError | null = null;
  /** This side ended the call: its user, its deadline, or an error around it. */
  canceled = false;
  /** The stream that carries it, the last one if there are several. */
  call: ClientCall | null = null;
  /** Attempts that run now: calls of the innermost `next()` that have not ended. */
  attempts = 0;
  /** Messages that interceptors put in place of the request's own, each with its claim. */
  private claims: { readonly messages: object; readonly claim: Claim }[] | null = null;
  /** The streams that carried it when another one was added; those that are not over yet run beside that. */
  private earlier: ClientCall[] | null = null;
  /** Called once, when it is over. */
  onEnd: ((error: ConnectError | null) => void) | null = null;
  /** The headers, once the user or an interceptor asked for them. */
  headers: Headers | null = null;
  /** Makes what a request asks for. */
  maker: RequestMaker | null = null;
  /** Headers that the user gave for this call. */
  ofCall: HeadersInit | undefined = undefined;
  /** The user's choice of compression for the request's messages. */
  compress: boolean | undefined = undefined;
  /** Context values that the user gave for this call. */
  contextValues: ContextValues | undefined = undefined;
  readonly name: string;
  readonly timeoutMs: number | undefined;
  dueAt = 0;
  deadlineNext: DeadlineEntry | null = null;
  deadlinePrevious: DeadlineEntry | null = null;
  deadlineSet = false;
  private readonly deadlines: DeadlineWheel;
  /** The signal that the user gave for this call. */
  readonly userSignal: SharedSignal | null = null;
  private controller: AbortController | null = null;
  /** The context in which the signal was asked for. Its listeners are called there, whatever ends the call. */
  private signalContext: AsyncContext | null = null;

  /** `name` is `package.Service/Method`. A signal that has fired already, or is none, ends the call before it begins. */
  constructor(
    name: string,
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
    wheel: DeadlineWheel = deadlines,
  ) {
    this.name = name;
    this.deadlines = wheel;
    this.timeoutMs = timeoutMs;
    if (timeoutMs !== undefined) wheel.add(this, timeoutMs);
    if (signal === undefined) return;
    if (!isSignal(signal)) this.cancel(noSignal(name, signal));
    else if (signal.aborted) this.signalFired(signal);
    else {
      this.userSignal = SharedSignal.of(signal);
      this.userSignal.add(this);
    }
  }

  /** Fires when the call is over, with what ended it. */
  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      this.signalContext = captureContext();
      if (this.over) this.controller.abort(this.error ?? callEndedError);
    }
    return this.controller.signal;
  }

  /** The headers of the request, made at the first access. */
  headersOf(): Headers {
    this.headers ??= this.maker!.makeHeaders(this.ofCall);
    return this.headers;
  }

  /** Another stream carries it: after the one before, or beside it, when an interceptor does not wait for that. */
  carriedBy(call: ClientCall): void {
    if (this.call !== null && !this.call.over) {
      this.earlier = (this.earlier ?? []).filter((each) => !each.over);
      this.earlier.push(this.call);
    }
    this.call = call;
  }

  /** The claim on messages that an interceptor put in place of the request's own. */
  claimOf(messages: object): Claim {
    this.claims ??= [];
    const known = this.claims.find((each) => each.messages === messages);
    if (known !== undefined) return known.claim;
    const claim = new Claim();
    this.claims.push({ messages, claim });
    return claim;
  }

  /** Ends the call with an error: whatever carries it is reset. Nothing if it is over. */
  cancel(error: ConnectError): void {
    if (this.over) return;
    this.canceled = true;
    this.end(error);
    this.call?.cancel(error);
    if (this.earlier !== null) for (const call of this.earlier) call.cancel(error);
  }

  /** The call has ended, well or not. Nothing if it had. */
  finish(error: ConnectError | null): void {
    if (!this.over) this.end(error);
  }

  /**
   * The milliseconds for the peer's timeout header: the time left, rounded up to whole milliseconds, but never more than the given
   * timeout. A header that is written within the first millisecond has the given timeout. Undefined without a deadline. If no time
   * is left, ends the call and throws.
   */
  timeLeft(): number | undefined {
    const { timeoutMs } = this;
    if (timeoutMs === undefined) return undefined;
    const left = this.dueAt - this.deadlines.now();
    if (left <= 0) {
      this.onDeadline();
      throw this.error;
    }
    const whole = Math.ceil(left);
    // The wheel also ends deadlines longer than its range; the peer gets the given one.
    return whole >= timeoutMs || timeoutMs >= forEver ? timeoutMs : whole;
  }

  /** A server that keeps the deadline may reset the call just before it is noticed here: that is the deadline all the same. */
  explain(error: ConnectError): ConnectError {
    if (error.code !== Code.Canceled || this.timeoutMs === undefined) return error;
    return this.deadlines.now() < this.dueAt - clockSlackMs ? error : this.deadlineError();
  }

  /** The reason of the user's signal if it has fired, else null. */
  abortReason(): ConnectError | null {
    const signal = this.userSignal?.firedSignal;
    return signal === undefined ? null : errorFromReason(signal.reason);
  }

  /** @inheritdoc */
  signalFired(signal: AbortSignal): void {
    this.cancel(errorFromReason(signal.reason));
  }

  /** @inheritdoc */
  onDeadline(): void {
    const error = this.deadlineError();
    this.call?.addReceived(error);
    this.call?.deadlinePassed();
    this.cancel(error);
  }

  private deadlineError(): ConnectError {
    const { call } = this;
    // An interceptor waits before it calls `next()` again.
    const failed = call?.over === true ? call.error : null;
    const progress =
      failed === null
        ? (call?.progress() ?? "nothing was sent")
        : `no attempt is under way, the last one ended with ${failed.message}`;
    return new ConnectError(
      `the deadline of ${this.timeoutMs} ms that this client set passed in ${this.name}: ${progress}; raise timeoutMs if that is too short`,
      Code.DeadlineExceeded,
      undefined,
      undefined,
      failed ?? undefined,
    );
  }

  private end(error: ConnectError | null): void {
    this.over = true;
    this.error = error;
    this.deadlines.remove(this);
    this.userSignal?.delete(this);
    if (this.controller !== null)
      this.signalContext!.runInAsyncScope(this.controller.abort, this.controller, error ?? callEndedError);
    this.onEnd?.(error);
  }
}

const callEndedError = new ConnectError("the call has ended", Code.Canceled);

function noSignal(name: string, given: unknown): ConnectError {
  return new ConnectError(
    `option signal of ${name} is ${describeValue(given)}: pass an AbortSignal, or leave it out`,
    Code.InvalidArgument,
  );
}
