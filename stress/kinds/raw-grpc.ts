// SPDX-License-Identifier: Apache-2.0
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GreetRequestSchema, GreetResponseSchema } from "@tristream/gen/greet/greet_pb.js";

/** A request's message in its envelope; a response's has the same bytes. */
export function envelope(name: string): Buffer {
  const message = toBinary(GreetRequestSchema, create(GreetRequestSchema, { name }));
  const out = Buffer.alloc(5 + message.length);
  out.writeUInt32BE(message.length, 1);
  out.set(message, 5);
  return out;
}

/** Takes messages out of chunks, wherever those are cut. */
export class Envelopes {
  private rest = Buffer.alloc(0);

  /** The messages that a chunk completes. */
  push(chunk: Buffer): string[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const names: string[] = [];
    while (this.rest.length >= 5) {
      const end = 5 + this.rest.readUInt32BE(1);
      if (this.rest.length < end) break;
      names.push(fromBinary(GreetResponseSchema, this.rest.subarray(5, end)).greeting);
      this.rest = this.rest.subarray(end);
    }
    return names;
  }
}

/** A server of Node's own HTTP/2. */
export class RawServer implements AsyncDisposable {
  readonly port: number;
  private readonly server: Http2Server;
  private readonly sessions: Set<ServerHttp2Session>;

  private constructor(server: Http2Server, sessions: Set<ServerHttp2Session>) {
    this.server = server;
    this.sessions = sessions;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Listens, and gives every stream to `serve`. */
  static async start(
    options: Parameters<typeof createServer>[0],
    serve: (stream: ServerHttp2Stream, header: (name: string) => string) => void,
  ): Promise<RawServer> {
    const server = createServer(options ?? {});
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("error", () => {});
      session.on("close", () => sessions.delete(session));
    });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      serve(stream, (name) => String(headers[name] ?? ""));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new RawServer(server, sessions);
  }

  /** Reads a request to its end, and answers it with what `answerOf` makes of its messages. */
  static answer(stream: ServerHttp2Stream, answerOf: (names: readonly string[]) => string): void {
    const envelopes = new Envelopes();
    const names: string[] = [];
    stream.on("data", (chunk: Buffer) => names.push(...envelopes.push(chunk)));
    stream.on("end", () => {
      if (stream.destroyed) return;
      stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(envelope(answerOf(names)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
