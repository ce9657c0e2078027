// SPDX-License-Identifier: Apache-2.0

import type { LargeMessage, LargeMessages } from "../flow/large-messages.js";
import type { MessageWaiter } from "../flow/receive-flow.js";
import { maxUint31 } from "../frame/frame-type.js";
import { isClosed, isIdle, mayReceive } from "./state.js";
import type { Stream } from "./stream.js";
import type { Streams } from "./streams.js";

/** The window that every stream begins with (RFC 9113 §6.9.2). */
export const firstWindow = 65_535;
/** The most bytes that wait for the rest of a message before `messageNeeds` is called: a prefix under way. */
const prefixAtMost = 8;
/**
 * The most padding of one frame (RFC 9113 §6.1), with the byte that says how much. A window that has this beyond the rest of a
 * message lets a peer that pads send the rest in any frames, since each frame's padding is credited when the frame begins.
 */
const paddingAtMost = 256;

/** A message that is not whole yet. */
class MessageUnderWay {
  /** Its bytes, with the prefix. */
  readonly size: number;
  /** Where in the body it ends. */
  readonly end: number;
  /** Bytes that flow control has admitted beyond the window. */
  admitted = 0;
  /** Bytes that flow control let it try while it waited. */
  tried = 0;
  /** The message has used its window, and flow control has no room for the rest. */
  waits = false;

  constructor(size: number, end: number) {
    this.size = size;
    this.end = end;
  }

  /** Bytes that count in flow control's pools. */
  get charged(): number {
    return this.admitted + this.tried;
  }
}

/** The flow-control window of a stream for what it receives (RFC 9113 §6.9): what the peer may send, and when it may send more. */
export class ReceiveWindow implements MessageWaiter, LargeMessage {
  /** The stream that has the window. */
  readonly stream: Stream;
  /** Bytes of the body that have arrived. */
  bodyReceived = 0;
  /**
   * Bytes that the sink is being given: a message of them that is taken at once has a reader that waits, though more of them lie
   * behind it. (Without these, a reader of 64 KiB messages looked late, kept a small window, and had half the rate.)
   */
  delivering = 0;
  /** Bytes of the DATA frame under way that have not arrived: its header took them from the window. */
  private coming = 0;
  /** The bytes of DATA that the peer may still send; negative if it has sent too much. */
  private left = firstWindow;
  private windowTarget = firstWindow;
  /** Taken by the application, and not announced to the peer yet. */
  private unannounced = 0;
  /** Let in beyond the window for messages, and not taken yet. */
  private borrowed = 0;
  /** The application has taken all there was at some time since credit was last given. */
  private keptUp = false;
  /** The message that is under way; an idle stream has none, which saves it 32 bytes. */
  private message: MessageUnderWay | null = null;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** The application took or dropped `n` received bytes: the peer may send as many more. */
  credit(n: number): void {
    const { receiveFlow, writer } = this.streams;
    receiveFlow.released(n);
    receiveFlow.announceDue(writer);
    const paid = Math.min(n, this.borrowed);
    this.borrowed -= paid;
    if (!mayReceive(this.stream.state)) return;
    this.unannounced += n - paid;
    if (this.untaken <= prefixAtMost + this.delivering) this.keptUp = true;
    if (this.message !== null) this.askAgain();
    if (this.unannounced * 2 < this.windowTarget) return;
    const increment = this.unannounced + this.resize();
    this.unannounced = 0;
    this.keptUp = false;
    if (increment > 0) this.announce(increment);
  }

  /**
   * A message of `whole` bytes, of which `length` are still to come, can only be taken whole: lets the peer send them even if that is
   * more than the windows. 0 when the message is whole, or will not be waited for.
   */
  messageNeeds(length: number, whole: number): void {
    if (isClosed(this.stream.state) || isIdle(this.stream.state)) return;
    this.messageDone();
    if (length === 0) return;
    this.message = new MessageUnderWay(whole, this.bodyReceived + length);
    if (mayReceive(this.stream.state)) this.askAgain();
  }

  /** @inheritdoc */
  askAgain(): boolean {
    const { message } = this;
    if (message === null || !mayReceive(this.stream.state)) return true;
    const rest = Math.max(0, message.end - this.bodyReceived - this.coming);
    const missing = Math.min(rest + this.roomBehind, maxUint31) - this.left;
    if (missing <= 0) return this.goesOn(message);
    const own = Math.min(missing, this.unannounced);
    const lent = missing - own;
    if (lent > 0) {
      // The message before was let in beyond the window and is not taken: this one waits for the reader, who is asked by
      // `credit`. Otherwise the room behind each message would let in the next one, without end.
      const { charged } = message;
      if (this.borrowed > 0 && charged === 0) return true;
      // The peer can go on without more: one that announces a large message and stops takes no room from others.
      if (charged === 0 && this.left * 2 > this.windowTarget) return this.goesOn(message);
      const more = Math.max(0, this.borrowed + lent - charged);
      if (more > 0 && !this.streams.receiveFlow.admit(more, this)) return this.tryOut(message, own, lent);
      // A message that had credit while it waited, and didn't use it, gets no new time.
      if (message.admitted === 0 && (!message.waits || this.outOfCredit)) this.largeMessages.add(this);
      message.waits = false;
      message.admitted += more;
      this.borrowed += lent;
    }
    this.unannounced -= own;
    this.announce(missing);
    return true;
  }

