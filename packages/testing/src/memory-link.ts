// SPDX-License-Identifier: Apache-2.0
import { AsyncResource } from "node:async_hooks";
import { afterTurn, type Clock, nextTurn, systemClock } from "@tristream/core";
import type { ByteLink, ByteReceiver, Peer } from "@tristream/http2";

/** One direction of a pair, for a hook to see and to meddle with. */
export type Direction = "client-to-server" | "server-to-client";

/**
 * Sees every chunk before its delivery. The returned bytes are delivered in its place; null drops the chunk. A promise delays the chunk,
 * and all later ones, until it settles.
 */
export type LinkHook = (
  bytes: Uint8Array,
  direction: Direction,
) => Uint8Array | null | Promise<Uint8Array | null>;

/** Two joined ends of a pipe in one process. */
export interface MemoryPair {
  readonly client: MemoryLink;
  readonly server: MemoryLink;
  /** Cuts the pipe at once: both ends are closed with the error, bytes under way are lost. */
  cut(message?: string): void;
}

/**
 * Makes two joined ends. Bytes arrive in a later turn of the event loop, in order, as through a socket. HTTP/2's times are measured
 * by `clock`.
 */
export function memoryPair(hook?: LinkHook, clock: Clock = systemClock): MemoryPair {
  const client = new MemoryLink(
    { address: "memory:server", transport: "memory" },
    "client-to-server",
    hook,
    clock,
  );
  const server = new MemoryLink(
    { address: "memory:client", transport: "memory" },
    "server-to-client",
    hook,
    clock,
  );
  client.join(server);
  server.join(client);
  return {
    client,
    server,
    cut(message = "the memory link was cut") {
      client.fail(new Error(message));
      server.fail(new Error(message));
    },
  };
}

/** One end of a {@link memoryPair}. */
export class MemoryLink implements ByteLink {
  readonly peer: Peer;
  /** Bytes written that the other end has not taken. */
  pending = 0;
  /** Called once, when this end is closed. */
  onClosed: (() => void) | null = null;
  private readonly context = new AsyncResource("TristreamMemoryLink");
  private readonly clock: Clock;
  private readonly direction: Direction;
  private readonly hook: LinkHook | undefined;
  private other: MemoryLink | null = null;
  private receiver: ByteReceiver | null = null;
  private readonly inbox: (Uint8Array | null)[] = [];
  private delivering = false;
  private paused = false;
  private needsDrain = false;
  private over = false;
  private ended = false;

  constructor(peer: Peer, direction: Direction, hook: LinkHook | undefined, clock: Clock = systemClock) {
    this.peer = peer;
    this.clock = clock;
    this.direction = direction;
    this.hook = hook;
  }

  /** Joins this end to the other one, which receives the bytes that are written here. */
  join(other: MemoryLink): void {
    this.other = other;
  }

  get writable(): boolean {
    return !this.over;
  }

  start(receiver: ByteReceiver): void {
    this.receiver = receiver;
    if (this.inbox.length > 0) this.deliverSoon();
  }

  write(bytes: Uint8Array): boolean {
    if (this.over || this.ended) return true;
    this.pending += bytes.length;
    this.needsDrain = true;
    // A copy: the writer may reuse its buffer once `pending` is 0, which is before the reader lets go of the bytes.
    this.other!.arrive(new Uint8Array(bytes));
    return false;
  }

  end(): void {
    if (this.ended || this.over) return;
    this.ended = true;
    this.other!.arrive(null);
  }

  destroy(): void {
    this.fail(undefined);
    this.other!.fail(undefined);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    if (this.inbox.length > 0) this.deliverSoon();
  }

  afterTurn(callback: () => void): void {
    afterTurn(callback);
  }

  nextTurn(callback: () => void): void {
    nextTurn(callback);
  }

  setActive(): void {}

  now(): number {
    return this.clock.now();
  }

  /** Closes this end. */
  fail(error: Error | undefined): void {
    if (this.over) return;
    this.over = true;
    this.inbox.length = 0;
    this.onClosed?.();
    this.later(() => this.receiver?.closed(error));
  }

  /** Calls back in a later turn, in the context of the pipe, not of the call that writes. */
  private later(callback: () => void): void {
    this.context.runInAsyncScope(nextTurn, undefined, callback);
  }

  private arrive(bytes: Uint8Array | null): void {
    this.inbox.push(bytes);
    this.deliverSoon();
  }

  private deliverSoon(): void {
    if (this.delivering || this.paused || this.receiver === null) return;
    this.delivering = true;
    this.later(() => {
      void this.deliver();
    });
  }

  private async deliver(): Promise<void> {
    while (this.inbox.length > 0 && !this.over && !this.paused) {
      const bytes = this.inbox.shift()!;
      if (bytes === null) {
        this.fail(undefined);
        this.other!.fail(undefined);
        break;
      }
      const hooked = this.hook === undefined ? bytes : this.hook(bytes, this.other!.direction);
      const passed = hooked instanceof Promise ? await hooked : hooked;
      this.other!.taken(bytes.length);
      if (passed !== null && !this.over) this.receiver!.receive(passed);
    }
    this.delivering = false;
    if (this.inbox.length > 0) this.deliverSoon();
  }

  private taken(length: number): void {
    this.pending -= length;
    if (this.pending > 0 || !this.needsDrain || this.over) return;
    this.needsDrain = false;
    this.later(() => {
      if (!this.over && this.pending === 0) this.receiver?.drained();
    });
  }
}
