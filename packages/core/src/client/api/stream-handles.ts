// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { inspect, inspectLine } from "../../log/inspect.js";
import { errorFromThrown, thrownConnectError } from "../../log/thrown.js";
import { watchHandle } from "../call/abandoned-handles.js";
import type { Call, InterceptedMethod } from "../call/call.js";
import type { RequestQueue } from "../call/request-queue.js";
import type { StreamCall } from "../call/stream-call.js";
import type { SendOptions } from "./call-options.js";

/** The members of every stream handle. */
export interface StreamHandle extends AsyncDisposable {
  /** Settles as soon as response headers arrive; rejects with the call's error if it fails before. */
  readonly responseHeader: Promise<Headers>;
  /** Settles at the end of the call; rejects with its error, which carries the trailers as `metadata`. */
  readonly responseTrailer: Promise<Headers>;
  /**
   * True if the response message of the last read came compressed (its flag in the gRPC frame). With several pending reads, the
   * last answered one counts. Undefined before the first message, over a transport of Connect's own, and when an interceptor
   * answered. If an interceptor reads ahead, this is the flag of the message that it has read.
   */
  readonly responseCompressed: boolean | undefined;
  /** Ends the call now: the server gets a reset, reads reject with `Canceled` and the reason. No effect on a call that is over. */
  cancel(reason?: unknown): void;
}

/**
 * The messages of a response: read them with `for await`, or with `receive()`. Leaving the loop ends the call. The call's
 * error is thrown by the loop, after the messages that had arrived.
 */
export interface ServerStream<O> extends StreamHandle, AsyncIterableIterator<O, undefined> {
  /** The next message, or undefined at the end of the stream; rejects with the call's error. As often as asked. */
  receive(): Promise<O | undefined>;
  /** Done reading: cancels what is left. Never rejects, may be repeated. */
  closeResponse(): Promise<void>;
  return(): Promise<IteratorResult<O, undefined>>;
  throw(error?: unknown): Promise<IteratorResult<O, undefined>>;
  [Symbol.asyncIterator](): ServerStream<O>;
}

/** A request that is sent message by message, and its one answer. */
export interface ClientStream<I, O> extends StreamHandle {
  /**
   * Sends a message; settles when there is room for another one. Rejects with the call's error when it has failed, and
   * with `FailedPrecondition` when the server has ended it, and when it has to be compressed and the transport has no
   * `sendCompression`; then the call goes on without it.
   */
  send(message: I, options?: SendOptions): Promise<void>;
  /** Half-closes and waits for the answer. Rejects with the call's error. May be repeated. */
  closeAndReceive(): Promise<O>;
}

/** Both directions, driven by hand; each may end before the other. Also an async iterable of what is received. */
export interface BidiStream<I, O> extends ServerStream<O> {
  /** As {@link ClientStream.send}. */
  send(message: I, options?: SendOptions): Promise<void>;
  /** Half-closes: settles when the end is handed over. Never rejects, may be repeated. */
  closeRequest(): Promise<void>;
  [Symbol.asyncIterator](): BidiStream<I, O>;
}

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

abstract class Handle<O> implements StreamHandle {
  /** The kind of handle, for `console.log`. */
  protected abstract get kind(): string;
  protected readonly call: StreamCall<O>;

  constructor(call: StreamCall<O>) {
    this.call = call;
    watchHandle(this, call);
  }

  get responseHeader(): Promise<Headers> {
    return this.awaited(this.call.responseHeader);
  }

  get responseTrailer(): Promise<Headers> {
    return this.awaited(this.call.responseTrailer);
  }

  get responseCompressed(): boolean | undefined {
    return this.call.responseCompressed;
  }

  cancel(reason?: unknown): void {
    this.call.cancel(canceled(reason));
  }

  /** One line for `console.log`: the method, the state, the messages. */
  [inspect](): string {
    const { name, over, error, attempt } = this.call;
    const counts =
      attempt?.opened === true ? [`${attempt.writer.sent} sent`, `${attempt.reader.received} received`] : [];
    const state = error?.message ?? (over ? "ended" : "running");
    return inspectLine(this.kind, name, state, ...counts);
  }

