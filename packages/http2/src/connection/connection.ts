// SPDX-License-Identifier: Apache-2.0

import { leastGain } from "../flow/large-messages.js";
import { clientPreface } from "../frame/frame-type.js";
import { describeOtherProtocol } from "../frame/other-protocol.js";
import type { ConnectionCounters } from "../guards/limits.js";
import { Watchdog } from "../guards/watchdog.js";
import { HeaderBlock } from "../hpack/header-block.js";
import { HpackError } from "../hpack/hpack-error.js";
import { ReceivingConnection } from "../receive/receiving-connection.js";
import type { ConnectionEvents } from "../send/sending-connection.js";
import { stalledQueues } from "../send/stalled-queues.js";
import { ClosedBy } from "../streams/closed-streams.js";
import { resetReason } from "../streams/reset-reason.js";
import type { OutgoingHeaders } from "../streams/sending-half.js";
import { idle } from "../streams/state.js";
import { Stream } from "../streams/stream.js";
import type { StreamReset, StreamSink } from "../streams/stream-sink.js";
import type { ByteReceiver } from "./byte-link.js";
import { ErrorCode, Http2ConnectionError } from "./error-code.js";
import { keepalivePing } from "./keepalive.js";
import { Input } from "./state.js";

/** How many streams end in one turn because their messages, or their readers, stopped: a thousand would keep other connections waiting. */
const stoppedAtOnce = 100;
/** Time without streams after which a connection frees what only makes it faster, in milliseconds. */
const forgetAfterMs = 10_000;

/**
 * An HTTP/2 connection (RFC 9113), either role, without push and priority: bytes in from a {@link ByteLink}, bytes out
 * to it, calls of {@link ConnectionEvents} and {@link StreamSink} in between. A connection opens nothing and keeps no timer:
 * its owner calls {@link Connection.advance} now and then.
 *
 * Nothing happens before {@link Connection.start}.
 */
export class Connection extends ReceivingConnection implements ByteReceiver {
  private watchdog: Watchdog | null = null;
  private received = 0;

  // ---- for those who use a connection

  /** Starts the link; preface and SETTINGS leave at the end of the turn. Call it once. */
  start(events: ConnectionEvents): void {
    this.events = events;
    this.watchdog = new Watchdog(this.options, this.isServer, this.link.now());
    if (!this.isServer) this.writer.raw(clientPreface);
    this.writer.settings(this.settings.first(this.options, this.isServer));
    this.creditReleased();
    this.link.start(this);
  }

  /**
   * Client: opens a stream and sends its headers. Beyond the peer's limit on concurrent streams it waits, in order,
   * for one to close; what is sent on it meanwhile is queued.
   */
  open(sink: StreamSink, headers: OutgoingHeaders, end: boolean): Stream {
    const { registry } = this;
    const stream = new Stream(this, 0, idle, this.settings.peer.initialWindowSize);
    stream.sink = sink;
    stream.receivedBefore = this.received;
    if (!this.usable) {
      stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
      return stream;
    }
    if (this.streams.size >= this.settings.peer.maxConcurrentStreams || registry.waiting.size > 0)
      registry.waiting.add(stream);
    else registry.activate(stream, this.settings.peer.initialWindowSize);
    this.setActive(true);
    try {
      stream.sendHeaders(headers, end);
    } catch (error) {
      // Headers that can't be encoded were not sent: the peer never sees the stream, whose id is skipped.
      stream.reset("canceled");
      throw error;
    }
    if (registry.idsRunOut) this.shutdown();
    return stream;
  }

  /** A header list made ready to be sent often, on this connection alone. */
  prepare(fields: readonly string[]): HeaderBlock {
    return new HeaderBlock(fields);
  }

  /**
   * Sends a PING. `answered` is called once when its acknowledgement arrives: the peer has read everything that was sent before. If
   * the connection ends first, it is not called.
   */
  ping(answered: () => void): void {
    this.roundTrips.begin(answered);
  }

  /** The largest header list that the peer takes, as it counts (RFC 9113 §6.5.2); Infinity until it has said. */
  get maxHeaderListSize(): number {
    return this.peerMaxHeaderListSize;
  }

  /** Streams that are open, or wait to be. */
  get activeStreams(): number {
    return this.registry.active;
  }

  /** Streams that wait for the peer's limit. */
  get waitingStreams(): number {
    return this.registry.waiting.size;
  }

  /** True if the peer has sent HEADERS or DATA. */
  get answered(): boolean {
    return this.inbound.answers > 0;
  }

