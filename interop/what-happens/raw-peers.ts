// SPDX-License-Identifier: Apache-2.0
// Peers that do what no library does, on Node's HTTP/2.
import { once } from "node:events";
import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { GreetRequestSchema, GreetResponseSchema } from "@tristream/gen/greet/greet_pb.js";

/** A server that answers every request as the situation says. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts one. */
export async function rawServer(answer: (stream: ServerHttp2Stream) => void): Promise<RawServer> {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    answer(stream);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The head of an answer that is right so far. */
export const goodHead = { ":status": 200, "content-type": "application/grpc+proto" };

/** A message that is right, in its envelope. */
export const goodMessage: Buffer = envelope(
  toBinary(GreetResponseSchema, create(GreetResponseSchema, { greeting: "hello" })),
);

/** How a raw call ended, and the status that it got. */
export interface RawOutcome {
  readonly status: string | undefined;
}

/**
 * Calls a method with a `grpc-timeout`, and never cancels. `closed` settles when the server has ended the stream;
 * `leave` ends the connection.
 */
export function callAndWait(
  port: number,
  method: string,
  timeout: string,
): { readonly closed: Promise<RawOutcome>; leave(): void } {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": `/greet.GreetService/${method}`,
    "content-type": "application/grpc+proto",
    te: "trailers",
    "grpc-timeout": timeout,
  });
  let status: string | undefined;
  const seen = (fields: Record<string, unknown>): void => {
    const value = fields["grpc-status"];
    if (typeof value === "string") status = value;
  };
  stream.on("response", seen);
  stream.on("trailers", seen);
  stream.on("error", () => {});
  stream.resume();
  stream.end(envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "a" }))));
  const closed = new Promise<RawOutcome>((resolve) => {
    stream.on("close", () => resolve({ status }));
  });
  return { closed, leave: () => session.destroy() };
}

function envelope(message: Uint8Array): Buffer {
  const out = Buffer.alloc(5 + message.length);
  out.writeUInt32BE(message.length, 1);
  out.set(message, 5);
  return out;
}
