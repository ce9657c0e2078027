// SPDX-License-Identifier: Apache-2.0
import type { ByteLink, ByteReceiver, LinkPeer } from "./byte-link.js";
import { ClosedBy } from "./closed-streams.js";
import { ConnectionStreams } from "./connection-streams.js";
import { Drain } from "./drain.js";
import { ErrorCode, errorCodeName, Http2ConnectionError } from "./error-code.js";
import { describeForeign } from "./frame/foreign-bytes.js";
import { FrameReader } from "./frame/frame-reader.js";
import { clientPreface, maxUint31 } from "./frame/frame-type.js";
import { HpackDecoder } from "./hpack/decoder.js";
import { HpackEncoder } from "./hpack/encoder.js";
import { HeaderBlock } from "./hpack/header-block.js";
import type { HeaderList } from "./hpack/header-list.js";
import { HpackError } from "./hpack/hpack-error.js";
import { Inbound, type InboundHost } from "./inbound.js";
import { type ConnectionCounters, Limits } from "./limits.js";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "./options.js";
import { Output } from "./output.js";
import { ReceiveLedger } from "./receive-ledger.js";
import { Scheduler, type SchedulerHost } from "./scheduler.js";
import { Setting } from "./settings.js";
import { SettingsExchange } from "./settings-exchange.js";
import { type OutgoingHeaders, Stream, type StreamHost } from "./stream.js";
import type { StreamReset, StreamSink } from "./stream-sink.js";
import type { StreamTable } from "./stream-table.js";
import { Watchdog } from "./watchdog.js";
import { Writer } from "./writer.js";

/** What both sides may send before the first WINDOW_UPDATE (RFC 9113 §6.9.2). */
const initialWindow = 65_535;

/** What a connection tells the one who made it. */
export interface ConnectionEvents {
  /** Server: the peer opened a stream. Set `stream.sink` before returning. `end`: the request has no body. */
  stream?(stream: Stream, list: HeaderList, end: boolean): void;
  /** The peer will not answer streams above `lastStreamId`, and new ones have to go elsewhere. */
  goAway?(code: number, lastStreamId: number, debug: string): void;
  /** The connection is over. `error` is absent after an orderly end. */
  closed?(error?: Error): void;
  /** The number of open streams became 0, or 1 from 0. */
  active?(active: boolean): void;
}

/**
 * An HTTP/2 connection (RFC 9113), either role, without push and priority: bytes in from a {@link ByteLink}, bytes out
 * to it, calls of {@link ConnectionEvents} and {@link StreamSink} in between. It opens nothing and keeps no timer:
 * whoever owns it calls {@link Connection.advance} now and then.
 */
export class Connection implements ByteReceiver, StreamHost, InboundHost, SchedulerHost {
  readonly isServer: boolean;
  readonly options: ResolvedHttp2Options;
  readonly output: Output;
  readonly ledger: ReceiveLedger;
  readonly decoder: HpackDecoder;
  /** What counts the peer's frames, and ends the connection when it sends too many. */
  readonly limits: Limits;
  /** The streams that are open, by id. */
  readonly streams: StreamTable<Stream>;
  /** Who is at the other end. */
  readonly peer: LinkPeer;
  /** What the peer lets us send on the whole connection. */
  sendWindow = initialWindow;
  /** Largest DATA frame that is sent: the peer's limit, within our own. */
  peerMaxFrameSize = 16_384;
  readonly maxStreamWindow: number;
  /** No stream may be opened any more, or none is accepted. */
  draining = false;
  /** The link is closed, or about to be after an error. */
  closing = false;
  private readonly link: ByteLink;
  private events: ConnectionEvents = {};
  private readonly writer: Writer;
  private readonly reader: FrameReader;
  private readonly inbound: Inbound;
  private readonly scheduler: Scheduler;
  private readonly drain: Drain;
  private readonly book: ConnectionStreams;
  private readonly settings = new SettingsExchange();
  private watchdog: Watchdog | null = null;
  private lingering: Stream[] = [];
  private received = 0;
  /** All that the peer has ever let us send. */
  private granted = initialWindow;
  private failure: Error | undefined;
  private ended = false;
  private active = false;

