// SPDX-License-Identifier: Apache-2.0
import { createClient, createTransport, type Interceptor, type ServeOptions, serve } from "@tristream/node";
import { BenchService } from "../../gen/bench_pb.js";
import { handlers, source } from "../handlers.js";
import type { Received } from "../messages.js";
import type { Peer, PingPong } from "../peer.js";

/** Longer than any measurement: what is measured is that there is a deadline, not that it is met. */
const TIMEOUT_MS = 600_000;

/** An interceptor that does nothing, one on each side. */
const passThrough: Interceptor = (next) => (request) => next(request);

/** Keeps the log off stdout, which is for results. */
const logger = { error: console.error, warn: console.error, info() {}, debug() {} };

/** tristream as a user runs it: a deadline on each call, the default limits, an interceptor and a logger. */
export function tristream(format: Pick<ServeOptions, "binaryOptions">): Peer {
  return {
    async startServer(served) {
      const server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger,
        ...format,
        acceptCompression: [],
        interceptors: [passThrough],
        routes: (router) => router.service(BenchService, handlers(served)),
      });
      return {
        port: server.port,
        async close() {
          await server.shutdown({ graceMs: 1000 });
        },
      };
    },
    async connect(port) {
      const transport = createTransport(`tri://127.0.0.1:${port}`, {
        ...format,
        acceptCompression: [],
        interceptors: [passThrough],
      });
      const client = createClient(BenchService, transport, { timeoutMs: TIMEOUT_MS });
      return {
        unary: (message) => client.unary(message),
        async serverStream(plan, receive) {
          for await (const message of client.serverStream(plan)) receive(message);
        },
        clientStream: (messages) => client.clientStream(source(messages)),
        async bidi(messages, receive) {
          for await (const message of client.bidi(source(messages))) receive(message);
        },
        pingPong(): PingPong {
          const chat = client.bidi();
          return {
            async exchange(message) {
              await chat.send(message);
              return received(await chat.receive());
            },
            async end() {
              await chat.closeRequest();
              const last = received(await chat.receive());
              if ((await chat.receive()) !== undefined)
                throw new Error("a message arrived after the summary");
              return last;
            },
          };
        },
        async close() {
          await transport.close();
        },
      };
    },
  };
}

/** Throws when the stream has ended where a message was due. */
function received(message: Received | undefined): Received {
  if (message === undefined) throw new Error("the stream ended too early");
  return message;
}
