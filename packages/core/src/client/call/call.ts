// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type { Peer } from "../../carrier/connection.js";
import { type DeadlineEntry, type DeadlineWheel, forEver } from "../../engine/call/deadline.js";
import type { HeadersMaker } from "../../engine/call/lazy-headers.js";
import { Observations } from "../../engine/call/observations.js";
import type { CallHooks, ObservedCall } from "../../engine/call/observe.js";
import { errorFromReason } from "../../log/thrown.js";
import { describeValue } from "../../options/describe-value.js";
import { type AsyncContext, captureContext } from "../../runtime/async-context.js";
import { type EndedBySignal, isSignal, SharedSignal } from "../../runtime/shared-signal.js";
import type { SendOptions } from "../api/call-options.js";
import type { Attempt } from "./attempt.js";
import type { AnyResponse } from "./call-request.js";
import { Claim } from "./claim.js";

/** By how much the peer's clock may be ahead when it keeps the deadline of a call. */
const clockSlackMs = 10;

/** The method of a call, as a client or a transport has prepared it. */
export interface CallMethod {
  /** `package.Service/Method`. */
  readonly name: string;
  readonly desc: DescMethod;
  /** The URL that interceptors see. */
  readonly url: string;
  /** The deadlines of its calls. */
  readonly deadlines: DeadlineWheel;
  /** Makes the headers of a call, before interceptors. `ofCall`: those that the user gave for this call. */
  makeHeaders(ofCall: HeadersInit | undefined): Headers;
}

/** A method whose calls have interceptors, those of a client. */
export interface InterceptedMethod extends CallMethod {
  /** Passes a call to its outermost interceptor, which may throw, or return a plain value in place of a promise. */
  begin(call: Call, message: unknown): Promise<AnyResponse>;
  /** A copy of a message for its options: the given object may be sent again with others. Throws for invalid options. */
  copyWithOptions(given: unknown, options: SendOptions): unknown;
}

/**
 * One call from its user's point of view: its deadline, its signal, its end, and its attempts. A call has several attempts if an
 * interceptor sends the request again, or the transport does. Commands go down, from the handle to the call to its attempts.
 */
export abstract class Call implements ObservedCall, DeadlineEntry, HeadersMaker<null>, EndedBySignal {
  readonly method: CallMethod;
  readonly timeoutMs: number | undefined;
  /** The call has ended for its user. */
  over = false;
  /** The error that ended it; null if it ended well, or has not ended. */
  error: ConnectError | null = null;
  /** This side ended the call: its user, its deadline, or an error around it. */
  canceled = false;
  /** The latest attempt. Null before the first one, and over a transport of Connect's own. */
  attempt: Attempt | null = null;
  /** The attempts that run now: calls of the innermost `next()` that have not ended. */
  running = 0;
  /** The attempts so far, over a transport of ours. */
  private made = 0;
  /** Attempts before the latest one that may run beside it. */
  private earlier: Attempt[] | null = null;
  /** Messages that interceptors put in place of the request's own, each with its claim. */
  private claims: { readonly messages: object; readonly claim: Claim }[] | null = null;
  /** The headers, once the user or an interceptor asked for them. */
  headers: Headers | null = null;
  /** Headers that the user gave for this call. */
  ofCall: HeadersInit | undefined = undefined;
  /** The user's choice of compression for the request's messages. */
  compress: boolean | undefined = undefined;
  /** The request of a unary call, if interceptors may observe it. */
  input: unknown = undefined;
  /** The hooks of interceptors; null without any. */
  observations: Observations | null = null;
  /** Context values that the user gave for this call. */
  contextValues: ContextValues | undefined = undefined;
  dueAt = 0;
  deadlineNext: DeadlineEntry | null = null;
  deadlinePrevious: DeadlineEntry | null = null;
  deadlineSet = false;
  /** The signal that the user gave for this call. */
  protected userSignal: SharedSignal | null = null;
  private controller: AbortController | null = null;
  /** The context in which the signal was asked for. Its listeners are called there, whatever ends the call. */
  private signalContext: AsyncContext | null = null;

  constructor(method: CallMethod, timeoutMs: number | undefined) {
    this.method = method;
    this.timeoutMs = timeoutMs;
  }

  /**
   * Starts the deadline, and listens to the user's signal. A signal that has fired already, a value that is not a signal, and a
   * `fault` of what the user gave end the call before it begins. Returns false then.
   */
  protected arm(signal: AbortSignal | undefined, fault: ConnectError | null): boolean {
    const { timeoutMs } = this;
    if (timeoutMs !== undefined) this.method.deadlines.add(this, timeoutMs);
    if (signal !== undefined) {
      if (!isSignal(signal)) this.cancel(noSignal(this.name, signal));
      else if (signal.aborted) this.signalFired(signal);
      else {
        this.userSignal = SharedSignal.of(signal);
        this.userSignal.add(this);
      }
    }
    if (fault !== null) this.cancel(fault);
    return !this.over;
  }

