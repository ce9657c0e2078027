// SPDX-License-Identifier: Apache-2.0

import type { ByteLink } from "../connection/byte-link.js";
import { ErrorCode, errorCodeName, Http2ConnectionError } from "../connection/error-code.js";
import { GracefulShutdown } from "../connection/graceful-shutdown.js";
import { Keepalive } from "../connection/keepalive.js";
import type { Http2Options } from "../connection/options.js";
import { quote } from "../connection/quote.js";
import { Setting } from "../connection/settings.js";
import { RoundTrips } from "../flow/round-trips.js";
import { FrameReader } from "../frame/frame-reader.js";
import { maxUint31 } from "../frame/frame-type.js";
import { HpackDecoder } from "../hpack/decoder.js";
import type { HeaderList } from "../hpack/header-list.js";
import { AnswerTurns, type AnswerTurnsHost } from "../send/answer-turns.js";
import { SendingConnection } from "../send/sending-connection.js";
import { ClosedBy, type ClosedStreams } from "../streams/closed-streams.js";
import { PostponedStreams } from "../streams/postponed-streams.js";
import { headersReceived, idle } from "../streams/state.js";
import { Stream } from "../streams/stream.js";
import type { StreamReset } from "../streams/stream-sink.js";
import { Inbound } from "./inbound.js";
import type { InboundHost } from "./inbound-headers.js";
import { InputTurns, type InputTurnsHost } from "./input-turns.js";

/**
 * A client's deadline passes before the server's, which begins when the request is read: a reset that comes so many milliseconds
 * before it is still one of the deadline. A limit of its own holds for those, so a client gains little by a deadline that is near.
 */
const resetsBeforeDeadlineMs = 1000;

/**
 * The receiving part of a connection: `Inbound` interprets the peer's frames, and this layer applies them. The middle one of the three
 * layers of a `Connection`.
 */
