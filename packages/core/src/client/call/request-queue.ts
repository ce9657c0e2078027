// SPDX-License-Identifier: Apache-2.0
import { clone, type DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { choiceOf, choose } from "../../engine/message/compress-choice.js";
import { asMessage } from "../../engine/message/message-codec.js";
import { errorFromThrown } from "../../log/thrown.js";
import type { Attempt } from "./attempt.js";
import type { Call } from "./call.js";
import { Claim, refusing, sentTwice } from "./claim.js";
import { RequestQueueReader } from "./request-queue-reader.js";

/** Messages that may wait between a handle and an interceptor that reads its request. */
const capacity = 16;
const settled: Promise<void> = Promise.resolve();
/** The queue of a handle of which nothing has had to wait; never written. */
const none: never[] = [];

/** A message that waits for an attempt or a reader, in the order of the calls of `send()`. */
interface Waiting {
  readonly message: unknown;
  /** Settles its `send()`; null if that has settled. */
  resolve: (() => void) | null;
  reject(error: ConnectError): void;
  /** Kept from garbage collection. */
  readonly holder: object;
}

/**
 * The request messages of a handle that its user drives. The messages belong to the call. Those that are sent while no attempt
 * runs wait in one queue, with the half-close behind them. An attempt that attaches gets the queue, and then each message at once.
 * An interceptor that reads the request gets the same queue as an async iterator.
 */
export class RequestQueue implements AsyncIterable<unknown> {
  /** The claim on the messages. */
  readonly claim: Claim = new Claim();
  private readonly schema: DescMessage;
  private readonly call: Call;
  /** The stream of the attempt that gets each message at once; the queue is empty then. */
  private attempt: Attempt | null = null;
  /** The interceptor's iterator that gets the messages. */
  private reader: RequestQueueReader | null = null;
  private queue: Waiting[] = none;
  /** Sends settle while fewer than `capacity` messages wait: a reader asks, or the response is here. */
  private buffers = false;
  /** The reader has left, while its attempt goes on. */
  private left = false;
  private closed = false;
  private closing: Promise<void> | null = null;
  private handOverEnd: (() => void) | null = null;
  private unsent = 0;

  constructor(schema: DescMessage, call: Call) {
    this.schema = schema;
    this.call = call;
  }

  /**
   * Attaches an attempt's stream, which gets the messages that wait, and then each one at once. Returns false if the attempt
   * can't have all messages.
   */
  attach(attempt: Attempt): boolean {
    if (this.claim.consumed) return false;
    if (this.reader !== null) {
      if (this.call.running > 1) return false;
      this.reader.revoke(sentTwice(this.call.name));
      this.reader = null;
    }
    this.left = false;
    this.buffers = false;
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      this.flush(attempt, next);
      // The call's end rejects the messages that still wait, or another attempt attaches.
      if (attempt.over) return true;
    }
    this.attempt = attempt;
    if (this.closed) {
      attempt.endRequest();
      this.endHandedOver();
    }
    return true;
  }

  /** Detaches an attempt's stream that is over: messages that are sent from now on wait. */
  detach(attempt: Attempt): void {
    if (attempt.writer.sent > 0) this.claim.consumed = true;
    if (this.attempt === attempt) this.attempt = null;
  }

  /** Opens the request for an interceptor; reads reject if the reader can't have all messages. */
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const { claim, call } = this;
    if (claim.consumed || claim.holder !== null) return refusing(claim.refusal(call));
    if (this.reader !== null) {
      if (call.running > 1) return refusing(sentTwice(call.name));
      // The reader belongs to an attempt that has ended, and has consumed nothing.
      this.reader.revoke(sentTwice(call.name));
    }
    this.reader = new RequestQueueReader(this);
    this.left = false;
    this.buffer();
    return this.reader;
  }

  /**
   * The response is here. An interceptor that gave it without having asked for the requests may never do so: what is sent
   * then waits as for a server that does not read, and the end is handed over.
   */
  answered(): void {
    if (this.attempt === null && this.reader === null) this.buffer();
  }

  /** The call is over: rejects all that wait. */
  over(): void {
    const waiting = this.queue.splice(0);
    this.unsent += waiting.length;
    const refusal = this.refusal(true);
    for (const each of waiting) each.reject(refusal);
    this.reader?.revoke(refusal);
    this.endHandedOver();
  }

  /** See `BidiStream.send`. `holder` is kept from garbage collection while the send waits. */
  send(message: unknown, holder: object): Promise<void> {
    const { attempt } = this;
    if (this.call.over || this.closed || this.left) {
      this.unsent++;
      return Promise.reject(this.refusal());
    }
    if (attempt === null) return this.enqueue(message, holder);
    let roomy: boolean;
    try {
      roomy = attempt.send(message);
    } catch (error) {
      return Promise.reject(errorFromThrown(error, Code.Internal));
    }
    return roomy ? settled : this.waitForRoom(attempt, holder);
  }

  /** Half-closes behind all messages that were sent. Settles when the end is handed over; never rejects. */
  close(): Promise<void> {
    if (this.closing !== null) return this.closing;
    if (this.closed || this.call.over) return settled;
    this.closed = true;
    if (this.attempt !== null) {
      this.attempt.endRequest();
      return settled;
    }
    if (this.queue.length === 0) this.reader?.end();
    if (this.buffers || this.left) return settled;
    this.closing = new Promise((resolve) => {
      this.handOverEnd = resolve;
    });
    return this.closing;
  }

  // ---- for the reader

  /** The next message for a reader, or the end; null if the reader has to wait. Throws if the call is over. */
  take(): IteratorResult<unknown> | null {
    if (this.call.over) throw this.refusal();
    const first = this.queue.shift();
    if (first === undefined) return this.closed ? { done: true, value: undefined } : null;
    this.claim.consumed = true;
    settle(first);
    const roomy = this.queue[capacity - 2];
    if (roomy !== undefined) settle(roomy);
    return { done: false, value: first.message };
  }

  /** Detaches a reader. */
  leave(reader: RequestQueueReader): void {
    if (this.reader !== reader) return;
    this.reader = null;
    this.buffers = false;
    // If the reader's attempt is over, another attempt may have the messages that are sent from now on.
    if (this.call.attempt?.opened !== true || this.call.attempt.over) return;
    this.left = true;
    for (const each of this.queue.splice(0)) each.reject(this.refusal(true));
    this.endHandedOver();
  }

  private flush(attempt: Attempt, waiting: Waiting): void {
    let roomy: boolean;
    try {
      roomy = attempt.send(waiting.message);
    } catch (thrown) {
      const error = errorFromThrown(thrown, Code.Internal);
      // The `send()` of this message has settled, so only the call can fail.
      if (waiting.resolve === null) attempt.cancel(error);
      else waiting.reject(error);
      return;
    }
    if (waiting.resolve === null) return;
    if (roomy) settle(waiting);
    else this.waitForRoom(attempt, waiting.holder).then(waiting.resolve, waiting.reject);
  }

  private enqueue(given: unknown, holder: object): Promise<void> {
    let message: unknown;
    try {
      message = this.copy(given);
    } catch (error) {
      return Promise.reject(errorFromThrown(error, Code.Internal));
    }
    if (this.reader?.give(message) === true) {
      this.claim.consumed = true;
      return settled;
    }
    return new Promise((resolve, reject) => {
      const waiting = { message, resolve, reject, holder };
      if (this.queue === none) this.queue = [];
      this.queue.push(waiting);
      if (this.buffers && this.queue.length < capacity) settle(waiting);
    });
  }

  /** Copies a message that waits: its sender may change the object once `send()` has settled. */
  private copy(given: unknown): unknown {
    const message = asMessage(this.schema, given as never);
    let copy = message;
    try {
      copy = clone(this.schema, message);
    } catch {
      // The codec reports the error of an invalid message.
    }
    const compress = choiceOf(given);
    if (compress !== undefined) choose(copy, compress);
    return copy;
  }

  private buffer(): void {
    this.buffers = true;
    for (const waiting of this.queue.slice(0, capacity - 1)) settle(waiting);
    this.endHandedOver();
  }

  private endHandedOver(): void {
    this.handOverEnd?.();
    this.handOverEnd = null;
  }

  private async waitForRoom(attempt: Attempt, holder: object): Promise<void> {
    const roomy = await attempt.writer.room();
    // Keeps the handle alive while the send waits.
    void holder;
    if (roomy) return;
    this.unsent++;
    // All waiting sends reject together, so that each error counts them all.
    await settled;
    throw (this.call.over ? null : attempt.error) ?? this.refusal(true);
  }

  /** The error of a message that can't be sent; `early`: the message was given before the request was closed. */
  private refusal(early = false): ConnectError {
    if (this.call.error !== null) return this.call.error;
    if (this.closed && !early)
      return new ConnectError(
        "the request is closed: nothing can be sent after closeRequest()",
        Code.FailedPrecondition,
      );
    if (this.left)
      return new ConnectError(
        `an interceptor of ${this.call.name} reads no more messages of the request: nothing can be sent`,
        Code.FailedPrecondition,
      );
    const n = Math.max(1, this.unsent);
    return new ConnectError(
      `the server has ended the call: ${n} ${n === 1 ? "message was" : "messages were"} not sent`,
      Code.FailedPrecondition,
    );
  }
}

function settle(waiting: Waiting): void {
  waiting.resolve?.();
  waiting.resolve = null;
}