  /** The call is over, and its attempts may still run. Called once. */
  protected abstract ended(error: ConnectError | null): void;

  /** `package.Service/Method`. */
  get name(): string {
    return this.method.name;
  }

  /** Fires when the call is over, with the error that ended it. */
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
    this.headers ??= this.method.makeHeaders(this.ofCall);
    return this.headers;
  }

  /** Adds an attempt: after the one before, or beside it. Returns its number, from 1. */
  add(attempt: Attempt): number {
    if (this.attempt !== null && !this.attempt.over) {
      this.earlier = (this.earlier ?? []).filter((each) => !each.over);
      this.earlier.push(this.attempt);
    }
    this.attempt = attempt;
    this.running++;
    return ++this.made;
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

  /** Ends the call with an error, and its attempts. Does nothing if it is over. */
  cancel(error: ConnectError): void {
    if (this.over) return;
    this.canceled = true;
    this.end(error);
    this.attempt?.cancel(error);
    if (this.earlier !== null) for (const attempt of this.earlier) attempt.cancel(error);
  }

  /** The call has ended, well or not. Does nothing if it is over. */
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
    const left = this.dueAt - this.method.deadlines.now();
    if (left <= 0) {
      this.onDeadline();
      // A call that has ended well has no error of its own.
      throw this.error ?? this.deadlineError();
    }
    const whole = Math.ceil(left);
    // The wheel also ends deadlines longer than its range; the peer gets the given one.
    return whole >= timeoutMs || timeoutMs >= forEver ? timeoutMs : whole;
  }

  /** Milliseconds until the deadline, 0 or more; undefined without one. */
  get timeLeftMs(): number | undefined {
    if (this.timeoutMs === undefined) return undefined;
    return Math.max(0, this.dueAt - this.method.deadlines.now());
  }

  /** A server that keeps the deadline may reset the call just before it is noticed here: that is the deadline all the same. */
  explain(error: ConnectError): ConnectError {
    if (error.code !== Code.Canceled || this.timeoutMs === undefined) return error;
    return this.method.deadlines.now() < this.dueAt - clockSlackMs ? error : this.deadlineError();
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
    const { attempt } = this;
    const error = this.deadlineError();
    if (attempt?.opened === true) {
      attempt.addReceived(error);
      attempt.deadlinePassed();
    }
    this.cancel(error);
  }

  private deadlineError(): ConnectError {
    const { attempt } = this;
    // An interceptor waits before it calls `next()` again.
    const failed = attempt?.over === true ? attempt.error : null;
    const progress =
      failed !== null
        ? `no attempt is under way, the last one ended with ${failed.message}`
        : attempt?.opened === true
          ? attempt.progress()
          : "nothing was sent";
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
    this.method.deadlines.remove(this);
    this.userSignal?.delete(this);
    if (this.controller !== null)
      this.signalContext!.runInAsyncScope(this.controller.abort, this.controller, error ?? callEndedError);
    this.ended(error);
    if (this.observations !== null) this.tellEnd(this.observations);
  }

  /** @inheritdoc */
  get peer(): Peer | undefined {
    return this.attempt?.opened === true ? this.attempt.peer : undefined;
  }

  /** @inheritdoc */
  observe(hooks: CallHooks): void {
    this.observations ??= new Observations(this.name);
    const { observations, attempt } = this;
    const tapped = observations.messages;
    observations.add(hooks, this.input);
    if (!tapped && observations.messages && attempt?.opened === true) attempt.tap(observations);
    if (this.over) this.tellEnd(observations);
  }

  private tellEnd(observations: Observations): void {
    const { attempt, error } = this;
    const { request, response } = observations.told;
    if (attempt?.opened === true) observations.end(error, attempt.writer.sent, attempt.reader.received);
    // The hooks of a unary call have seen its request already.
    else observations.end(error, this.input === undefined ? request : 1, response);
  }
}

/** The deadline that `timeoutMs` asks for. As in Connect, 0 and less is no deadline. */
export function limitOf(timeoutMs: number | undefined): number | undefined {
  return timeoutMs !== undefined && timeoutMs > 0 ? timeoutMs : undefined;
}

const callEndedError = new ConnectError("the call has ended", Code.Canceled);

function noSignal(name: string, given: unknown): ConnectError {
  return new ConnectError(
    `option signal of ${name} is ${describeValue(given)}: pass an AbortSignal, or leave it out`,
    Code.InvalidArgument,
  );
}