  /** The peer's limited actions so far. */
  get counters(): Readonly<ConnectionCounters> {
    return this.limits.counters;
  }

  /** Bytes of output that the peer has not taken. */
  get unreadOutput(): number {
    return this.link.pending;
  }

  /** True if new streams can be opened: neither side is ending the connection, and its link is whole. */
  get usable(): boolean {
    return this.state.open && this.link.writable;
  }

  /**
   * Ends in order: says GOAWAY, lets open streams finish, then closes. A server does it in two steps (RFC 9113 §6.8),
   * so that requests under way are still served.
   */
  shutdown(): void {
    if (this.state.over || this.state.goAwaySent) return;
    this.graceful.begin(this.isServer, this.link.now());
    this.closeWhenIdle();
  }

  /** Ends at once: GOAWAY with `code` and the text, then every stream is reset with the text. */
  abort(message: string, code: number = ErrorCode.NO_ERROR): void {
    this.die(new Http2ConnectionError(code, message), code);
  }

  /** Ends at once, as {@link Connection.abort} does; the peer learns that a limit is the reason. */
  abortForLimit(message: string): void {
    this.abort(message, ErrorCode.ENHANCE_YOUR_CALM);
  }

  /** Lets time pass: enforces what the peer has to do within a time. `now` as the link's clock has it. */
  advance(now: number): void {
    const { watchdog, reader, inbound, settings } = this;
    if (this.state.over || watchdog === null) return;
    try {
      watchdog.check(now, {
        ready: settings.received,
        acknowledged: settings.acknowledged,
        // Input that is kept for the next turn is not late.
        unfinished: settings.received && !this.input.paused && (reader.insideFrame || inbound.insideBlock),
        // A large message may take its time, as long as it comes; what is small has to come.
        inputMark: reader.insideData ? this.received : reader.frames,
        unread: this.link.pending,
        taken: this.output.handed - this.link.pending,
        used: this.registry.used,
      });
      if (settings.received) this.keepAlive(now);
      this.endStopped(now);
      if (this.queuedBytes > 0) this.endStalled(now);
    } catch (error) {
      this.broken(error);
      return;
    }
    const idleMs = watchdog.idleFor(now, this.registry.active);
    if (idleMs > forgetAfterMs && this.decoder.remembered > 0) this.decoder.forget();
    const { idleTimeoutMs } = this.options;
    if (idleTimeoutMs > 0 && idleMs > idleTimeoutMs) this.shutdown();
    this.graceful.advance(now, this.registry.lastPeerId);
    this.closeWhenIdle();
  }

  /** The deadline of a stream's call has passed. */
  deadlinePassed(stream: Stream): void {
    if (!this.isServer) {
      this.keepalive.deadlinePassed(this.received, stream.receivedBefore);
      return;
    }
    try {
      this.limits.deadlinePassed();
    } catch (error) {
      this.broken(error);
    }
  }

  private keepAlive(now: number): void {
    const { received, blocked } = this;
    const { answers } = this.inbound;
    const action = this.keepalive.check(now, {
      received,
      answers,
      active: this.registry.active > 0,
      blocked,
    });
    if (action === "ping") this.writer.ping(keepalivePing, 0, false);
    else if (action === "replace") this.events.doubted?.();
  }

  /** True if anything waits to be sent: in the link, or for a window or a place. */
  private readonly blocked = (): boolean =>
    this.link.pending > 0 ||
    this.registry.waiting.size > 0 ||
    this.streams.some((stream) => stream.queue !== null);

  // ---- ByteReceiver

  /** @inheritdoc */
  receive(bytes: Uint8Array): void {
    if (this.state.over) return;
    this.received += bytes.length;
    try {
      this.input.receive(bytes);
    } catch (error) {
      this.broken(error);
    }
  }

  /** @inheritdoc */
  drained(): void {
    this.output.drained();
    this.input.goOn();
    this.scheduler.pumpAll();
  }

  /** @inheritdoc */
  closed(error?: Error): void {
    const { state } = this;
    if (state.closed) return;
    if (!state.over) this.readRest();
    state.failure ??= error ?? this.closedTooEarly() ?? this.closedInMidCall();
    state.apply(Input.LINK_CLOSED);
    this.output.closed = true;
    this.stopReading();
    this.resetAll();
    this.setActive(false);
    this.events.closed?.(state.failure);
  }

  /** The link is gone: what arrived before is read. */
  private readRest(): void {
    try {
      this.input.readAll();
    } catch (error) {
      this.broken(error);
    }
  }

