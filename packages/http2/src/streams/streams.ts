// SPDX-License-Identifier: Apache-2.0
import type { ByteLink } from "../connection/byte-link.js";
import type { ConnectionEvents } from "../connection/connection-events.js";
import { ErrorCode } from "../connection/error-code.js";
import type { GracefulShutdown } from "../connection/graceful-shutdown.js";
import type { Keepalive } from "../connection/keepalive.js";
import type { ResolvedHttp2Options } from "../connection/options.js";
import type { PeerSettings } from "../connection/settings.js";
import type { ConnectionState } from "../connection/state.js";
import { LargeMessages } from "../flow/large-messages.js";
import type { ReceiveFlow } from "../flow/receive-flow.js";
import { SendWindow } from "../flow/send-window.js";
import type { Limits } from "../guards/limits.js";
import type { OutgoingHeaders } from "../hpack/header-block.js";
import type { InputTurns } from "../receive/input-turns.js";
import { AnswerTurns } from "../send/answer-turns.js";
import type { Output } from "../send/output.js";
import { SendBudget } from "../send/send-budget.js";
import type { Writer } from "../send/writer.js";
import { ClosedBy } from "./closed-streams.js";
import { PostponedStreams } from "./postponed-streams.js";
import type { ReceiveWindow } from "./receive-window.js";
import { resetReason } from "./reset-codes.js";
import { Scheduler } from "./scheduler.js";
import { idle } from "./state.js";
import { Stream } from "./stream.js";
import { StreamRegistry } from "./stream-registry.js";
import type { StreamReset, StreamSink } from "./stream-sink.js";

/** The parts of a connection that it passes to its streams. */
export type GivenParts = Pick<
  Streams,
  | "isServer"
  | "options"
  | "link"
  | "state"
  | "peerSettings"
  | "limits"
  | "output"
  | "writer"
  | "receiveFlow"
  | "input"
  | "keepalive"
  | "graceful"
>;

/**
 * The streams of a connection: opens them, accepts the peer's, and takes leave of them. Each stream refers to this object, which has the
 * parts of the connection that all streams share as fields of its own: a message passes through several of them.
 */
export class Streams {
  readonly isServer: boolean;
  readonly options: ResolvedHttp2Options;
  readonly link: ByteLink;
  readonly state: ConnectionState;
  readonly peerSettings: PeerSettings;
  readonly limits: Limits;
  readonly output: Output;
  readonly writer: Writer;
  readonly receiveFlow: ReceiveFlow;
  readonly input: InputTurns;
  readonly keepalive: Keepalive;
  readonly graceful: GracefulShutdown;
  /** The connection's window for what is sent. */
  readonly sendWindow: SendWindow = new SendWindow();
  /** The bytes that wait to be sent. */
  readonly budget: SendBudget;
  /** Server: the turns of answers. */
  readonly answers: AnswerTurns;
  /** The streams by what became of them. */
  readonly registry: StreamRegistry;
  /** The order in which queued bytes leave. */
  readonly scheduler: Scheduler;
  /** The peer's streams for which there is no place yet. */
  readonly postponed: PostponedStreams;
  /** The messages under way that were let in beyond their windows. */
  readonly largeMessages: LargeMessages<ReceiveWindow> = new LargeMessages();
  /** Streams that this side has ended so far. */
  endsSent = 0;
  /** The owner's calls; set when the connection starts. */
  events: ConnectionEvents = {};
  private readonly fail: (error: unknown) => void;
  private readonly lastClosed: () => void;
  private resetting: Stream[] = [];
  private opensLater = false;
  private active = false;

  /** `fail` ends the connection by an error outside of the reading of input; `lastClosed` is called when no stream is left. */
  constructor(parts: GivenParts, fail: (error: unknown) => void, lastClosed: () => void) {
    this.isServer = parts.isServer;
    this.options = parts.options;
    this.link = parts.link;
    this.state = parts.state;
    this.peerSettings = parts.peerSettings;
    this.limits = parts.limits;
    this.output = parts.output;
    this.writer = parts.writer;
    this.receiveFlow = parts.receiveFlow;
    this.input = parts.input;
    this.keepalive = parts.keepalive;
    this.graceful = parts.graceful;
    this.fail = fail;
    this.lastClosed = lastClosed;
    const { link, output, options, limits, input } = parts;
    const limited = (message: string): void => this.events.limited?.(message);
    this.budget = new SendBudget(link, output, limits.counters, options.maxQueuedBytes, limited);
    this.answers = new AnswerTurns(link, this.budget, input, options.maxBytesPerTurn, fail);
    this.registry = new StreamRegistry(this.isServer);
    this.scheduler = new Scheduler(link, output, this.budget, this.sendWindow, this.peerSettings);
    this.postponed = new PostponedStreams(this, fail);
  }

  // ---- streams open

  /** Client: opens a stream. Beyond the peer's limit on concurrent streams it waits, in order, for one to close. */
  open(sink: StreamSink, headers: OutgoingHeaders, end: boolean): Stream {
    const { registry, peerSettings } = this;
    const stream = this.make(sink);
    if (registry.open.size >= peerSettings.maxConcurrentStreams || registry.waiting.size > 0)
      registry.waiting.set(stream, headers);
    else registry.activate(stream, peerSettings.initialWindowSize);
    this.setActive(true);
    try {
      stream.sendHeaders(headers, end);
    } catch (error) {
      // Headers that can't be encoded were not sent: the peer never sees the stream, whose id is skipped.
      stream.reset("canceled");
      throw error;
    }
    return stream;
  }

