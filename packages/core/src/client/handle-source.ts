// SPDX-License-Identifier: Apache-2.0
import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ClientCall } from "../engine/client-call.js";
import { asMessage } from "../engine/message-codec.js";
import { errorFromThrown } from "../engine/thrown.js";
import { Channel } from "../stream/channel.js";
import type { CallScope } from "./call-scope.js";

/** Messages that may wait between a handle and an interceptor that reads its request. */
const capacity = 16;
const settled: Promise<void> = Promise.resolve();

/**
 * The request messages of a handle that its user drives. Interceptors see an async iterable; if none has read it when the
 * stream opens, what is sent goes straight to the engine.
 */
export class HandleSource implements AsyncIterable<unknown> {
  /** The attempt that sends it at the moment, if one does so without an interceptor's wrapper. */
  sentBy: object | null = null;
  /** Two attempts at a time can't send it. */
  readonly sentOnce = true;
  private readonly schema: DescMessage;
  private readonly scope: CallScope;
  private call: ClientCall | null = null;
  private channel: Channel<unknown> | null = null;
  private closed = false;
  private ready: Promise<void> | null = null;
  private becomeReady: (() => void) | null = null;
  private unsent = 0;

  constructor(schema: DescMessage, scope: CallScope) {
    this.schema = schema;
    this.scope = scope;
  }

  /**
   * Takes the handle's messages directly; false when an interceptor reads them. May be given another call when nothing was
   * sent on the one before.
   */
  attach(call: ClientCall): boolean {
    if (this.channel !== null) return false;
    this.call = call;
    if (this.closed) call.endRequest();
    this.becomeReady?.();
    return true;
  }

  /** An interceptor reads the request; its reads reject if another attempt has the messages. */
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const taken = this.channel === null ? this.call?.over === false : this.scope.carriedTwice;
    if (taken) return refusing(sentTwice(this.scope.name));
    if (this.channel === null) {
      this.channel = new Channel(capacity);
      // That of an attempt before, which has ended.
      this.call = null;
      if (this.closed) this.channel.end();
      if (this.scope.over) this.over();
      this.becomeReady?.();
    }
    return this.channel;
  }

  /**
   * The response is here. An interceptor that gave it without having asked for the requests may never do so: what is sent
   * then waits as for a server that does not read, and the end is handed over.
   */
  answered(): void {
    if (this.call === null) this[Symbol.asyncIterator]();
  }

  /** The call is over: nobody waits any longer. */
  over(): void {
    this.channel?.fail(this.refusal());
    this.becomeReady?.();
  }

  /** See `BidiStream.send`. `holder` is kept from garbage collection while the send waits. */
  send(message: unknown, holder: object): Promise<void> {
    const { call } = this;
    if (this.scope.over || this.closed) {
      this.unsent++;
      return Promise.reject(this.refusal());
    }
    if (call !== null) {
      let roomy: boolean;
      try {
        roomy = call.send(message);
      } catch (error) {
        return Promise.reject(errorFromThrown(error, Code.Internal));
      }
      return roomy ? settled : this.waitForRoom(call, holder);
    }
    if (this.channel !== null) return this.sendToChannel(this.channel, message);
    return this.whenReady().then(() => this.send(message, holder));
  }

  /** Half-closes. Settles when the end is handed over; never rejects. */
  close(): Promise<void> {
    if (this.closed || this.scope.over) return settled;
    if (this.call === null && this.channel === null) return this.whenReady().then(() => this.close());
    this.closed = true;
    this.call?.endRequest();
    this.channel?.end();
    return settled;
  }

  private whenReady(): Promise<void> {
    this.ready ??= new Promise((resolve) => {
      this.becomeReady = resolve;
      if (this.scope.over) resolve();
    });
    return this.ready;
  }

  private async waitForRoom(call: ClientCall, holder: object): Promise<void> {
    await call.writer.room();
    if (this.scope.over) {
      this.unsent++;
      throw this.refusal();
    }
    // Keeps the handle alive while this waits.
    void holder;
  }

  private async sendToChannel(channel: Channel<unknown>, message: unknown): Promise<void> {
    try {
      await channel.send(asMessage(this.schema, message as never));
    } catch (cause) {
      throw this.scope.over ? this.refusal() : errorFromThrown(cause, Code.Internal);
    }
  }

  private refusal(): ConnectError {
    if (this.scope.error !== null) return this.scope.error;
    if (this.closed)
      return new ConnectError(
        "the request is closed: nothing can be sent after closeRequest()",
        Code.FailedPrecondition,
      );
    const n = Math.max(1, this.unsent);
    return new ConnectError(
      `the server has ended the call: ${n} ${n === 1 ? "message was" : "messages were"} not sent`,
      Code.FailedPrecondition,
    );
  }
}

/** What an interceptor gets that calls `next()` again while the attempt before sends a stream that can be sent once. */
export function sentTwice(name: string): ConnectError {
  return new ConnectError(
    `an interceptor of ${name} called next() again while the attempt before still runs: the messages of a stream can be sent once; only a request of one message, or an array, can be sent by two attempts at a time`,
    Code.FailedPrecondition,
  );
}

function refusing(error: ConnectError): AsyncIterator<unknown> {
  return { next: () => Promise.reject(error) };
}
