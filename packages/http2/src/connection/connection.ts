// SPDX-License-Identifier: Apache-2.0
import { ReceiveFlow } from "../flow/receive-flow.js";
import { RoundTrips } from "../flow/round-trips.js";
import { FrameReader } from "../frame/frame-reader.js";
import { clientPreface } from "../frame/frame-type.js";
import { type ConnectionCounters, Limits } from "../guards/limits.js";
import { StoppedStreams } from "../guards/stopped-streams.js";
import { Watchdog } from "../guards/watchdog.js";
import { HpackDecoder } from "../hpack/decoder.js";
import { HpackEncoder } from "../hpack/encoder.js";
import type { OutgoingHeaders } from "../hpack/header-block.js";
import { HeaderBlock } from "../hpack/header-block.js";
import { ControlFrames } from "../receive/control-frames.js";
import { FrameDispatch } from "../receive/frame-dispatch.js";
import { HeaderDispatch } from "../receive/header-dispatch.js";
import { InputTurns } from "../receive/input-turns.js";
import { Output } from "../send/output.js";
import { Writer } from "../send/writer.js";
import type { Stream } from "../streams/stream.js";
import type { StreamSink } from "../streams/stream-sink.js";
import { Streams } from "../streams/streams.js";
import type { ByteLink, ByteReceiver, Peer } from "./byte-link.js";
import { ConnectionEnd } from "./connection-end.js";
import type { ConnectionEvents } from "./connection-events.js";
import { ErrorCode, Http2ConnectionError } from "./error-code.js";
import { GracefulShutdown } from "./graceful-shutdown.js";
import { Keepalive, keepalivePing } from "./keepalive.js";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "./options.js";
import { SettingsExchange } from "./settings-exchange.js";
import { ConnectionState } from "./state.js";

/** Time without streams after which a connection frees what only makes it faster, in milliseconds. */
const forgetAfterMs = 10_000;

/**
 * An HTTP/2 connection (RFC 9113), either role, without push and priority: bytes in from a {@link ByteLink}, bytes out
 * to it, calls of {@link ConnectionEvents} and {@link StreamSink} in between. A connection opens nothing and keeps no timer:
 * its owner calls {@link Connection.advance} now and then.
 *
 * It makes its parts, and passes to each part the others that the part uses. Nothing happens before {@link Connection.start}.
 */
export class Connection implements ByteReceiver {
  readonly isServer: boolean;
  readonly options: ResolvedHttp2Options;
  readonly link: ByteLink;
  readonly state: ConnectionState = new ConnectionState();
  readonly settings: SettingsExchange = new SettingsExchange();
  /** Counts the peer's frames, and ends the connection when they are too many. */
  readonly limits: Limits;
  readonly output: Output;
  readonly flow: ReceiveFlow;
  readonly streams: Streams;
  readonly decoder: HpackDecoder;
  readonly reader: FrameReader;
  private readonly writer: Writer;
  private readonly input: InputTurns;
  private readonly keepalive: Keepalive;
  private readonly graceful: GracefulShutdown;
  private readonly roundTrips: RoundTrips;
  private readonly dispatch: FrameDispatch;
  private readonly stoppedStreams: StoppedStreams;
  private readonly end: ConnectionEnd;
  private watchdog: Watchdog | null = null;

  constructor(role: "client" | "server", link: ByteLink, options?: Http2Options) {
    this.isServer = role === "server";
    this.link = link;
    this.options = resolveHttp2Options(options, role);
    const { isServer, state, settings } = this;
    const fail = (error: unknown): void => this.end.fail(error);
    this.limits = new Limits(this.options, () => link.now());
    // Only a server waits for its peer to read: two ends that did would wait for each other.
    const pauseAbove = isServer ? this.options.maxUnreadOutput : Number.POSITIVE_INFINITY;
    this.output = new Output(link, () => link.afterTurn(this.endOfTurn), pauseAbove);
    this.writer = new Writer(this.output, new HpackEncoder(this.options.maxEncoderTableSize));
    this.flow = new ReceiveFlow(this.options.connectionWindow, this.options.maxBufferedBytes);
    this.input = new InputTurns(link, this.output, this.options, fail);
    this.keepalive = new Keepalive(this.options, isServer);
    this.graceful = new GracefulShutdown(state, this.writer);
    this.roundTrips = new RoundTrips(this.writer);
    this.streams = new Streams(
      {
        isServer,
        options: this.options,
        link,
        state,
        peerSettings: settings.peer,
        limits: this.limits,
        output: this.output,
        writer: this.writer,
        receiveFlow: this.flow,
        input: this.input,
        keepalive: this.keepalive,
        graceful: this.graceful,
      },
      fail,
      () => this.end.closeWhenIdle(),
    );
    this.end = new ConnectionEnd(this.streams, settings);
    this.decoder = new HpackDecoder({
      maxListSize: this.options.maxHeaderListSize,
      maxFields: this.options.maxHeaderFields,
    });
    this.dispatch = new FrameDispatch(
      settings,
      this.streams,
      new HeaderDispatch(this.decoder, this.streams, this.end),
      new ControlFrames(settings, this.streams, this.roundTrips, this.end),
    );
    this.reader = new FrameReader(this.dispatch, isServer);
    this.input.reader = this.reader;
    this.stoppedStreams = new StoppedStreams(this.streams, fail);
  }

  // ---- for those who use a connection

  /** Starts the link; preface and SETTINGS leave at the end of the turn. Call it once. */
  start(events: ConnectionEvents): void {
    this.streams.events = events;
    this.watchdog = new Watchdog(this.options, this.isServer, this.link.now());
    if (!this.isServer) this.writer.raw(clientPreface);
    this.writer.settings(this.settings.first(this.options, this.isServer));
    this.flow.announceDue(this.writer);
    this.link.start(this);
  }