  /** A connection over `link`; nothing happens before {@link Connection.start}. */
  constructor(role: "client" | "server", link: ByteLink, options?: Http2Options) {
    this.isServer = role === "server";
    this.link = link;
    this.peer = link.peer;
    this.options = resolveHttp2Options(options);
    this.maxStreamWindow = this.options.maxStreamWindow;
    this.book = new ConnectionStreams(this.isServer);
    this.streams = this.book.open;
    this.limits = new Limits(this.options, () => link.now());
    this.ledger = new ReceiveLedger(this.options.connectionWindow, this.options.maxBufferedBytes);
    this.decoder = new HpackDecoder({
      maxListSize: this.options.maxHeaderListSize,
      maxFields: this.options.maxHeaderFields,
    });
    // Only a server waits for its peer to read: two ends that did would wait for each other.
    const pauseAbove = this.isServer ? this.options.maxUnreadOutput : Number.POSITIVE_INFINITY;
    this.output = new Output(link, () => link.afterTurn(this.endOfTurn), pauseAbove);
    this.writer = new Writer(this.output, new HpackEncoder(this.options.maxEncoderTableSize));
    this.scheduler = new Scheduler(this);
    this.inbound = new Inbound(this);
    this.reader = new FrameReader(this.inbound, this.isServer);
    this.drain = new Drain(this.writer);
  }

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
    const { book } = this;
    const stream = new Stream(this, 0, this.settings.peer.initialWindowSize);
    stream.sink = sink;
    if (this.closing || this.draining) {
      stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
      return stream;
    }
    if (this.streams.size >= this.settings.peer.maxConcurrentStreams || book.waiting.size > 0)
      book.waiting.add(stream);
    else book.activate(stream, this.settings.peer.initialWindowSize);
    this.setActive(true);
    try {
      stream.sendHeaders(headers, end);
    } catch (error) {
      // What can't be encoded was not sent: the peer never hears of the stream, its id is skipped.
      stream.discard();
      throw error;
    }
    if (book.idsRunOut) this.shutdown();
    return stream;
  }

  /** A header list made ready to be sent often, on this connection alone. */
  prepare(fields: readonly string[]): HeaderBlock {
    return new HeaderBlock(fields);
  }

  /** Streams that are open, or wait to be. */
  get activeStreams(): number {
    return this.book.active;
  }

  /** Streams that wait for the peer's limit. */
  get waitingStreams(): number {
    return this.book.waiting.size;
  }

  /** What the peer has done so far of what is limited. */
  get counters(): Readonly<ConnectionCounters> {
    return this.limits.counters;
  }

  /** Octets of output that the peer has not taken. */
  get unreadOutput(): number {
    return this.link.pending;
  }

  /** Whether new streams can be opened. */
  get usable(): boolean {
    return !this.closing && !this.draining;
  }

  /**
   * Ends in order: says GOAWAY, lets open streams finish, then closes. A server does it in two steps (RFC 9113 §6.8),
   * so that requests under way are still served.
   */
  shutdown(): void {
    if (this.closing || this.drain.begun) return;
    this.draining = true;
    this.drain.begin(this.isServer, this.link.now());
    this.closeWhenIdle();
  }

  /** Ends at once: GOAWAY with `code`, then every stream is reset with what happened. */
  abort(code: number, message: string): void {
    this.die(new Http2ConnectionError(code, message), code);
  }

  /** Lets time pass: enforces what the peer has to do within a time. `now` as the link's clock has it. */
  advance(now: number): void {
    const { watchdog, reader, inbound } = this;
    if (this.closing || watchdog === null) return;
    try {
      watchdog.check(now, {
        ready: inbound.ready,
        acknowledged: this.settings.acknowledged,
        unfinished: inbound.ready && (reader.insideFrame || inbound.insideBlock),
        // A large message may take its time, as long as it comes; what is small has to come.
        inputMark: reader.insideData ? this.received : reader.frames,
        unread: this.link.pending,
        used: this.book.used,
        streams: this.book.active,
      });
    } catch (error) {
      this.broken(error);
      return;
    }
    if (watchdog.isIdle(now, this.book.active)) this.shutdown();
    this.drain.advance(now, this.book.lastPeerId);
    this.closeWhenIdle();
  }

  // ---- ByteReceiver

  /** @inheritdoc */
  receive(bytes: Uint8Array): void {
    if (this.closing) return;
    this.received += bytes.length;
    try {
      this.reader.read(bytes);
    } catch (error) {
      this.broken(error);
    }
  }

  /** @inheritdoc */
  drained(): void {
    this.output.drained();
    this.scheduler.pumpAll();
  }

  /** @inheritdoc */
  closed(error?: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.closing = true;
    this.output.closed = true;
    this.failure ??= error ?? this.closedTooEarly();
    this.reader.stop();
    this.resetAll();
    this.setActive(false);
    this.events.closed?.(this.failure);
  }

  // ---- StreamHost

  get turnSpent(): boolean {
    return this.scheduler.turnSpent;
  }

  writeHeaders(stream: Stream, headers: OutgoingHeaders, end: boolean): void {
    this.writer.headers(stream.id, headers, end, this.settings.peer.maxFrameSize);
  }

  writeReset(stream: Stream, code: number): void {
    this.writer.reset(stream.id, code);
  }

  writeWindowUpdate(streamId: number, increment: number): void {
    this.writer.windowUpdate(streamId, increment);
  }

  creditReleased(): void {
    const due = this.ledger.takeDue();
    if (due > 0) this.writer.windowUpdate(0, due);
  }

  pump(stream: Stream): void {
    this.scheduler.pump(stream);
  }

  rest(stream: Stream): void {
    this.scheduler.rest(stream);
  }

  linger(stream: Stream): void {
    this.lingering.push(stream);
    if (this.lingering.length === 1) this.link.nextTurn(this.endLingering);
  }

  streamError(stream: Stream, code: number, message: string): void {
    if (stream.closed) return;
    this.writer.reset(stream.id, code);
    stream.fail({ code, source: "local", disposition: "maybe-processed", message }, ClosedBy.LOCAL_RESET);
    if (this.isServer) this.limits.resetProvoked();
  }

  streamClosed(stream: Stream, cause: number): void {
    const { book } = this;
    this.scheduler.remove(stream);
    book.remove(stream, cause);
    if (stream.held) book.held++;
    if (book.waiting.size > 0) this.openWaiting();
    if (book.active === 0) {
      this.setActive(false);
      this.closeWhenIdle();
    }
  }

  streamReleased(): void {
    this.book.held--;
  }

  // ---- InboundHost

  isIdle(id: number): boolean {
    return this.book.isIdle(id);
  }

  closedBy(id: number): number {
    return this.drain.discards(id) ? ClosedBy.LOCAL_RESET : this.book.closedBy(id);
  }

  openedByPeer(id: number, list: HeaderList, end: boolean): void {
    this.book.lastPeerId = id;
    if (this.drain.discards(id)) return;
    if (this.book.taken >= this.options.maxConcurrentStreams) {
      this.refuse(id, ErrorCode.REFUSED_STREAM);
      return;
    }
    if (end && list.contentLength > 0) {
      this.refuse(id, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    const stream = new Stream(this, id, this.settings.peer.initialWindowSize);
    stream.headersReceived = true;
    stream.contentLength = list.contentLength;
    this.book.add(stream);
    this.setActive(true);
    if (end) stream.endRemote();
    this.events.stream?.(stream, list, end);
    if (this.book.idsRunOut) this.shutdown();
  }

  receivedData(length: number): void {
    if (!this.ledger.received(length)) {
      throw new Http2ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        "the peer sent more than the connection's window (RFC 9113 §6.9.1)",
      );
    }
    this.creditReleased();
  }

  releasedData(length: number): void {
    this.ledger.released(length);
    this.creditReleased();
  }

  applySetting(id: number, value: number): void {
    if (id === Setting.INITIAL_WINDOW_SIZE) this.changeInitialWindow(value);
    this.settings.apply(id, value);
    if (id === Setting.HEADER_TABLE_SIZE) this.writer.encoder.setPeerTableSize(value);
    else if (id === Setting.MAX_FRAME_SIZE) this.peerMaxFrameSize = value;
  }

  settingsApplied(): void {
    this.settings.applied();
    this.writer.settingsAcknowledgement();
    this.openWaiting();
    this.pumpBlocked();
  }

  settingsAcknowledged(): void {
    this.settings.acknowledge();
  }

  pingReceived(b: Uint8Array, start: number): void {
    this.limits.ping(this.writer.headerBlocks + this.dataSent);
    this.writer.ping(b, start, true);
  }

  pingAcknowledged(b: Uint8Array, start: number): void {
    if (this.drain.acknowledged(b, start, this.book.lastPeerId)) this.closeWhenIdle();
    else this.limits.emptyFrame();
  }

  goAwayReceived(last: number, code: number, debug: string): void {
    if (!this.isServer && last !== 0 && (last & 1) === 0) {
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        `GOAWAY names stream ${last}, which no client opens (RFC 9113 §6.8)`,
      );
    }
    this.drain.received(last);
    this.draining = true;
    const why =
      code === ErrorCode.NO_ERROR
        ? ""
        : ` with ${errorCodeName(code)}${debug === "" ? "" : ` ${JSON.stringify(debug)}`}`;
    this.failure ??=
      code === ErrorCode.NO_ERROR ? undefined : new Http2ConnectionError(code, `the peer sent GOAWAY${why}`);
    const reset: StreamReset = {
      code: ErrorCode.REFUSED_STREAM,
      source: "connection",
      disposition: "unprocessed",
      message: `the peer sent GOAWAY${why} before it took the request`,
    };
    this.events.goAway?.(code, last, debug);
    if (!this.isServer) {
      for (const stream of [...this.book.waiting])
        stream.fail({ ...reset, disposition: "not-sent" }, ClosedBy.LOCAL_RESET);
      for (const stream of this.streams.values())
        if (stream.id > last) stream.fail(reset, ClosedBy.LOCAL_RESET);
    }
    this.closeWhenIdle();
  }

  windowUpdated(): void {
    this.limits.windowUpdate(this.dataSent);
  }

  connectionWindowGrew(increment: number): void {
    this.sendWindow += increment;
    this.granted += increment;
    if (this.sendWindow > maxUint31) {
      throw new Http2ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        "the connection's window above 2^31-1 (RFC 9113 §6.9.1)",
      );
    }
    this.scheduler.pumpAll();
  }

  streamWindowGrew(stream: Stream): void {
    this.scheduler.pump(stream);
  }

  refuse(id: number, code: number): void {
    this.writer.reset(id, code);
    this.book.remember(id, ClosedBy.LOCAL_RESET);
    if (this.isServer) this.limits.resetProvoked();
  }

  refuseRequest(id: number, list: HeaderList, end: boolean): void {
    this.book.lastPeerId = id;
    if (this.drain.discards(id)) return;
    if (list.malformed === null && list.kind !== 0 && list.tooLarge) {
      this.writer.headers(id, [":status", "431"], true, this.settings.peer.maxFrameSize);
      if (end) this.book.remember(id, ClosedBy.ENDED);
      else this.refuse(id, ErrorCode.NO_ERROR);
    } else {
      this.refuse(id, ErrorCode.PROTOCOL_ERROR);
    }
  }

  // ---- SchedulerHost

  nextTurn(callback: () => void): void {
    this.link.nextTurn(callback);
  }

  /** DATA octets sent so far. */
  private get dataSent(): number {
    return this.granted - this.sendWindow;
  }

  private readonly endOfTurn = (): void => {
    this.output.endOfTurn();
    this.scheduler.endOfTurn();
  };

  private readonly endLingering = (): void => {
    const lingering = this.lingering;
    this.lingering = [];
    for (const stream of lingering) stream.reset(ErrorCode.NO_ERROR);
  };

  private openWaiting(): void {
    const { book } = this;
    const { peer } = this.settings;
    for (const stream of book.waiting) {
      if (this.streams.size >= peer.maxConcurrentStreams || this.closing) return;
      book.activate(stream, peer.initialWindowSize);
      const headers = stream.waitingHeaders;
      stream.waitingHeaders = null;
      const onlyHeaders = stream.localEnded && stream.queue === null;
      try {
        if (headers !== null) this.writeHeaders(stream, headers, onlyHeaders);
        this.scheduler.pump(stream);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const code = ErrorCode.INTERNAL_ERROR;
        stream.fail({ code, source: "local", disposition: "not-sent", message }, ClosedBy.LOCAL_RESET);
      }
    }
  }

  private changeInitialWindow(value: number): void {
    const delta = value - this.settings.peer.initialWindowSize;
    for (const stream of this.streams.values()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > maxUint31) {
        throw new Http2ConnectionError(
          ErrorCode.FLOW_CONTROL_ERROR,
          `window of stream ${stream.id} above 2^31-1 (RFC 9113 §6.9.2)`,
        );
      }
    }
  }

  private pumpBlocked(): void {
    for (const stream of this.streams.values()) if (stream.queue !== null) this.scheduler.pump(stream);
    this.scheduler.pumpAll();
  }

  private setActive(active: boolean): void {
    if (active === this.active) return;
    this.active = active;
    this.link.setActive(active);
    this.events.active?.(active);
  }

  private closeWhenIdle(): void {
    if (!this.draining || this.closing || this.book.active > 0 || !this.drain.finished) return;
    this.closing = true;
    this.endOfTurn();
    // What is still credited or pinged from now on has nowhere to go.
    this.output.closed = true;
    this.link.end();
  }

  private connectionReset(disposition: StreamReset["disposition"]): StreamReset {
    const why = this.failure === undefined ? "the connection is closed" : this.failure.message;
    return { code: ErrorCode.CANCEL, source: "connection", disposition, message: why };
  }

  /** A link that closes before the peer has said anything of HTTP/2 has most likely another protocol at its end. */
  private closedTooEarly(): Error | undefined {
    if (this.inbound.ready || this.draining) return undefined;
    const what =
      describeForeign(this.reader.unfinishedHeader, this.isServer) ??
      (this.isServer
        ? undefined
        : "closed before a word of HTTP/2: does it speak HTTP/2, does it want TLS, is it the right port?");
    return what === undefined
      ? undefined
      : new Http2ConnectionError(ErrorCode.PROTOCOL_ERROR, what, { foreign: true });
  }

  private resetAll(): void {
    for (const stream of [...this.book.waiting])
      stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
    const reset = this.connectionReset("maybe-processed");
    for (const stream of this.streams.values()) stream.fail(reset, ClosedBy.LOCAL_RESET);
  }

  private broken(error: unknown): void {
    if (error instanceof Http2ConnectionError) this.die(error, error.code);
    else if (error instanceof HpackError) {
      const code = ErrorCode.COMPRESSION_ERROR;
      this.die(new Http2ConnectionError(code, error.message, { cause: error }), code);
    } else this.die(error instanceof Error ? error : new Error(String(error)), ErrorCode.INTERNAL_ERROR);
  }

  private die(error: Error, code: number): void {
    if (this.closing) return;
    this.closing = true;
    this.failure = error;
    this.reader.stop();
    // What is no protocol error is nothing that a peer has to know.
    const told = error instanceof Http2ConnectionError ? error.message : "internal error";
    this.writer.goAway(this.drain.lastStreamId(this.book.lastPeerId), code, told);
    this.output.flush();
    this.output.closed = true;
    this.resetAll();
    this.link.end();
  }
}
