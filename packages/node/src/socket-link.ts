// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";
import { afterTurn, type Clock, nextTurn, systemClock } from "@tristream/core";
import type { ByteLink, ByteReceiver, Peer } from "@tristream/http2";
import { lostError } from "./node-error.js";

/** Time for a socket to close in order once everything was written; then it is destroyed. */
const lingerMs = 1000;

/** A TCP, TLS or unix socket of Node as a link. The socket may still be connecting: it keeps writes until then. */
export class SocketLink implements ByteLink {
  readonly peer: Peer;
  private readonly socket: Socket;
  private readonly clock: Clock;
  private error: Error | undefined;

  constructor(socket: Socket, peer: Peer, clock: Clock) {
    this.socket = socket;
    this.clock = clock;
    this.peer = peer;
    // Until `start`, too, an error must not be thrown.
    socket.on("error", (error) => {
      this.error = lostError(error);
    });
  }

  get pending(): number {
    return this.socket.writableLength;
  }

  /** False as soon as a write fails, though "close" comes in a later turn. */
  get writable(): boolean {
    return !this.socket.destroyed;
  }

  start(receiver: ByteReceiver): void {
    const { socket } = this;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => receiver.receive(bytes));
    socket.on("drain", () => receiver.drained());
    socket.on("end", () => {
      this.end();
      receiver.closed(this.error);
    });
    socket.on("close", () => receiver.closed(this.error));
    if (socket.destroyed) afterTurn(() => receiver.closed(this.error));
  }

  write(bytes: Uint8Array): boolean {
    const { socket } = this;
    socket.write(bytes);
    return socket.writableLength === 0;
  }

  end(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    socket.end();
    // A peer that never closes its side must not keep ours.
    socket.once(
      "close",
      systemClock.after(lingerMs, () => socket.destroy(), { background: true }),
    );
  }

  destroy(): void {
    this.socket.destroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  afterTurn(callback: () => void): void {
    afterTurn(callback);
  }

  nextTurn(callback: () => void, background = false): void {
    nextTurn(callback, background);
  }

  setActive(active: boolean): void {
    // Twice a call in a sequence of calls, and still cheaper than putting it off: an immediate is a turn of the loop more.
    if (active) this.socket.ref();
    else this.socket.unref();
  }

  now(): number {
    return this.clock.now();
  }
}
