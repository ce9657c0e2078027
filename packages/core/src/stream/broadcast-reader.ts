// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { onAbort } from "./abort.js";
import { type Reading, StreamIterator, type StreamReader } from "./stream-iterator.js";
import { ValueQueue } from "./value-queue.js";

/** What a broadcast does when a value comes for a reader for which `capacity` values wait. */
export type WhenSlow = "wait" | "drop-oldest" | "drop-newest" | "end";

/** A reader of a broadcast; leaving it frees its place. */
export interface BroadcastReader<T> extends StreamReader<T> {
  /** The values that this reader has lost by `"drop-oldest"` or `"drop-newest"`. */
  readonly dropped: number;
  /** The values that wait for this reader. */
  readonly size: number;
}

/** The broadcast, as its places see it. */
export interface Places<T> {
  /** The place begins or stops to hold up the source. */
  setBlocking(blocking: boolean): void;
  /** The place gets no more values. */
  free(place: ReaderPlace<T>): void;
}

/** A reader's place in a broadcast: the values that wait for the reader, their bound, and the policy at the bound. */
export class ReaderPlace<T> implements Reading<T> {
  dropped = 0;
  private readonly places: Places<T>;
  private readonly capacity: number;
  private readonly whenSlow: WhenSlow;
  private readonly queue = new ValueQueue<T>(() => {
    this.setBlocking(false);
    this.forgetSignalIfOver();
  });
  private blocking = false;
  private forgetSignal: () => void = () => {};

  constructor(places: Places<T>, capacity: number, whenSlow: WhenSlow) {
    this.places = places;
    this.capacity = capacity;
    this.whenSlow = whenSlow;
  }

  get size(): number {
    return this.queue.size;
  }

  /** Ends the place when the signal fires, at once if it has fired already. */
  endOn(signal: AbortSignal | undefined): void {
    this.forgetSignal = onAbort(signal, (error) => this.drop(error));
    if (this.queue.over) this.forgetSignal();
  }

  /** Gives the reader a value, or does what the policy says. A reader with the policy "wait" has room: the source waited for it. */
  give(value: T): void {
    if (this.queue.size >= this.capacity) {
      if (this.whenSlow === "end") {
        this.end(this.tooSlow());
        this.places.free(this);
        return;
      }
      this.dropped++;
      if (this.whenSlow === "drop-newest") return;
      this.queue.dropOldest();
    }
    this.queue.push(value);
    if (this.whenSlow === "wait" && this.queue.size >= this.capacity) this.setBlocking(true);
  }

  /** Ends the place behind the values that wait. */
  end(error: unknown): void {
    this.queue.end(error);
    this.forgetSignalIfOver();
    this.setBlocking(false);
  }

  /** Ends the place and drops the values that wait. */
  drop(error: unknown): void {
    this.queue.discard(error);
    this.forgetSignal();
    this.places.free(this);
    this.setBlocking(false);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.queue.next();
  }

  async leave(): Promise<void> {
    this.drop(undefined);
  }

  /** Behind the end of the broadcast, the signal still drops the values that wait. */
  private forgetSignalIfOver(): void {
    if (this.queue.over) this.forgetSignal();
  }

  private setBlocking(blocking: boolean): void {
    if (this.blocking === blocking) return;
    this.blocking = blocking;
    this.places.setBlocking(blocking);
  }

  private tooSlow(): ConnectError {
    return new ConnectError(
      `the reader was too slow: ${this.capacity} values waited, as many as its capacity: read faster, raise capacity, or choose another whenSlow`,
      Code.ResourceExhausted,
    );
  }
}

/** The iterator of a place. */
export class PlaceIterator<T> extends StreamIterator<T> implements BroadcastReader<T> {
  private readonly place: ReaderPlace<T>;

  constructor(place: ReaderPlace<T>) {
    super(place);
    this.place = place;
  }

  get dropped(): number {
    return this.place.dropped;
  }

  get size(): number {
    return this.place.size;
  }
}