  /** A DATA frame of `length` bytes begins. Returns false when it passes the stream's window. */
  frameBegins(length: number): boolean {
    this.left -= length;
    this.coming += length;
    const within = this.left >= 0;
    if (within && this.message !== null) this.askAgain();
    return within;
  }

  /** So many bytes that have arrived are to arrive again: until then it is as if they were under way. */
  rewind(bytes: number): void {
    this.bodyReceived -= bytes;
    this.left += bytes;
  }

  /** So many bytes of the frame under way are padding: no reader takes them, so they are credited at once. */
  padding(padding: number): void {
    this.coming -= padding;
    this.credit(padding);
  }

  /** Bytes of DATA that the peer may still send by the announced window; negative if it has sent too much. */
  get outstanding(): number {
    return this.left;
  }

  /** The size of the message that is under way, with its prefix; 0 if none is known. */
  get messageSize(): number {
    return this.message === null ? 0 : this.message.size;
  }

  /** @inheritdoc */
  get outOfCredit(): boolean {
    return this.message?.waits === true && this.left <= paddingAtMost;
  }

  /** So many bytes of the body are here. */
  arrived(n: number): void {
    this.bodyReceived += n;
    this.coming -= n;
    if (this.message !== null && this.bodyReceived >= this.message.end) this.messageDone();
  }

  /** The stream is closed: the window gives back what it has of the connection's. */
  close(): void {
    this.messageDone();
    this.borrowed = 0;
    this.streams.receiveFlow.shrink(this.windowTarget - firstWindow);
    this.windowTarget = firstWindow;
  }

  /**
   * If a reader waits for more, the bytes are on their way, or the window holds them back. The difference can't be seen here: the window
   * doubles as long as the reader keeps up. A slower reader gives its growth back when others want it.
   */
  private resize(): number {
    const { receiveFlow, options } = this.streams;
    if (this.keptUp) {
      const wanted = Math.min(this.windowTarget, options.maxStreamWindow - this.windowTarget);
      const grown = wanted > 0 ? receiveFlow.grow(wanted) : 0;
      this.windowTarget += grown;
      return grown;
    }
    if (!receiveFlow.exhausted) return 0;
    const less = Math.min(this.windowTarget - firstWindow, this.unannounced);
    this.windowTarget -= less;
    receiveFlow.shrink(less);
    return -less;
  }

  /**
   * Bytes that the application could have taken and hasn't: without those of a message that is under way, and without the rest
   * of a frame under way.
   */
  private get untaken(): number {
    const held = this.windowTarget + this.borrowed - this.left - this.unannounced - this.coming;
    const { message } = this;
    return message === null ? held : held - (message.size - (message.end - this.bodyReceived));
  }

  /**
   * Room that the window keeps behind a message: for the padding of a frame, and for the empty frame that ends the stream, which
   * nghttp2 (and so Node) sends only while the window is open. It is taken from the window's own size, so that unread messages
   * before this one can leave a byte of it.
   */
  private get roomBehind(): number {
    return Math.max(1, Math.min(paddingAtMost, this.windowTarget - prefixAtMost - this.untaken));
  }

  private get streams(): Streams {
    return this.stream.streams;
  }

  private get largeMessages(): LargeMessages<ReceiveWindow> {
    return this.streams.largeMessages;
  }

  private messageDone(): void {
    const { message } = this;
    if (message === null) return;
    this.message = null;
    const { receiveFlow } = this.streams;
    receiveFlow.forget(this);
    if (!message.waits && message.charged === 0) return;
    this.largeMessages.delete(this);
    receiveFlow.messageDone(message.admitted, message.tried);
  }

  /**
   * The message waits for room for `lent` bytes: lets the peer send some of them, and `own` bytes, once it has used what it
   * had. Returns whether these are all.
   */
  private tryOut(message: MessageUnderWay, own: number, lent: number): boolean {
    const { largeMessages } = this;
    if (!message.waits) largeMessages.add(this);
    message.waits = true;
    const step = this.outOfCredit ? this.streams.receiveFlow.tryOut(lent) : 0;
    if (step === 0) return false;
    message.tried += step;
    this.borrowed += step;
    this.unannounced -= own;
    largeMessages.add(this);
    this.announce(own + step);
    return step < lent ? false : this.goesOn(message);
  }

  /** The peer can go on with the message. Returns true: no waiter is left to ask. */
  private goesOn(message: MessageUnderWay): true {
    if (!message.waits) return true;
    message.waits = false;
    const { largeMessages } = this;
    this.streams.receiveFlow.forget(this);
    if (message.charged === 0) largeMessages.delete(this);
    return true;
  }

  private announce(increment: number): void {
    this.left += increment;
    this.streams.writer.windowUpdate(this.stream.id, increment);
  }
}