  /** Has the promise hold the handle until it settles: a caller may keep only the promise. */
  private awaited(headers: Promise<Headers>): Promise<Headers> {
    const hold = (): unknown => this;
    headers.then(hold, hold);
    return headers;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.call.cancel(canceled(left));
    return Promise.resolve();
  }
}

/** The handle of a response that is read. */
export class ServerStreamHandle<O> extends Handle<O> implements ServerStream<O> {
  protected get kind(): string {
    return "ServerStream";
  }

  next(): Promise<IteratorResult<O, undefined>> {
    return this.call.next(this);
  }

  async receive(): Promise<O | undefined> {
    return (await this.call.next(this)).value;
  }

  closeResponse(): Promise<void> {
    return this[Symbol.asyncDispose]();
  }

  return(): Promise<IteratorResult<O, undefined>> {
    this.call.cancel(canceled(left));
    return Promise.resolve(finished);
  }

  throw(error?: unknown): Promise<IteratorResult<O, undefined>> {
    this.call.cancel(canceled(error));
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The handle of both directions. */
export class BidiStreamHandle<I, O> extends ServerStreamHandle<O> implements BidiStream<I, O> {
  private readonly queue: RequestQueue;

  constructor(call: StreamCall<O>, queue: RequestQueue) {
    super(call);
    this.queue = queue;
  }

  protected override get kind(): string {
    return "BidiStream";
  }

  send(message: I, options?: SendOptions): Promise<void> {
    if (options === undefined) return this.queue.send(message, this);
    return sendWithOptions(this.call.method, this.queue, message, options, this);
  }

  closeRequest(): Promise<void> {
    return this.queue.close();
  }
}

/** The handle of a request with one answer. */
export class ClientStreamHandle<I, O> extends Handle<O> implements ClientStream<I, O> {
  private readonly queue: RequestQueue;
  private answer: Promise<O> | null = null;

  constructor(call: StreamCall<O>, queue: RequestQueue) {
    super(call);
    this.queue = queue;
  }

  protected get kind(): string {
    return "ClientStream";
  }

  send(message: I, options?: SendOptions): Promise<void> {
    if (options === undefined) return this.queue.send(message, this);
    return sendWithOptions(this.call.method, this.queue, message, options, this);
  }

  closeAndReceive(): Promise<O> {
    this.answer ??= this.queue.close().then(() => onlyMessage(this.call, this));
    return this.answer;
  }
}

/** The one message of a call, once the call has ended well. */
export async function onlyMessage<O>(call: StreamCall<O>, holder: object): Promise<O> {
  const first = await call.next(holder);
  if (first.done === true) throw wrongCount(call, "no response message");
  const second = await call.next(holder);
  if (second.done !== true) {
    const error = wrongCount(call, "more than one response message");
    call.cancel(error);
    throw error;
  }
  call.tellCompressed();
  return first.value;
}

function sendWithOptions(
  method: InterceptedMethod,
  queue: RequestQueue,
  given: unknown,
  options: SendOptions,
  holder: object,
): Promise<void> {
  let message: unknown;
  try {
    message = method.copyWithOptions(given, options);
  } catch (error) {
    return Promise.reject(errorFromThrown(error, Code.Internal));
  }
  return queue.send(message, holder);
}

function wrongCount(call: Call, count: string): ConnectError {
  const error = new ConnectError(`${count} for ${call.name}: exactly one is allowed`, Code.Unimplemented);
  call.attempt?.addReceived(error);
  return error;
}

/** Why a call is canceled whose loop, or block, was left. */
const left = "the stream was left before its end";

function canceled(reason: unknown): ConnectError {
  if (reason === undefined) return new ConnectError("this client canceled the call", Code.Canceled);
  const given = thrownConnectError(reason);
  if (given !== null) return given;
  return new ConnectError(errorFromThrown(reason).rawMessage, Code.Canceled, undefined, undefined, reason);
}
