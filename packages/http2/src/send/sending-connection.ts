// SPDX-License-Identifier: Apache-2.0
import type { ByteLink, Peer } from "../connection/byte-link.js";
import { ErrorCode } from "../connection/error-code.js";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "../connection/options.js";
import { SettingsExchange } from "../connection/settings-exchange.js";
import { ConnectionState } from "../connection/state.js";
import { LargeMessages } from "../flow/large-messages.js";
import { ReceiveFlow } from "../flow/receive-flow.js";
import { Limits } from "../guards/limits.js";
import { HpackEncoder } from "../hpack/encoder.js";
import type { HeaderList } from "../hpack/header-list.js";
import { ClosedBy } from "../streams/closed-streams.js";
import { resetReason } from "../streams/reset-reason.js";
import { Scheduler, type SchedulerHost } from "../streams/scheduler.js";
import type { OutgoingHeaders } from "../streams/sending-half.js";
import type { Stream, StreamHost } from "../streams/stream.js";
import { StreamRegistry } from "../streams/stream-registry.js";
import type { StreamTable } from "../streams/stream-table.js";
import { Output } from "./output.js";
import { Writer } from "./writer.js";

/** The window of both sides before the first WINDOW_UPDATE (RFC 9113 §6.9.2). */
const initialWindow = 65_535;

/** The calls that a connection makes to its owner. */
export interface ConnectionEvents {
  /** Server: the peer opened a stream. Set `stream.sink` before returning. `end`: the request has no body. */
  stream?(stream: Stream, list: HeaderList, end: boolean): void;
  /** The peer will not answer streams above `lastStreamId`, and new ones have to go elsewhere. `text` says all of it, for an error. */
  goAway?(code: number, lastStreamId: number, debug: string, text: string): void;
  /** The peer may have stopped answering, and can't be asked again: new streams belong on another connection. */
  doubted?(): void;
  /** The peer's first SETTINGS has arrived and is applied: it speaks HTTP/2. */
  ready?(): void;
  /** A call, a message or a stream was refused or ended for a limit that does not end the connection; `message` names its option. */
  limited?(message: string): void;
  /** The connection is over. `error` is absent after an orderly end. */
  closed?(error?: Error): void;
  /** The number of open streams became 0, or 1 from 0. */
  active?(active: boolean): void;
}

/**
 * The sending part of a connection: it writes the frames of its streams, queues what windows or link don't take, and registers the
 * streams. The lowest of the three layers of a `Connection`.
 */
export abstract class SendingConnection implements StreamHost, SchedulerHost {
  readonly isServer: boolean;
  readonly options: ResolvedHttp2Options;
  readonly output: Output;
  readonly flow: ReceiveFlow;
  readonly largeMessages: LargeMessages<Stream> = new LargeMessages();
  /** Counts the peer's frames, and ends the connection when they are too many. */
  readonly limits: Limits;
  /** The streams that are open, by id. */
  readonly streams: StreamTable<Stream>;
  /** The other end. */
  readonly peer: Peer;
  /** The bytes that we may still send on the whole connection. */
  sendWindow = initialWindow;
  /** Bytes that wait in the queues of all streams, or are being compressed for them. */
  queuedBytes = 0;
  /** Largest DATA frame that is sent: the peer's limit, within our own. */
  peerMaxFrameSize = 16_384;
  /** Streams that this side has ended so far. */
  endsSent = 0;
  readonly maxStreamWindow: number;
  /** The phase of the connection. */
  readonly state: ConnectionState = new ConnectionState();
  readonly link: ByteLink;
  protected events: ConnectionEvents = {};
  /** Time by the link's clock. */
  protected readonly now: () => number;
  protected readonly writer: Writer;
  protected readonly scheduler: Scheduler;
  protected readonly registry: StreamRegistry;
  readonly settings: SettingsExchange = new SettingsExchange();
  /** All that the peer has ever let us send. */
  protected granted = initialWindow;
  /** Bytes that were queued on streams which closed before these had left. */
  private dropped = 0;
  private resetting: Stream[] = [];
  private opensLater = false;
  private active = false;

  constructor(role: "client" | "server", link: ByteLink, options?: Http2Options) {
    this.isServer = role === "server";
    this.link = link;
    this.peer = link.peer;
    this.options = resolveHttp2Options(options, role);
    this.maxStreamWindow = this.options.maxStreamWindow;
    this.registry = new StreamRegistry(this.isServer);
    this.streams = this.registry.open;
    this.now = () => link.now();
    this.limits = new Limits(this.options, this.now);
    this.flow = new ReceiveFlow(this.options.connectionWindow, this.options.maxBufferedBytes);
    // Only a server waits for its peer to read: two ends that did would wait for each other.
    const pauseAbove = this.isServer ? this.options.maxUnreadOutput : Number.POSITIVE_INFINITY;
    this.output = new Output(link, () => link.afterTurn(this.endOfTurn), pauseAbove);
    this.writer = new Writer(this.output, new HpackEncoder(this.options.maxEncoderTableSize));
    this.scheduler = new Scheduler(this);
  }

