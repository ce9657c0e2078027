// SPDX-License-Identifier: Apache-2.0
import type { ByteLink, ByteReceiver, LinkPeer } from "./byte-link.js";
import { ClosedBy, ClosedStreams } from "./closed-streams.js";
import { Drain } from "./drain.js";
import { ErrorCode, errorCodeName, Http2ConnectionError } from "./error-code.js";
import { FrameReader } from "./frame/frame-reader.js";
import { clientPreface, maxUint31 } from "./frame/frame-type.js";
import { HpackDecoder } from "./hpack/decoder.js";
import { HpackEncoder } from "./hpack/encoder.js";
import { HeaderBlock } from "./hpack/header-block.js";
import type { HeaderList } from "./hpack/header-list.js";
import { HpackError } from "./hpack/hpack-error.js";
import { Inbound, type InboundHost } from "./inbound.js";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "./options.js";
import { Output } from "./output.js";
import { ReceiveLedger } from "./receive-ledger.js";
import { Scheduler, type SchedulerHost } from "./scheduler.js";
import { PeerSettings, Setting } from "./settings.js";
import { type OutgoingHeaders, Stream, type StreamHost } from "./stream.js";
import type { StreamReset, StreamSink } from "./stream-sink.js";
import { StreamTable } from "./stream-table.js";
import { Writer } from "./writer.js";

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
  readonly streams: StreamTable<Stream> = new StreamTable();
  readonly peerSettings: PeerSettings = new PeerSettings();
  /** Who is at the other end. */
  readonly peer: LinkPeer;
  /** What the peer lets us send on the whole connection. */
  sendWindow = 65_535;
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
  private readonly closedStreams = new ClosedStreams();
  private readonly waiting: Set<Stream> = new Set();
  private lingering: Stream[] = [];
  private nextId = 1;
  private lastPeerId = 0;
  private unacknowledgedSettings = 1;
  private openedAt = 0;
  private failure: Error | undefined;
  private ended = false;
  private active = false;
  private limitAnnounced = false;

  /** A connection over `link`; nothing happens before {@link Connection.start}. */
  constructor(role: "client" | "server", link: ByteLink, options?: Http2Options) {
    this.isServer = role === "server";
    this.link = link;
    this.peer = link.peer;
    this.options = resolveHttp2Options(options);
    this.maxStreamWindow = this.options.maxStreamWindow;
    this.ledger = new ReceiveLedger(this.options.connectionWindow, this.options.maxBufferedBytes);
    this.decoder = new HpackDecoder({
      maxListSize: this.options.maxHeaderListSize,
      maxFields: this.options.maxHeaderFields,
    });
    this.output = new Output(link, () => link.afterTurn(this.endOfTurn));
    this.writer = new Writer(this.output, new HpackEncoder());
    this.scheduler = new Scheduler(this);
    this.inbound = new Inbound(this);
    this.reader = new FrameReader(this.inbound, this.isServer);
    this.drain = new Drain(this.writer);
  }

  // ---- for those who use a connection

  /** Starts the link; preface and SETTINGS leave at the end of the turn. Call it once. */
  start(events: ConnectionEvents): void {
    this.events = events;
    this.openedAt = this.link.now();
    if (!this.isServer) this.writer.raw(clientPreface);
    this.writer.settings(this.ownSettings());
    this.creditReleased();
    this.link.start(this);
  }

  /**
   * Client: opens a stream and sends its headers. Beyond the peer's limit on concurrent streams it waits, in order,
   * for one to close; what is sent on it meanwhile is queued.
   */
  open(sink: StreamSink, headers: OutgoingHeaders, end: boolean): Stream {
    const stream = new Stream(this, 0, this.peerSettings.initialWindowSize);
    stream.sink = sink;
    if (this.closing || this.draining) {
      stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
      return stream;
    }
    if (this.streams.size >= this.peerSettings.maxConcurrentStreams || this.waiting.size > 0)
      this.waiting.add(stream);
    else this.activate(stream);
    this.setActive(true);
    try {
      stream.sendHeaders(headers, end);
    } catch (error) {
      // What can't be encoded was not sent: the peer never hears of the stream, its id is skipped.
      stream.discard();
      throw error;
    }
    return stream;
  }

  /** A header list made ready to be sent often, on this connection alone. */
  prepare(fields: readonly string[]): HeaderBlock {
    return new HeaderBlock(fields);
  }

  /** Streams that are open, or wait to be. */
  get activeStreams(): number {
    return this.streams.size + this.waiting.size;
  }

  /** Streams that wait for the peer's limit. */
  get waitingStreams(): number {
    return this.waiting.size;
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
    if (this.closing) return;
    const age = now - this.openedAt;
    if (!this.inbound.ready && age > this.options.prefaceTimeoutMs) {
      this.abort(
        ErrorCode.PROTOCOL_ERROR,
        `no SETTINGS within ${this.options.prefaceTimeoutMs} ms (option prefaceTimeoutMs)`,
      );
    } else if (this.unacknowledgedSettings > 0 && age > this.options.settingsTimeoutMs) {
      this.abort(
        ErrorCode.SETTINGS_TIMEOUT,
        `SETTINGS not acknowledged within ${this.options.settingsTimeoutMs} ms (option settingsTimeoutMs)`,
      );
    } else {
      this.drain.advance(now, this.lastPeerId);
      this.closeWhenIdle();
    }
  }

  // ---- ByteReceiver

  /** @inheritdoc */
  receive(bytes: Uint8Array): void {
    if (this.closing) return;
    try {
      this.reader.read(bytes);
    } catch (error) {
      if (error instanceof Http2ConnectionError) this.die(error, error.code);
      else if (error instanceof HpackError) {
        const code = ErrorCode.COMPRESSION_ERROR;
        this.die(new Http2ConnectionError(code, error.message, { cause: error }), code);
      } else this.die(error instanceof Error ? error : new Error(String(error)), ErrorCode.INTERNAL_ERROR);
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
    this.failure ??= error;
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
    this.writer.headers(stream.id, headers, end, this.peerSettings.maxFrameSize);
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
  }

  streamClosed(stream: Stream, cause: number): void {
    this.scheduler.remove(stream);
    if (stream.id === 0) this.waiting.delete(stream);
    else if (this.streams.delete(stream.id)) this.closedStreams.add(stream.id, cause);
    if (this.waiting.size > 0) this.openWaiting();
    if (this.streams.size === 0 && this.waiting.size === 0) {
      this.setActive(false);
      this.closeWhenIdle();
    }
  }

  // ---- InboundHost

  isIdle(id: number): boolean {
    const ours = ((id & 1) === 1) !== this.isServer;
    return ours ? id >= this.nextId : (id & 1) === 0 || id > this.lastPeerId;
  }

  closedBy(id: number): number {
    return this.drain.discards(id) ? ClosedBy.LOCAL_RESET : this.closedStreams.cause(id);
  }

  openedByPeer(id: number, list: HeaderList, end: boolean): void {
    this.lastPeerId = id;
    if (this.drain.discards(id)) return;
    if (this.streams.size >= this.options.maxConcurrentStreams) {
      this.refuse(id, ErrorCode.REFUSED_STREAM);
      return;
    }
    if (end && list.contentLength > 0) {
      this.refuse(id, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    const stream = new Stream(this, id, this.peerSettings.initialWindowSize);
    stream.headersReceived = true;
    stream.contentLength = list.contentLength;
    this.streams.add(stream);
    this.setActive(true);
    if (end) stream.endRemote();
    this.events.stream?.(stream, list, end);
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
    const { peerSettings: peer } = this;
    if (id === Setting.HEADER_TABLE_SIZE) {
      peer.headerTableSize = value;
      this.writer.encoder.setPeerTableSize(value);
    } else if (id === Setting.MAX_CONCURRENT_STREAMS) {
      peer.maxConcurrentStreams = value;
      this.limitAnnounced = true;
    } else if (id === Setting.MAX_HEADER_LIST_SIZE) peer.maxHeaderListSize = value;
    else if (id === Setting.MAX_FRAME_SIZE) {
      peer.maxFrameSize = value;
      this.peerMaxFrameSize = value;
    } else if (id === Setting.INITIAL_WINDOW_SIZE) this.changeInitialWindow(value);
  }

  settingsApplied(): void {
    // RFC 9113 has no initial limit: without the setting the peer takes as many as there are ids.
    if (!this.limitAnnounced) this.peerSettings.maxConcurrentStreams = maxUint31;
    this.limitAnnounced = true;
    this.writer.settingsAcknowledgement();
    this.openWaiting();
    this.pumpBlocked();
  }

  settingsAcknowledged(): void {
    if (this.unacknowledgedSettings === 0) {
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        "SETTINGS acknowledged that were never sent (RFC 9113 §6.5)",
      );
    }
    this.unacknowledgedSettings--;
  }

  pingReceived(b: Uint8Array, start: number): void {
    this.writer.ping(b, start, true);
  }

  pingAcknowledged(b: Uint8Array, start: number): void {
    if (this.drain.acknowledged(b, start, this.lastPeerId)) this.closeWhenIdle();
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
      for (const stream of [...this.waiting])
        stream.fail({ ...reset, disposition: "not-sent" }, ClosedBy.LOCAL_RESET);
      for (const stream of this.streams.values())
        if (stream.id > last) stream.fail(reset, ClosedBy.LOCAL_RESET);
    }
    this.closeWhenIdle();
  }

  connectionWindowGrew(increment: number): void {
    this.sendWindow += increment;
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
    this.closedStreams.add(id, ClosedBy.LOCAL_RESET);
  }

  refuseRequest(id: number, list: HeaderList, end: boolean): void {
    this.lastPeerId = id;
    if (this.drain.discards(id)) return;
    if (list.malformed === null && list.kind !== 0 && list.tooLarge) {
      this.writer.headers(id, [":status", "431"], true, this.peerSettings.maxFrameSize);
      if (end) this.closedStreams.add(id, ClosedBy.ENDED);
      else this.refuse(id, ErrorCode.NO_ERROR);
    } else {
      this.refuse(id, ErrorCode.PROTOCOL_ERROR);
    }
  }

  // ---- SchedulerHost

  nextTurn(callback: () => void): void {
    this.link.nextTurn(callback);
  }

  private ownSettings(): readonly number[] {
    const { options } = this;
    return [
      ...(this.isServer
        ? [Setting.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams]
        : [Setting.ENABLE_PUSH, 0]),
      // The RFC's own value, said all the same: dubbo-java takes it for 65,536 when it is not, and overruns it.
      Setting.INITIAL_WINDOW_SIZE,
      65_535,
      Setting.MAX_FRAME_SIZE,
      options.maxFrameSize,
      Setting.MAX_HEADER_LIST_SIZE,
      options.maxHeaderListSize,
    ];
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

  private activate(stream: Stream): void {
    stream.id = this.nextId;
    this.nextId += 2;
    stream.sendWindow = this.peerSettings.initialWindowSize;
    this.streams.add(stream);
  }

  private openWaiting(): void {
    for (const stream of this.waiting) {
      if (this.streams.size >= this.peerSettings.maxConcurrentStreams || this.closing) return;
      this.waiting.delete(stream);
      this.activate(stream);
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
    const delta = value - this.peerSettings.initialWindowSize;
    this.peerSettings.initialWindowSize = value;
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
    if (
      !this.draining ||
      this.closing ||
      this.streams.size > 0 ||
      this.waiting.size > 0 ||
      !this.drain.finished
    )
      return;
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

  private resetAll(): void {
    for (const stream of [...this.waiting])
      stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
    const reset = this.connectionReset(this.inbound.ready ? "maybe-processed" : "not-sent");
    for (const stream of this.streams.values()) stream.fail(reset, ClosedBy.LOCAL_RESET);
  }

  private die(error: Error, code: number): void {
    if (this.closing) return;
    this.closing = true;
    this.failure = error;
    this.reader.stop();
    // What is no protocol error is nothing that a peer has to know.
    const told = error instanceof Http2ConnectionError ? error.message : "internal error";
    this.writer.goAway(this.drain.lastStreamId(this.lastPeerId), code, told);
    this.output.flush();
    this.output.closed = true;
    this.resetAll();
    this.link.end();
  }
}