  /** Client: a stream of a connection that opens none any more. Its sink hears `reset` at once. */
  refused(sink: StreamSink): Stream {
    const stream = this.make(sink);
    stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
    return stream;
  }

  /** Opens streams that wait for the peer's limit, as many as it lets in. */
  openWaiting(): void {
    const { registry, peerSettings } = this;
    for (const [stream, given] of registry.waiting) {
      if (registry.open.size >= peerSettings.maxConcurrentStreams || this.state.over) return;
      // Before the stream has an id: a sink that resets it sends nothing.
      const changed = stream.sink.opening?.("fields" in given ? given.fields : given) ?? null;
      if (stream.closed) continue;
      registry.activate(stream, peerSettings.initialWindowSize);
      stream.send.leaveIdle(changed ?? given);
    }
  }

  /** Answers RST_STREAM for an id that has no stream. */
  refuse(id: number, code: number): void {
    this.writer.reset(id, code);
    this.registry.rejected(id, ClosedBy.LOCAL_RESET);
    if (this.isServer) this.limits.resetProvoked();
  }

  // ---- while they are open

  /** The open stream with an id. */
  get(id: number): Stream | undefined {
    return this.registry.open.get(id);
  }

  /** The cause by which `id`, which is not open and not idle, closed: one of {@link ClosedBy}. */
  closedBy(id: number): number {
    return this.graceful.discards(id) ? ClosedBy.LOCAL_RESET : this.registry.past.cause(id);
  }

  /** Resets a stream for an error of the peer, and counts it. */
  streamError(stream: Stream, code: number, message: string): void {
    if (stream.closed) return;
    this.resetWith(stream, code, message);
    if (this.isServer) this.limits.resetProvoked();
  }

  /** Resets a stream with an error code, and tells its sink. */
  resetWith(stream: Stream, code: number, message: string): void {
    this.writer.reset(stream.id, code);
    const reason = resetReason(code);
    stream.fail(
      { code, reason, source: "local", disposition: "maybe-processed", message },
      ClosedBy.LOCAL_RESET,
    );
  }

  /** Resets the stream next turn, unless the peer ends it before. */
  resetNextTurn(stream: Stream): void {
    this.resetting.push(stream);
    if (this.resetting.length === 1) this.link.nextTurn(this.resetClosing);
  }

  /** The deadline of the stream's call has passed. */
  deadlinePassed(stream: Stream): void {
    if (!this.isServer) {
      this.keepalive.deadlinePassed(this.input.received, stream.receivedBefore);
      return;
    }
    try {
      this.limits.deadlinePassed();
    } catch (error) {
      this.fail(error);
    }
  }

  // ---- streams close

  /** A stream is closed. `peerEnded`: the peer had sent END_STREAM. */
  closed(stream: Stream, cause: number, peerEnded: boolean): void {
    const { registry, postponed } = this;
    this.scheduler.remove(stream.send);
    registry.remove(stream, cause, peerEnded);
    if (stream.held) registry.held++;
    if (registry.waiting.size > 0) {
      // Callers often cancel many calls at once, so queued streams open on the next turn.
      if (cause === ClosedBy.LOCAL_RESET) this.openWaitingLater();
      else this.openWaiting();
    }
    if (registry.active === 0) {
      this.setActive(false);
      this.lastClosed();
    }
    if (postponed.size > 0) postponed.closed(stream);
  }

  /** The handler of a closed stream has settled: its place is free. */
  released(): void {
    this.registry.held--;
    if (this.postponed.size > 0) this.postponed.start();
  }

  /** The connection has ended: all streams fail. */
  failAll(): void {
    for (const stream of [...this.registry.waiting.keys()])
      stream.fail(this.connectionReset("not-sent"), ClosedBy.LOCAL_RESET);
    const reset = this.connectionReset("maybe-processed");
    for (const stream of this.registry.open.values()) stream.fail(reset, ClosedBy.LOCAL_RESET);
  }

  /** Client: the peer sent GOAWAY and takes no stream above `last`: those fail. */
  failAbove(last: number, reset: StreamReset): void {
    for (const stream of [...this.registry.waiting.keys()])
      stream.fail({ ...reset, disposition: "not-sent" }, ClosedBy.LOCAL_RESET);
    for (const stream of this.registry.open.values())
      if (stream.id > last) stream.fail(reset, ClosedBy.LOCAL_RESET);
  }

  /** Tells the link and the owner whether streams are open. */
  setActive(active: boolean): void {
    if (active === this.active) return;
    this.active = active;
    this.link.setActive(active);
    this.events.active?.(active);
  }

  private make(sink: StreamSink): Stream {
    const stream = new Stream(this, 0, idle, this.peerSettings.initialWindowSize);
    stream.sink = sink;
    stream.receivedBefore = this.input.received;
    return stream;
  }

  private connectionReset(disposition: StreamReset["disposition"]): StreamReset {
    const message = this.state.failure?.message ?? "the connection is closed";
    return { code: ErrorCode.CANCEL, reason: "canceled", source: "connection", disposition, message };
  }

  private openWaitingLater(): void {
    if (this.opensLater) return;
    this.opensLater = true;
    this.link.nextTurn(() => {
      this.opensLater = false;
      this.openWaiting();
    });
  }

  private readonly resetClosing = (): void => {
    const resetting = this.resetting;
    this.resetting = [];
    for (const stream of resetting) stream.reset(ErrorCode.NO_ERROR);
  };
}