  // ---- StreamHost

  get turnSpent(): boolean {
    return this.scheduler.turnSpent;
  }

  get peerMaxHeaderListSize(): number {
    return this.settings.peer.maxHeaderListSize;
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
    const due = this.flow.takeDue();
    if (due > 0) this.writer.windowUpdate(0, due);
  }

  get crowded(): boolean {
    return this.queuedBytes > this.options.maxQueuedBytes / 2;
  }

  /**
   * Server: why a new call has to be refused, since more than half of `maxQueuedBytes` waits to be sent; null if it need not. Ask once
   * for each call.
   */
  refuseCall(): string | null {
    if (!this.crowded) return null;
    this.limits.counters.callsRefused++;
    return this.limited(
      `${this.queuedBytes} bytes of answers wait to be sent on this connection: above ${this.options.maxQueuedBytes / 2} new calls are refused until they are read (option http2.maxQueuedBytes of the server)`,
    );
  }

  refuseMessage(length: number): string | null {
    const most = this.options.maxQueuedBytes;
    const waiting = this.queuedBytes + this.link.pending;
    // A single message may be larger than all that may wait.
    if (waiting + length <= most || this.queuedBytes === 0) return null;
    this.limits.counters.messagesRefused++;
    return this.limited(
      `a message of ${length} bytes is not sent, since ${waiting} bytes wait on this connection for their reader, and at most ${most} may (option http2.maxQueuedBytes where it is sent)`,
    );
  }

  /** Tells the owner of a limit that does not end the connection. Returns the message. */
  protected limited(message: string): string {
    this.events.limited?.(message);
    return message;
  }

  pump(stream: Stream): void {
    this.scheduler.pump(stream);
  }

  wakeNextTurn(stream: Stream): void {
    this.scheduler.wakeNextTurn(stream);
  }

  resetNextTurn(stream: Stream): void {
    this.resetting.push(stream);
    if (this.resetting.length === 1) this.link.nextTurn(this.resetClosing);
  }

  streamError(stream: Stream, code: number, message: string): void {
    if (stream.closed) return;
    this.writer.reset(stream.id, code);
    const reason = resetReason(code);
    stream.fail(
      { code, reason, source: "local", disposition: "maybe-processed", message },
      ClosedBy.LOCAL_RESET,
    );
    if (this.isServer) this.limits.resetProvoked();
  }

  streamClosed(stream: Stream, cause: number, peerEnded: boolean): void {
    this.dropped += stream.queuedBytes;
    const { registry } = this;
    this.scheduler.remove(stream);
    registry.remove(stream, cause, peerEnded);
    if (stream.held) registry.held++;
    if (registry.waiting.size > 0) {
      // Callers often cancel many calls at once, so queued streams open on the next turn.
      if (cause === ClosedBy.LOCAL_RESET) this.openWaitingLater();
      else this.openWaiting();
    }
    if (registry.active === 0) {
      this.setActive(false);
      this.closeWhenIdle();
    }
  }

  streamReleased(): void {
    this.registry.held--;
  }

  /** All bytes that were ever written into the output, or queued to be sent. */
  get bytesMade(): number {
    const { output } = this;
    return output.handed + output.position + this.queuedBytes + this.dropped;
  }

  abstract answerWaits(stream: Stream, first: boolean): boolean;

  abstract messageParsed(bytes: number): void;

  abstract deadlinePassed(stream: Stream): void;

  abstract readonly arrivedChunks: number;

  // ---- SchedulerHost

  nextTurn(callback: () => void): void {
    this.link.nextTurn(callback);
  }

  // ---- for the layers above

  /** Closes a connection that ends in order and has nothing left to do. */
  protected abstract closeWhenIdle(): void;

  /** DATA bytes sent so far. */
  protected get dataSent(): number {
    return this.granted - this.sendWindow;
  }

  protected readonly endOfTurn = (): void => {
    this.output.endOfTurn();
    this.scheduler.endOfTurn();
  };

  private readonly resetClosing = (): void => {
    const resetting = this.resetting;
    this.resetting = [];
    for (const stream of resetting) stream.reset(ErrorCode.NO_ERROR);
  };

  private openWaitingLater(): void {
    if (this.opensLater) return;
    this.opensLater = true;
    this.link.nextTurn(() => {
      this.opensLater = false;
      this.openWaiting();
    });
  }

  protected openWaiting(): void {
    const { registry } = this;
    const { peer } = this.settings;
    for (const stream of registry.waiting) {
      if (this.streams.size >= peer.maxConcurrentStreams || this.state.over) return;
      const given = stream.waitingHeaders;
      // Before the stream has an id: a sink that resets it sends nothing.
      const changed =
        given === null ? null : (stream.sink.opening?.("fields" in given ? given.fields : given) ?? null);
      if (stream.closed) continue;
      registry.activate(stream, peer.initialWindowSize);
      stream.leaveIdle(changed);
    }
  }

  protected setActive(active: boolean): void {
    if (active === this.active) return;
    this.active = active;
    this.link.setActive(active);
    this.events.active?.(active);
  }
}