  /**
   * Client: opens a stream and sends its headers. Beyond the peer's limit on concurrent streams it waits, in order,
   * for one to close; what is sent on it meanwhile is queued.
   */
  open(sink: StreamSink, headers: OutgoingHeaders, end: boolean): Stream {
    if (!this.usable) return this.streams.refused(sink);
    const stream = this.streams.open(sink, headers, end);
    if (this.streams.registry.idsRunOut) this.shutdown();
    return stream;
  }

  /** A header list made ready to be sent often, on this connection alone. */
  prepare(fields: readonly string[]): HeaderBlock {
    return new HeaderBlock(fields);
  }

  /**
   * Server: why a new call has to be refused, since more than half of `maxQueuedBytes` waits to be sent; null if it need not. Ask once
   * for each call.
   */
  refuseCall(): string | null {
    return this.streams.budget.refuseCall();
  }

  /**
   * Sends a PING. `answered` is called once when its acknowledgement arrives: the peer has read everything that was sent before. If
   * the connection ends first, it is not called.
   */
  ping(answered: () => void): void {
    this.roundTrips.begin(answered);
  }

  /**
   * Ends in order: says GOAWAY, lets open streams finish, then closes. A server does it in two steps (RFC 9113 §6.8),
   * so that requests under way are still served.
   */
  shutdown(): void {
    this.end.shutdown();
  }

  /** Ends at once: GOAWAY with `code` and the text, then every stream is reset with the text. */
  abort(message: string, code: number = ErrorCode.NO_ERROR): void {
    this.end.abort(new Http2ConnectionError(code, message), code);
  }

  /** Ends at once, as {@link Connection.abort} does; the peer learns that a limit is the reason. */
  abortForLimit(message: string): void {
    this.abort(message, ErrorCode.ENHANCE_YOUR_CALM);
  }

  /** The other end. */
  get peer(): Peer {
    return this.link.peer;
  }

  /** True if new streams can be opened: neither side is ending the connection, and its link is whole. */
  get usable(): boolean {
    return this.state.open && this.link.writable;
  }

  /** The largest header list that the peer takes, as it counts (RFC 9113 §6.5.2); Infinity until it has said. */
  get maxHeaderListSize(): number {
    return this.settings.peer.maxHeaderListSize;
  }

  /** Streams that are open, or wait to be. */
  get activeStreams(): number {
    return this.streams.registry.active;
  }

  /** Streams that wait for the peer's limit. */
  get waitingStreams(): number {
    return this.streams.registry.waiting.size;
  }

  /** True if the peer has sent HEADERS or DATA. */
  get answered(): boolean {
    return this.dispatch.answers > 0;
  }

  /** The peer's limited actions so far. */
  get counters(): Readonly<ConnectionCounters> {
    return this.limits.counters;
  }

  /** Bytes that wait in the queues of all streams, or are being compressed for them. */
  get queuedBytes(): number {
    return this.streams.budget.queuedBytes;
  }

  /** Bytes of output that the peer has not taken. */
  get unreadOutput(): number {
    return this.link.pending;
  }

  /** Lets time pass: enforces what the peer has to do within a time. `now` as the link's clock has it. */
  advance(now: number): void {
    const { watchdog, reader, settings, input, link } = this;
    const { registry } = this.streams;
    if (this.state.over || watchdog === null) return;
    try {
      const unfinished = reader.insideFrame || this.dispatch.insideBlock;
      watchdog.check(now, {
        ready: settings.received,
        acknowledged: settings.acknowledged,
        // Input that is kept for the next turn is not late.
        unfinished: settings.received && !input.paused && unfinished,
        // A large message may take its time, as long as it comes; what is small has to come.
        inputMark: reader.insideData ? input.received : reader.frames,
        unread: link.pending,
        taken: this.output.handed - link.pending,
        used: registry.used,
      });
      if (settings.received) this.keepAlive(now);
      this.stoppedStreams.check(now);
    } catch (error) {
      this.end.fail(error);
      return;
    }
    const idleMs = watchdog.idleFor(now, registry.active);
    if (idleMs > forgetAfterMs && this.decoder.remembered > 0) this.decoder.forget();
    const { idleTimeoutMs } = this.options;
    if (idleTimeoutMs > 0 && idleMs > idleTimeoutMs) this.shutdown();
    this.graceful.advance(now, registry.lastPeerId);
    this.end.closeWhenIdle();
  }

  private keepAlive(now: number): void {
    const action = this.keepalive.check(now, {
      received: this.input.received,
      answers: this.dispatch.answers,
      active: this.activeStreams > 0,
      blocked: this.blocked,
    });
    if (action === "ping") this.writer.ping(keepalivePing, 0, false);
    else if (action === "replace") this.streams.events.doubted?.();
  }

  /** True if anything waits to be sent: in the link, or for a window or a place. */
  private readonly blocked = (): boolean =>
    this.link.pending > 0 ||
    this.waitingStreams > 0 ||
    this.streams.registry.open.some((stream) => stream.send.queue !== null);

  // ---- ByteReceiver

  /** @inheritdoc */
  receive(bytes: Uint8Array): void {
    if (this.state.over) return;
    try {
      this.input.receive(bytes);
    } catch (error) {
      this.end.fail(error);
    }
  }

  /** @inheritdoc */
  drained(): void {
    this.output.drained();
    this.input.goOn();
    this.streams.scheduler.pumpAll();
  }

  /** @inheritdoc */
  closed(error?: Error): void {
    this.end.linkClosed(error);
  }

  private readonly endOfTurn = (): void => {
    this.output.endOfTurn();
    this.streams.scheduler.endOfTurn();
  };
}
