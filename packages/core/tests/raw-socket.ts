// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from "node:net";
import { clientPreface } from "../../http2/src/frame/frame-type.js";
import { data, describeFrame, headers, parseFrames, rst, settings } from "../../http2/tests/frames.js";

/**
 * A client that writes frames by hand: it resets and stops as no HTTP/2 library lets one do. (Node's `stream.close()` sends
 * END_STREAM before the reset.) It gives no room beyond the first windows, and acknowledges nothing.
 */
export class RawSocket {
  readonly socket: Socket;
  /** The server's output, in words. */
  readonly lines: string[] = [];
  private rest = Buffer.alloc(0);
  private waiting: (() => void)[] = [];
  private over = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      let pending = Buffer.concat([this.rest, bytes]);
      for (const frame of parseFrames(pending, true)) {
        this.lines.push(describeFrame(frame));
        pending = pending.subarray(9 + frame.payload.length);
      }
      this.rest = pending;
      this.wake();
    });
    socket.on("close", () => {
      this.over = true;
      this.wake();
    });
  }

  /** Connects, and says what a client has to say first. */
  static async open(port: number): Promise<RawSocket> {
    const socket = connect({ host: "127.0.0.1", port });
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    socket.write(clientPreface);
    socket.write(settings());
    return new RawSocket(socket);
  }

  /** Sends the headers of a call. */
  call(stream: number, path: string, more: readonly string[] = [], end = false): void {
    const fields = [":method", "POST", ":scheme", "http", ":path", path, ":authority", "test"];
    fields.push("content-type", "application/grpc+proto", "te", "trailers", ...more);
    this.socket.write(headers(stream, fields, { end }));
  }

  /** Sends DATA. */
  data(stream: number, bytes: Uint8Array, end = false): void {
    this.socket.write(data(stream, bytes, { end }));
  }

  /** Sends RST_STREAM. */
  reset(stream: number, code: number): void {
    this.socket.write(rst(stream, code));
  }

  /** Sends anything. */
  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The first line that begins so; rejects when the connection ends without it. */
  async line(start: string): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => line.startsWith(start));
      if (found !== undefined) return found;
      if (this.over) throw new Error(`no "${start}": ${this.lines.join(", ")}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** The server has ended the connection. */
  async closed(): Promise<void> {
    while (!this.over) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
