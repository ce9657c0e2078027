// SPDX-License-Identifier: Apache-2.0
import type { ElementCounter } from "@tristream/codec";
import { parseTurns } from "../engine/message/parse-turns.js";
import { counting } from "../engine/message/too-many-elements.js";
import { compressedFlag, prefixLength, readLength } from "../protocol/envelope.js";
import { HeldPieces } from "./held-pieces.js";

/** From this length on, a message waits for a turn to be parsed. */
const countedWork = 1024;

/** Makes the counter of a message; null if other code counts the messages. */
type MakeCounter = (() => ElementCounter) | null;

/** The body of a request under Connect's handlers: they get it when its messages have been counted. */
abstract class LimitedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  private readonly source: AsyncIterator<Uint8Array>;
  /** Pieces that Connect may read. */
  protected readonly ready: Uint8Array[] = [];
  /** Bytes and elements of messages that Connect parses next. */
  protected work = 0;
  private over = false;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.source = body[Symbol.asyncIterator]();
  }

  /** A piece has come: puts what may be read into `ready`. Throws a `ConnectError` for a message with too many elements. */
  protected abstract piece(b: Uint8Array): void;

  /** No more comes. */
  protected abstract end(): void;

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      if (this.work > 0) {
        const { work } = this;
        this.work = 0;
        const turn = work >= countedWork ? parseTurns.enter(work) : null;
        if (turn !== null) await turn;
      }
      const value = this.ready.shift();
      if (value !== undefined) return { done: false, value };
      if (this.over) return { done: true, value: undefined };
      const result = await this.source.next();
      if (result.done === true) {
        this.over = true;
        this.end();
      } else this.piece(result.value);
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.over = true;
    this.ready.length = 0;
    return Promise.resolve(this.source.return?.()).then(() => ({ done: true, value: undefined }));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A body that is one message. */
export class BareMessage extends LimitedBody {
  private readonly counter: ElementCounter | null;
  private bytes = 0;

  constructor(body: AsyncIterable<Uint8Array>, counter: MakeCounter) {
    super(body);
    this.counter = counter === null ? null : counter();
  }

  protected piece(b: Uint8Array): void {
    this.bytes += b.length;
    const { counter } = this;
    if (counter !== null) counting(this.bytes, () => counter.count(b, 0, b.length));
    this.ready.push(b);
  }

  protected end(): void {
    this.work = workOf(this.bytes, this.counter);
  }
}

/**
 * A body of messages with their prefixes. A message is held back until it is whole: Connect allocates a message as soon as it has the
 * prefix.
 */
export class EnvelopedMessages extends LimitedBody {
  private readonly counter: MakeCounter;
  private readonly maxBytes: number;
  private readonly prefix = new Uint8Array(prefixLength);
  private prefixFilled = 0;
  /** Bytes that the message lacks. */
  private left = 0;
  private length = 0;
  private current: ElementCounter | null = null;
  /** Pieces of a message that is not whole. */
  private readonly held = new HeldPieces();
  /** A message is too large: the rest is Connect's to refuse. */
  private passing = false;

  constructor(body: AsyncIterable<Uint8Array>, counter: MakeCounter, maxBytes: number) {
    super(body);
    this.counter = counter;
    this.maxBytes = maxBytes;
  }

  protected piece(b: Uint8Array): void {
    let whole = 0;
    for (let at = 0; at < b.length && !this.passing; ) {
      if (this.prefixFilled < prefixLength) {
        this.prefix[this.prefixFilled++] = b[at++]!;
        if (this.prefixFilled === prefixLength) this.begin();
      } else {
        const end = Math.min(b.length, at + this.left);
        const { current, length } = this;
        if (current !== null) counting(length, () => current.count(b, at, end));
        this.left -= end - at;
        at = end;
      }
      if (this.prefixFilled < prefixLength || this.left > 0) continue;
      this.work += workOf(this.length, this.current);
      this.prefixFilled = 0;
      whole = at;
    }
    if (this.passing) whole = b.length;
    if (whole > 0) {
      this.release();
      this.ready.push(b.subarray(0, whole));
    }
    if (whole < b.length) this.held.push(b.subarray(whole));
  }

  protected end(): void {
    this.release();
  }

  private release(): void {
    for (const held of this.held.take()) this.ready.push(held);
  }

  private begin(): void {
    this.length = readLength(this.prefix, 0);
    this.left = this.length;
    this.passing = this.length > this.maxBytes;
    const plain = (this.prefix[0]! & compressedFlag) === 0;
    this.current = plain && this.counter !== null && this.length > 0 ? this.counter() : null;
  }
}

/** An element takes as long as so many bytes more. */
const elementWork = 8;

function workOf(bytes: number, counter: ElementCounter | null): number {
  return bytes + (counter === null ? 0 : counter.elements * elementWork);
}
