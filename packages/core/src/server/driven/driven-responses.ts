// SPDX-License-Identifier: Apache-2.0
import type { ServerCall } from "../../engine/call/server-call.js";
import { nextTurn } from "../../runtime/turns.js";
import type { DrivenLoops } from "./driven-loops.js";

/** A message that `send()` was given, until there is room for another one. */
interface Sent<O> {
  readonly message: O;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  readonly promise: Promise<void>;
}

type Result<O> = IteratorResult<O, undefined>;

const finished: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/**
 * The responses of a driven call, as the async iterator that the engine reads of a generator: it asks for the next message when there
 * is room. Each request for a message settles the `send()` of the message before. The handler begins with the first request, as a generator does.
 */
export class DrivenResponses<O> implements AsyncIterableIterator<O, undefined> {
  private readonly loops: DrivenLoops;
  private readonly begin: () => unknown;
  /** The call whose writer reads this itself, with no interceptor's iterable between. */
  private call: ServerCall | null = null;
  private started = false;
  private left = false;
  /** Messages that wait for the reader's question; the reader has taken those before `first`. */
  private queue: Sent<O>[] = [];
  private first = 0;
  /** The message that the reader has taken last, until it asks again. */
  private taken: Sent<O> | null = null;
  private takenCount = 0;
  private ask: ((result: Result<O> | Promise<never>) => void) | null = null;
  private asked: Promise<Result<O>> | null = null;
  private settled: (() => void) | null = null;

  /** `begin` calls the handler. `ended` is called when all loops have ended. */
  constructor(loops: DrivenLoops, begin: () => unknown, ended: () => void = nothing) {
    this.loops = loops;
    this.begin = begin;
    loops.whenEnded = () => {
      ended();
      if (this.waiting === 0) this.answer(finished);
      this.settled?.();
    };
    loops.whenFailed = (error) => this.failed(error);
    loops.whenSettled = () => {
      ended();
      this.settled?.();
    };
  }

  /** The writer of a call reads this directly: an error then need not wait for room. */
  attach(call: ServerCall): void {
    this.call = call;
  }

  /** Sends a message. Settles at the reader's next question behind it. A rejection that no code awaits is not unhandled. */
  send(message: O): Promise<void> {
    if (!this.loops.open) return this.loops.refuse();
    let resolve!: () => void;
    let reject!: (error: unknown) => void;
    const promise = new Promise<void>((done, failed) => {
      resolve = done;
      reject = failed;
    });
    this.queue.push({ message, resolve, reject, promise });
    if (this.ask !== null) this.answer({ done: false, value: this.take() });
    return promise;
  }

  next(): Promise<Result<O>> {
    // A second question waits for the answer to the first one.
    if (this.asked !== null) return this.asked.then(() => this.next());
    this.taken?.resolve();
    this.taken = null;
    if (!this.started && !this.left) {
      this.started = true;
      this.loops.join(this.begin);
    }
    if (this.waiting > 0) return Promise.resolve({ done: false, value: this.take() });
    const { failure } = this.loops;
    if (failure !== null) return Promise.reject(failure.error);
    if (this.left || this.loops.settled) return Promise.resolve(finished);
    this.asked = new Promise((resolve) => {
      this.ask = resolve;
    });
    return this.asked;
  }

  /** Nothing more is read. Settles when all loops have ended; rejects with what one of them has thrown meanwhile. */
  async return(): Promise<Result<O>> {
    const failedBefore = this.loops.failure;
    this.left = true;
    this.loops.leave();
    this.answer(finished);
    // The call's signal fires right behind this call.
    await null;
    const { reason } = this.loops;
    this.rejectAll(reason);
    if (!this.loops.settled) {
      await new Promise<void>((resolve) => {
        this.settled = resolve;
      });
    }
    const { failure, lateError } = this.loops;
    if (lateError !== undefined) throw lateError;
    if (failure !== null && failure !== failedBefore && failure.error !== reason) throw failure.error;
    return finished;
  }

  async throw(error: unknown): Promise<Result<O>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private get waiting(): number {
    return this.queue.length - this.first;
  }

  private take(): O {
    const sent = this.queue[this.first++]!;
    if (this.first === this.queue.length) {
      this.queue = [];
      this.first = 0;
    }
    this.taken = sent;
    this.takenCount++;
    return sent.message;
  }

  private answer(result: Result<O> | Promise<never>): void {
    const { ask } = this;
    this.ask = null;
    this.asked = null;
    ask?.(result);
  }

  /** The handler or a loop threw: messages that were sent before come first. */
  private failed(error: unknown): void {
    if (this.left) return;
    if (this.call === null) {
      if (this.ask !== null) this.answer(Promise.reject(error));
    } else if (!this.failCall(this.call, error)) {
      // The writer is about to take a message, and asks for no other one if there is no room.
      nextTurn(this.failAgain);
    }
  }

  private readonly failAgain = (): void => {
    if (this.call !== null) this.failCall(this.call, this.loops.reason);
  };

  /** Ends a call with an error, behind the messages that wait, without waiting for room. False if the writer has a message to write. */
  private failCall(call: ServerCall, error: unknown): boolean {
    const { writer } = call;
    if (writer.sent !== this.takenCount) return false;
    try {
      while (this.waiting > 0 && !call.over) writer.write(this.take(), false);
    } catch (unsendable) {
      call.sourceFailed(unsendable);
      return true;
    }
    writer.end(() => call.sourceFailed(error));
    return true;
  }

  private rejectAll(error: unknown): void {
    const pending = this.taken === null ? [] : [this.taken];
    pending.push(...this.queue.slice(this.first));
    this.taken = null;
    this.queue = [];
    this.first = 0;
    for (const { promise, reject } of pending) {
      promise.catch(nothing);
      reject(error);
    }
  }
}

function nothing(): void {}