export abstract class ReceivingConnection
  extends SendingConnection
  implements InboundHost, InputTurnsHost, AnswerTurnsHost
{
  readonly decoder: HpackDecoder;
  readonly reader: FrameReader;
  protected readonly input: InputTurns;
  protected readonly answers: AnswerTurns;
  protected readonly inbound: Inbound;
  protected readonly graceful: GracefulShutdown;
  protected readonly keepalive: Keepalive;
  protected readonly roundTrips: RoundTrips;
  private readonly postponed = new PostponedStreams();
  private startingPostponed = false;
  /** The peer's SETTINGS gave all streams more window, and those that wait have not used it yet. */
  private windowsGrew = false;

  constructor(role: "client" | "server", link: ByteLink, options?: Http2Options) {
    super(role, link, options);
    this.decoder = new HpackDecoder({
      maxListSize: this.options.maxHeaderListSize,
      maxFields: this.options.maxHeaderFields,
    });
    this.inbound = new Inbound(this);
    this.reader = new FrameReader(this.inbound, this.isServer);
    this.input = new InputTurns(this, this.options);
    this.answers = new AnswerTurns(this, this.options.maxBytesPerTurn);
    this.graceful = new GracefulShutdown(this.state, this.writer);
    this.keepalive = new Keepalive(this.options, this.isServer);
    this.roundTrips = new RoundTrips(this.writer);
  }

  /** Ends in order. */
  abstract shutdown(): void;

  /** Ends at once, by what the peer did, or by a fault of our own. */
  protected abstract broken(error: unknown): void;

  isIdle(id: number): boolean {
    return this.registry.isIdle(id);
  }

  closedBy(id: number): number {
    return this.graceful.discards(id) ? ClosedBy.LOCAL_RESET : this.past.cause(id);
  }

  get past(): ClosedStreams {
    return this.registry.past;
  }

  get arrivedChunks(): number {
    return this.input.arrived;
  }

  get outputWaits(): boolean {
    return this.output.paused || this.answers.waiting;
  }

  answerWaits(stream: Stream, first: boolean): boolean {
    return this.isServer && this.answers.postpone(stream, first);
  }

  messageParsed(bytes: number): void {
    this.input.parsed(bytes);
  }

  answersWait(): void {
    this.input.answersWait();
  }

  answersGiven(): void {
    this.input.goOn();
  }

  answerFailed(error: unknown): void {
    this.broken(error);
  }

  readOn(): void {
    try {
      this.input.readKept();
    } catch (error) {
      this.broken(error);
    }
  }

  streamArrived(): void {
    this.input.streamOpened();
  }

  openedByPeer(id: number, list: HeaderList, end: boolean): void {
    this.registry.lastPeerId = id;
    if (this.graceful.discards(id)) {
      this.discarded(id);
      return;
    }
    if (this.streams.size >= this.options.maxConcurrentStreams) {
      this.refuse(id, ErrorCode.REFUSED_STREAM);
      return;
    }
    if (end && list.contentLength > 0) {
      this.refuse(id, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    const stream = new Stream(this, id, headersReceived(idle), this.settings.peer.initialWindowSize);
    stream.contentLength = list.contentLength;
    this.registry.add(stream);
    this.setActive(true);
    if (end) stream.endRemote();
    if (this.placesLeft >= 0) this.events.stream?.(stream, list, end);
    else {
      this.postponed.add(stream, list, end);
      if (this.postponed.size === 1) this.link.nextTurn(this.refusePostponed);
    }
    if (this.registry.idsRunOut) this.shutdown();
  }

  override streamClosed(stream: Stream, cause: number, peerEnded: boolean): void {
    super.streamClosed(stream, cause, peerEnded);
    if (this.postponed.size === 0) return;
    this.postponed.delete(stream);
    this.startPostponed();
  }

  override streamReleased(): void {
    super.streamReleased();
    if (this.postponed.size > 0) this.startPostponed();
  }

  receivedData(length: number): void {
    if (!this.flow.received(length)) {
      throw new Http2ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        "the peer sent more than the connection's window (RFC 9113 §6.9.1)",
      );
    }
    this.creditReleased();
  }

  releasedData(length: number): void {
    this.flow.released(length);
    this.creditReleased();
  }

  applySetting(id: number, value: number): void {
    if (id === Setting.INITIAL_WINDOW_SIZE) this.changeInitialWindow(value);
    this.settings.apply(id, value);
    if (id === Setting.HEADER_TABLE_SIZE) this.writer.encoder.setPeerTableSize(value);
    else if (id === Setting.MAX_FRAME_SIZE) this.peerMaxFrameSize = value;
  }

  settingsApplied(first: boolean): void {
    this.settings.applied();
    this.writer.settingsAcknowledgement();
    this.openWaiting();
    if (this.windowsGrew) this.pumpBlocked();
    if (first) this.events.ready?.();
  }

  settingsAcknowledged(): void {
    this.settings.acknowledge();
  }

  pingReceived(b: Uint8Array, start: number): void {
    this.limits.ping(this.writer.headerBlocks + this.dataSent, this.endsSent);
    this.writer.ping(b, start, true);
  }

  pingAcknowledged(b: Uint8Array, start: number): void {
    if (this.roundTrips.acknowledged(b, start)) return;
    if (this.graceful.acknowledged(b, start, this.registry.lastPeerId)) this.closeWhenIdle();
    else if (!this.keepalive.acknowledged(b, start)) this.limits.uselessFrame();
  }

  goAwayReceived(last: number, code: number, debug: string): void {
    if (!this.isServer && last !== 0 && (last & 1) === 0) {
      throw new Http2ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        `GOAWAY names stream ${last}, which no client opens (RFC 9113 §6.8)`,
      );
    }
    this.graceful.received(last);
    const text = debug === "" ? "" : ` ${quote(debug, 256)}`;
    const why = code === ErrorCode.NO_ERROR ? text : ` with ${errorCodeName(code)}${text}`;
    const said = `the peer sent GOAWAY${why}`;
    this.state.goAwayText = said;
    this.state.failure ??= code === ErrorCode.NO_ERROR ? undefined : new Http2ConnectionError(code, said);
    const reset: StreamReset = {
      code: ErrorCode.REFUSED_STREAM,
      reason: "refused",
      source: "connection",
      disposition: "unprocessed",
      message: `${said} before it took the request`,
    };
    this.events.goAway?.(code, last, debug, said);
    if (!this.isServer) {
      for (const stream of [...this.registry.waiting])
        stream.fail({ ...reset, disposition: "not-sent" }, ClosedBy.LOCAL_RESET);
      for (const stream of this.streams.values())
        if (stream.id > last) stream.fail(reset, ClosedBy.LOCAL_RESET);
    }
    this.closeWhenIdle();
  }

  windowUpdated(): void {
    this.limits.windowUpdate(this.dataSent, this.output.dataFrames - this.output.cutFrames);
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

  resetReceived(stream: Stream, reset: StreamReset): void {
    // The peer can't have seen an answer that began when its reset had arrived.
    const rapid = this.isServer && (!stream.answered || stream.answeredAt >= this.input.reading);
    const { queuedBytes } = stream;
    stream.fail(reset, ClosedBy.PEER_RESET);
    if (rapid) this.countReset(stream.dueAt, queuedBytes);
  }

  lateReset(id: number): void {
    const { past } = this;
    const explained = past.explainsReset();
    const rapid = this.isServer && past.answeredAfter(id, this.input.reading);
    if (rapid) this.countReset(past.dueAt(id), 0);
    else if (!explained) this.limits.lateReset(this.output.dataFrames);
  }

  /** Counts a rapid reset of a stream whose deadline passes at `dueAt`, 0 for never, with `unsent` bytes of its answer. */
  private countReset(dueAt: number, unsent: number): void {
    const nearDeadline = dueAt !== 0 && this.now() >= dueAt - resetsBeforeDeadlineMs;
    if (nearDeadline) this.limits.deadlinePassed();
    else this.limits.resetReceived(unsent);
  }

  refuse(id: number, code: number): void {
    this.writer.reset(id, code);
    this.registry.rejected(id, ClosedBy.LOCAL_RESET);
    if (this.isServer) this.limits.resetProvoked();
  }

  refuseRequest(id: number, list: HeaderList, end: boolean): void {
    this.registry.lastPeerId = id;
    if (this.graceful.discards(id)) {
      this.discarded(id);
      return;
    }
    if (list.malformed === null && list.kind !== 0 && list.tooLarge) {
      this.writer.headers(id, [":status", "431"], true, this.settings.peer.maxFrameSize);
      if (end) this.registry.rejected(id, ClosedBy.ENDED);
      else this.refuse(id, ErrorCode.NO_ERROR);
    } else {
      this.refuse(id, ErrorCode.PROTOCOL_ERROR);
    }
  }

  /** A stream that the peer opened after our last GOAWAY. */
  private discarded(id: number): void {
    this.registry.rejected(id, ClosedBy.LOCAL_RESET);
    this.limits.uselessFrame();
  }

  /** Streams that may still be started; negative when the peer has reset some that are still served. */
  private get placesLeft(): number {
    return this.options.maxConcurrentStreams - (this.registry.taken - this.postponed.size);
  }

  /** Starts as many as there is room for. One that is answered at once makes room for the next: not within itself. */
  private startPostponed(): void {
    if (this.startingPostponed) return;
    this.startingPostponed = true;
    try {
      while (!this.state.over && this.placesLeft > 0) {
        const next = this.postponed.take();
        if (next === undefined) break;
        next.start((stream, list, ended) => this.events.stream?.(stream, list, ended));
      }
    } catch (error) {
      // The stream that made room is not at fault, and could not handle the error.
      this.broken(error);
    } finally {
      this.startingPostponed = false;
    }
  }

  private readonly refusePostponed = (): void => {
    try {
      for (let next = this.postponed.first; next !== undefined; next = this.postponed.first) {
        next.stream.reset(ErrorCode.REFUSED_STREAM);
        this.limits.resetProvoked();
      }
    } catch (error) {
      this.broken(error);
    }
  };

  private changeInitialWindow(value: number): void {
    const delta = value - this.settings.peer.initialWindowSize;
    if (delta === 0) return;
    this.windowsGrew = delta > 0;
    this.streams.each((stream) => {
      stream.sendWindow += delta;
      if (stream.sendWindow > maxUint31) {
        throw new Http2ConnectionError(
          ErrorCode.FLOW_CONTROL_ERROR,
          `window of stream ${stream.id} above 2^31-1 (RFC 9113 §6.9.2)`,
        );
      }
    });
  }

  private pumpBlocked(): void {
    this.windowsGrew = false;
    for (const stream of this.streams.filter(waitsToSend)) this.scheduler.pump(stream);
    this.scheduler.pumpAll();
  }
}

function waitsToSend(stream: Stream): boolean {
  return stream.queue !== null;
}
