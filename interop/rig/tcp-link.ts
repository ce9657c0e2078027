// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";
import type { ByteLink, ByteReceiver } from "@tristream/http2";

/** A socket as a link, for programs that use `@tristream/http2` without the rest: the shortest one that works. */
export class TcpLink implements ByteLink {
  readonly peer = { address: "127.0.0.1", transport: "tcp" } as const;
  private readonly socket: Socket;
  private error: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket.setNoDelay(true);
    socket.on("error", (error) => {
      this.error = error;
    });
  }

  get pending(): number {
    return this.socket.writableLength;
  }

  get writable(): boolean {
    return !this.socket.destroyed;
  }

  start(receiver: ByteReceiver): void {
    const { socket } = this;
    socket.on("data", (bytes: Buffer) => receiver.receive(bytes));
    socket.on("drain", () => receiver.drained());
    socket.on("end", () => this.end());
    socket.on("close", () => receiver.closed(this.error));
  }

  write(bytes: Uint8Array): boolean {
    this.socket.write(bytes);
    return this.socket.writableLength === 0;
  }

  end(): void {
    this.socket.end();
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
    queueMicrotask(() => process.nextTick(callback));
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback);
  }

  setActive(active: boolean): void {
    if (active) this.socket.ref();
    else this.socket.unref();
  }

  now(): number {
    return performance.now();
  }
}