  /** Ends the streams whose large messages have stopped, so that others get their room. */
  private endStopped(now: number): void {
    const { largeMessages, options } = this;
    // While the connection does not read, the peer's bytes can't arrive.
    if (this.output.paused) largeMessages.restart();
    const stopped = largeMessages.stopped(now, options.frameTimeoutMs, stoppedAtOnce);
    for (const stream of stopped) {
      stream.stopped(
        `a message of ${stream.messageSize} bytes gained less than ${leastGain} within ${options.frameTimeoutMs} ms: its room is given to others (option http2.frameTimeoutMs)`,
      );
    }
    if (stopped.length === stoppedAtOnce) this.link.nextTurn(() => this.endMoreStopped(now));
  }

  private endMoreStopped(now: number): void {
    if (this.state.over) return;
    try {
      this.endStopped(now);
    } catch (error) {
      this.broken(error);
    }
  }

  /** Ends the streams whose peer takes nothing of what they have queued. */
  private endStalled(now: number): void {
    const { stalledStreamTimeoutMs: limitMs } = this.options;
    const code = ErrorCode.ENHANCE_YOUR_CALM;
    const stalled = stalledQueues(this.streams.values(), now, limitMs, this.dataSent);
    // The others in a second.
    for (const stream of stalled.slice(0, stoppedAtOnce)) {
      this.limits.counters.streamsStalled++;
      const message = this.limited(
        `none of ${stream.queuedBytes} bytes that a stream has queued was taken within ${limitMs} ms (option http2.stalledStreamTimeoutMs)`,
      );
      this.writer.reset(stream.id, code);
      const reason = resetReason(code);
      stream.fail(
        { code, reason, source: "local", disposition: "maybe-processed", message },
        ClosedBy.LOCAL_RESET,
      );
    }
  }

  // ---- the end

  protected closeWhenIdle(): void {
    if (!this.state.closesWhenIdle || this.registry.active > 0) return;
    this.state.apply(Input.END);
    // The rest of the chunk that is being read comes too late, as the next chunk would.
    this.stopReading();
    this.endOfTurn();
    // Later credits and PINGs are dropped.
    this.output.closed = true;
    this.link.end();
  }

  private connectionReset(disposition: StreamReset["disposition"]): StreamReset {
    const why = this.state.failure?.message ?? "the connection is closed";
    return { code: ErrorCode.CANCEL, reason: "canceled", source: "connection", disposition, message: why };
  }

  /** A link that closes before the peer has said anything of HTTP/2 has most likely another protocol at its end. */
  private closedTooEarly(): Error | undefined {
    if (this.settings.received || !this.state.open) return undefined;
    const what =
      describeOtherProtocol(this.reader.unfinishedHeader, this.isServer) ??
      (this.isServer
        ? undefined
        : "closed before a word of HTTP/2: does it speak HTTP/2, does it want TLS, is it the right port?");
    return what === undefined
      ? undefined
      : new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, what, { otherProtocol: true });
  }

  /** A link that closes while streams are open: the peer's process was killed, say. */
  private closedInMidCall(): Error | undefined {
    if (this.registry.active === 0) return undefined;
    return new Error(
      this.state.goAwayText ?? "the other end closed it in mid-call, or its process was killed",
    );
  }

  private resetAll(): void {
    for (const stream of [...this.registry.waiting])
      stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
    const reset = this.connectionReset("maybe-processed");
    for (const stream of this.streams.values()) stream.fail(reset, ClosedBy.LOCAL_RESET);
  }

  private stopReading(): void {
    this.reader.stop();
    this.input.stop();
  }

  protected broken(error: unknown): void {
    if (error instanceof Http2ConnectionError) this.die(error, error.code);
    else if (error instanceof HpackError) {
      const code = ErrorCode.COMPRESSION_ERROR;
      this.die(new Http2ConnectionError(code, error.message, { cause: error }), code);
    } else this.die(error instanceof Error ? error : new Error(String(error)), ErrorCode.INTERNAL_ERROR);
  }

  private die(error: Error, code: number): void {
    if (this.state.over) return;
    this.state.apply(Input.END);
    this.state.failure = error;
    this.stopReading();
    // Only protocol errors concern the peer.
    const debug = error instanceof Http2ConnectionError ? error.message : "internal error";
    this.writer.goAway(this.graceful.lastStreamId(this.registry.lastPeerId), code, debug);
    this.output.flush();
    this.output.closed = true;
    this.resetAll();
    this.link.end();
  }
}
