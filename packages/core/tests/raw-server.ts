// SPDX-License-Identifier: Apache-2.0
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Clock, createClient, systemClock, type TripleTransport } from "@tristream/core";
import { GreetResponseSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { envelope } from "./raw-client.js";

/** A raw server's answer to a request. */
export type RawAnswer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A client of ours, and a server of Node's own that answers as a test says. `await using` ends both. */
export interface RawServer extends AsyncDisposable {
  /** Where it listens: `host:port`. */
  readonly address: string;
  readonly client: ReturnType<typeof createClient<typeof GreetService>>;
  readonly transport: TripleTransport;
  /** The connections that there were, in order. */
  readonly sessions: readonly ServerHttp2Session[];
}

/** The head of an answer that is right so far. */
export const goodHead = { ":status": 200, "content-type": "application/grpc+proto" };

/** A response message in its envelope. */
export const goodMessage: Uint8Array = envelope(
  toBinary(GreetResponseSchema, create(GreetResponseSchema, { greeting: "a" })),
);

/** Ends an answer with a status. */
export function finish(stream: ServerHttp2Stream, status: Record<string, string>): void {
  stream.on("wantTrailers", () => stream.sendTrailers(status));
  stream.end();
}

/** Answers `Greet` as a server does that works. */
export const goodAnswer: RawAnswer = (stream) => {
  stream.respond(goodHead, { waitForTrailers: true });
  stream.write(goodMessage);
  finish(stream, { "grpc-status": "0" });
};

/** Starts one. `clock`: what the client's times are measured by. */
export async function startRawServer(answer: RawAnswer, clock: Clock = systemClock): Promise<RawServer> {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    answer(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createTransport(`tri://${address}`, { clock });
  return {
    address,
    client: createClient(GreetService, transport),
    transport,
    sessions,
    async [Symbol.asyncDispose]() {
      await transport.close();
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
