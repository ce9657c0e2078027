// SPDX-License-Identifier: Apache-2.0
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createClient, type TransportOptions, type TripleTransport } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { clientPreface, FrameType } from "../../http2/src/frame/frame-type.js";
import {
  describeFrame,
  join,
  type ParsedFrame,
  parseFrames,
  ping,
  settings,
} from "../../http2/tests/frames.js";
import { until } from "./events.js";

/** The fields of a response's HEADERS. */
export const okHead: readonly string[] = [":status", "200", "content-type", "application/grpc+proto"];
/** The fields of its trailers. */
export const okTrailers: readonly string[] = ["grpc-status", "0"];

/**
 * A server that writes frames by hand, and a client of ours. It sends its SETTINGS by itself, and nothing else; it gives no room
 * beyond the first windows. `await using` ends both.
 */
export class FrameServer {
  readonly client: ReturnType<typeof createClient<typeof GreetService>>;
  /** The frames that came, in words, of all connections. */
  readonly lines: string[] = [];
  /** Connections that were accepted. */
  connections = 0;
  private readonly server: Server;
  private readonly transport: TripleTransport;
  private readonly sockets: Socket[] = [];
  private readonly frames: ParsedFrame[] = [];

  private constructor(server: Server, options: TransportOptions) {
    this.server = server;
    server.on("connection", (socket) => this.accept(socket));
    this.transport = createTransport(`tri://127.0.0.1:${(server.address() as AddressInfo).port}`, options);
    this.client = createClient(GreetService, this.transport);
  }

  static async start(options: TransportOptions = {}): Promise<FrameServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FrameServer(server, options);
  }

  /** Sends frames in one piece, on the first connection or another one. */
  write(frames: readonly Uint8Array[], connection = 0): void {
    this.sockets[connection]!.write(join(...frames));
  }

  /** Settles when so many of the frames that came begin with these words. */
  async line(start: string, times = 1): Promise<void> {
    await until(() => this.lines.filter((line) => line.startsWith(start)).length >= times);
  }

  /** Settles when the client has taken all that was written, and what it then sent is here. */
  async taken(): Promise<void> {
    const before = this.lines.filter((line) => line === "PING ACK").length;
    this.write([ping("12345678")]);
    await this.line("PING ACK", before + 1);
  }

  /** The bytes of DATA that came for a stream. */
  bytes(stream: number): Uint8Array {
    return join(
      ...this.frames.filter(({ id, type }) => id === stream && type === FrameType.DATA).map((f) => f.payload),
    );
  }

  /** The frames of a stream in words, without those that only give room. */
  of(stream: number): string[] {
    return this.lines.filter((line) => line.split(" ")[1] === `${stream}` && !line.startsWith("WINDOW"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(socket: Socket): void {
    this.connections++;
    this.sockets.push(socket);
    socket.on("error", () => {});
    socket.write(settings());
    let rest: Uint8Array = new Uint8Array(0);
    socket.on("data", (bytes) => {
      rest = join(rest, bytes);
      if (rest[0] === clientPreface[0]) {
        if (rest.length < clientPreface.length) return;
        rest = rest.slice(clientPreface.length);
      }
      for (const frame of parseFrames(rest, true)) {
        rest = rest.slice(9 + frame.payload.length);
        this.frames.push(frame);
        this.lines.push(describeFrame(frame));
      }
    });
  }
}
