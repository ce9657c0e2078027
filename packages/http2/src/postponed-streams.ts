// SPDX-License-Identifier: Apache-2.0
import type { HeaderList } from "./hpack/header-list.js";
import type { Stream } from "./stream.js";
import type { StreamSink } from "./stream-sink.js";

/**
 * Streams that the peer may open, for which there is no place yet: it has reset others whose handlers have not settled. In
 * one write a peer can cancel and call again, and a handler that listens to its signal settles at once, but not while that
 * write is read; so these wait, in order, until the turn is over.
 */
export class PostponedStreams {
  private readonly waiting = new Map<Stream, PostponedStream>();

  get size(): number {
    return this.waiting.size;
  }

  /** Adds a stream whose header list arrived. */
  add(stream: Stream, list: HeaderList, ended: boolean): void {
    this.waiting.set(stream, new PostponedStream(stream, list, ended));
  }

  /** Takes a stream out, if it is there. */
  delete(stream: Stream): void {
    this.waiting.delete(stream);
  }

  /** Takes out the one that has waited longest; null if none does. */
  take(): PostponedStream | null {
    for (const first of this.waiting.values()) {
      this.waiting.delete(first.stream);
      return first;
    }
    return null;
  }
}

/** One of them, and what has arrived on it meanwhile: at most the stream's window. */
class PostponedStream implements StreamSink {
  readonly stream: Stream;
  readonly list: HeaderList;
  /** The header list was all of the request. */
  readonly ended: boolean;
  private readonly arrived: ((sink: StreamSink) => void)[] = [];

  constructor(stream: Stream, list: HeaderList, ended: boolean) {
    this.stream = stream;
    this.list = list;
    this.ended = ended;
    stream.sink = this;
  }

  /** Tells the stream's own sink what has arrived. */
  replay(): void {
    const { stream } = this;
    for (const tell of this.arrived) if (!stream.closed) tell(stream.sink);
  }

  data(b: Uint8Array, start: number, end: number): void {
    this.arrived.push((sink) => {
      if (this.stream.abandoned) this.stream.credit(end - start);
      else sink.data(b, start, end);
    });
  }

  trailers(list: HeaderList): void {
    this.arrived.push((sink) => sink.trailers(list));
  }

  end(): void {
    this.arrived.push((sink) => sink.end());
  }

  // What a server's stream hears only when it was answered, or when it is over.

  headers(): void {}

  writable(): void {}

  reset(): void {}
}
