// SPDX-License-Identifier: Apache-2.0
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";

/** A peer that accepts TCP connections and behaves as its test says. `await using` closes the peer and its connections. */
export interface ScriptedPeer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** The sockets that it has accepted, in order. */
  readonly sockets: readonly Socket[];
  /** The n-th socket (from 0), once it is there. */
  accepted(n: number): Promise<Socket>;
}

/** Starts one. */
export async function scriptedPeer(
  behave: (socket: Socket) => void,
  where: { readonly host?: string; readonly port?: number } = {},
): Promise<ScriptedPeer> {
  const sockets: Socket[] = [];
  const { host = "127.0.0.1", port = 0 } = where;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    behave(socket);
    server.emit("accepted");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `tri://${host}:${bound}`,
    sockets,
    async accepted(n) {
      while (sockets.length <= n) await new Promise((resolve) => server.once("accepted", resolve));
      return sockets[n]!;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Accepts, and closes at once: a port forward without anything behind it. */
export const closes = (socket: Socket): void => {
  socket.destroy();
};

/** Accepts, reads, and says nothing. */
export const mute = (socket: Socket): void => {
  socket.resume();
};

/** Answers everything by HTTP/1.1. */
export const http1 = (socket: Socket): void => {
  socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
};

/** Joins a socket to what listens on a port: all that comes is passed on, both ways. */
export function passOn(socket: Socket, port: number): void {
  const other = connect(port, "127.0.0.1");
  other.on("error", () => {});
  other.on("close", () => socket.destroy());
  socket.on("close", () => other.destroy());
  socket.pipe(other).pipe(socket);
}

/** A server that answers each kind of call with what it got. */
export function echoServer(options: { host?: string; maxConcurrentStreams?: number } = {}) {
  const { host = "127.0.0.1", maxConcurrentStreams } = options;
  return serve({
    host,
    port: 0,
    logger: { error() {}, warn() {}, info() {}, debug() {} },
    ...(maxConcurrentStreams === undefined ? {} : { http2: { maxConcurrentStreams } }),
    routes: (router) =>
      router.service(GreetService, {
        greet: ({ name }) => ({ greeting: name }),
        async greetClientStream(requests) {
          const names: string[] = [];
          for await (const { name } of requests) names.push(name);
          return { greeting: names.join(",") };
        },
        async *greetServerStream({ name }, { signal }) {
          yield { greeting: name };
          if (name === "endless") await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
        async *greetStream(requests) {
          for await (const { name } of requests) yield { greeting: name };
        },
      }),
  });
}
