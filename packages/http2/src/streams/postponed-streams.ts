// SPDX-License-Identifier: Apache-2.0
import type { ConnectionEvents } from "../connection/connection-events.js";
import type { ConnectionState } from "../connection/state.js";
import type { HeaderList } from "../hpack/header-list.js";
import type { Stream } from "./stream.js";
import type { StreamRegistry } from "./stream-registry.js";
import type { StreamSink } from "./stream-sink.js";

/**
 * Streams that the peer may open, for which there is no place yet: it has reset others whose handlers have not settled. In
 * one write a peer can cancel and call again, and a handler that listens to its signal settles at once, but not while that
 * write is read; so these wait, in order, until the turn is over.
 */
export class PostponedStreams {
  private readonly registry: StreamRegistry;
  private readonly maxConcurrentStreams: number;
  private readonly waiting = new Map<Stream, PostponedStream>();
  private starting = false;

  constructor(registry: StreamRegistry, maxConcurrentStreams: number) {
    this.registry = registry;
    this.maxConcurrentStreams = maxConcurrentStreams;
  }

  /** Streams that wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** Adds a stream whose header list arrived. */
  add(stream: Stream, list: HeaderList, ended: boolean): void {
    this.waiting.set(stream, new PostponedStream(stream, list, ended));
  }

  /** Takes a stream out that has closed, if it is there, and gives back what has come on it. */
  delete(stream: Stream): void {
    const postponed = this.waiting.get(stream);
    if (postponed === undefined) return;
    this.waiting.delete(stream);
    stream.credit(postponed.bytes);
  }

  /** The one that has waited longest; undefined if none does. */
  get first(): PostponedStream | undefined {
    return this.waiting.values().next().value;
  }

  /** Streams that may still be started; negative when the peer has reset some that are still served. */
  get placesLeft(): number {
    return this.maxConcurrentStreams - (this.registry.taken - this.size);
  }

  /** Starts as many as there is room for. One that is answered at once makes room for the next: not within itself. */
  startAll(state: ConnectionState, events: ConnectionEvents): void {
    if (this.starting) return;
    this.starting = true;
    try {
      while (!state.over && this.placesLeft > 0) {
        const next = this.first;
        if (next === undefined) break;
        this.waiting.delete(next.stream);
        next.start((stream, list, ended) => events.stream?.(stream, list, ended));
      }
    } finally {
      this.starting = false;
    }
  }
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
      stream.dataBegins(end - start);
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
