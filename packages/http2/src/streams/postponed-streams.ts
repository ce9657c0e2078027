// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../connection/error-code.js";
import type { HeaderList } from "../hpack/header-list.js";
import type { Stream } from "./stream.js";
import type { StreamSink } from "./stream-sink.js";
import type { Streams } from "./streams.js";

/**
 * The peer's new streams that wait for a place. Reset streams whose handlers still run take up the limit. In one write a peer can cancel
 * and call again, and a handler that listens to its signal settles at once, but not while that write is read. New streams therefore
 * wait, in order, until the turn is over.
 */
export class PostponedStreams {
  private readonly streams: Streams;
  private readonly fail: (error: unknown) => void;
  private readonly waiting = new Map<Stream, PostponedStream>();
  private starting = false;

  /** `fail` takes the errors of streams that are started or refused later than they arrived. */
  constructor(streams: Streams, fail: (error: unknown) => void) {
    this.streams = streams;
    this.fail = fail;
  }

  /** Streams that wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** Adds a stream whose header list arrived. */
  add(stream: Stream, list: HeaderList, ended: boolean): void {
    this.waiting.set(stream, new PostponedStream(stream, list, ended));
    if (this.size === 1) this.streams.link.nextTurn(this.refuseAll);
  }

  /** A stream has closed: one that waited is taken out, and gives back what has come on it. Others may start in its place. */
  closed(stream: Stream): void {
    const postponed = this.waiting.get(stream);
    if (postponed !== undefined) {
      this.waiting.delete(stream);
      stream.credit(postponed.bytes);
    }
    this.start();
  }

  /** Streams that may still be started; negative when the peer has reset some that are still served. */
  get placesLeft(): number {
    const { options, registry } = this.streams;
    return options.maxConcurrentStreams - (registry.taken - this.size);
  }

  /** Starts as many as there is room for. One that is answered at once makes room for the next: not within itself. */
  start(): void {
    if (this.starting) return;
    this.starting = true;
    try {
      while (!this.streams.state.over && this.placesLeft > 0) {
        const next = this.first;
        if (next === undefined) break;
        this.waiting.delete(next.stream);
        next.start((stream, list, ended) => this.streams.events.stream?.(stream, list, ended));
      }
    } catch (error) {
      // The stream that made room is not at fault, and could not handle the error.
      this.fail(error);
    } finally {
      this.starting = false;
    }
  }

  /** The one that has waited longest; undefined if none does. */
  private get first(): PostponedStream | undefined {
    return this.waiting.values().next().value;
  }

  private readonly refuseAll = (): void => {
    try {
      for (let next = this.first; next !== undefined; next = this.first) {
        next.stream.reset(ErrorCode.REFUSED_STREAM);
        this.streams.limits.resetProvoked();
      }
    } catch (error) {
      this.fail(error);
    }
  };
}

/** One of them, and what has arrived on it meanwhile: at most the stream's window. */
class PostponedStream implements StreamSink {
  readonly stream: Stream;
  private readonly list: HeaderList;
  /** The header list was all of the request. */
  private readonly ended: boolean;
  /** Bytes of the body that wait. */
  bytes = 0;
  private readonly pieces: [b: Uint8Array, start: number, end: number][] = [];
  /** How the request ended, if it has; null for an end without trailers. */
  private trailersArrived: HeaderList | null | undefined;

  constructor(stream: Stream, list: HeaderList, ended: boolean) {
    this.stream = stream;
    this.list = list;
    this.ended = ended;
    stream.sink = this;
  }

  /** Starts the stream by `open`, and then delivers the input that has arrived meanwhile. */
  start(open: (stream: Stream, list: HeaderList, ended: boolean) => void): void {
    const { stream, trailersArrived } = this;
    stream.rewind(this.bytes, trailersArrived !== undefined);
    open(stream, this.list, this.ended);
    for (const [b, start, end] of this.pieces) {
      stream.receiveWindow.frameBegins(end - start);
      stream.dataPiece(b, start, end);
    }
    if (trailersArrived === null) stream.dataDone(true);
    else if (trailersArrived !== undefined && !stream.closed) stream.endWithTrailers(trailersArrived);
  }

  data(b: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    this.pieces.push([b, start, end]);
  }

  trailers(list: HeaderList): void {
    this.trailersArrived = list;
  }

  end(): void {
    this.trailersArrived = null;
  }

  // A server's stream calls these only after its answer, or at its end.

  headers(): void {}

  writable(): void {}

  reset(): void {}
}
