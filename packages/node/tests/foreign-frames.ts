// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A frame that a client sent. */
export interface SentFrame {
  readonly type: string;
  readonly stream: number;
  readonly endStream: boolean;
  readonly payload: Buffer;
}

/** A port that passes everything on, and keeps the frames of the client. */
export interface Tap extends AsyncDisposable {
  readonly port: number;
  readonly frames: readonly SentFrame[];
  /** Connections that follow go to another port. */
  leadTo(port: number): void;
}

// RFC 9113 §6, in the order of their numbers.
const types = "DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE".split(" ");
const prefaceLength = 24;
const frameHeaderLength = 9;

/** Opens a port that leads to another one of this machine. One connection at a time. */
export async function tapFrames(port: number): Promise<Tap> {
  let target = port;
  const frames: SentFrame[] = [];
  const sockets = new Set<Socket>();
  const tap = createServer((client) => {
    const server = connect({ host: "127.0.0.1", port: target });
    let bytes: Buffer = Buffer.alloc(0);
    let skip = prefaceLength;
    client.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= skip) {
        bytes = readFrames(bytes.subarray(skip), frames);
        skip = 0;
      }
      // Only now: what the server sees is on the record.
      server.write(chunk);
    });
    server.on("data", (chunk) => client.write(chunk));
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
  });
  await once(tap.listen(0, "127.0.0.1"), "listening");
  return {
    port: (tap.address() as AddressInfo).port,
    frames,
    leadTo(other) {
      target = other;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => tap.close(resolve));
    },
  };
}

/** Takes the complete frames; returns the bytes that are left. */
function readFrames(bytes: Buffer, frames: SentFrame[]): Buffer {
  let at = 0;
  while (bytes.length - at >= frameHeaderLength) {
    const length = bytes.readUIntBE(at, 3);
    if (bytes.length - at < frameHeaderLength + length) break;
    const type = types[bytes.readUInt8(at + 3)] ?? "unknown";
    const flags = bytes.readUInt8(at + 4);
    frames.push({
      type,
      stream: bytes.readUInt32BE(at + 5),
      endStream: (type === "DATA" || type === "HEADERS") && (flags & 1) === 1,
      payload: bytes.subarray(at + frameHeaderLength, at + frameHeaderLength + length),
    });
    at += frameHeaderLength + length;
  }
  return bytes.subarray(at);
}
