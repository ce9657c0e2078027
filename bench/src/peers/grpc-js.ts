// SPDX-License-Identifier: Apache-2.0
import * as grpc from "@grpc/grpc-js";
import { type Draft, type Plan, type Received, Tally } from "../messages.js";
import type { Peer, PeerClient, PingPong } from "../peer.js";
import type { Served } from "../served.js";
import { definition } from "./grpc-definition.js";
import { channelOptions, serverOptions } from "./grpc-js-options.js";

/** The writable side of a call, on either end. */
interface Sink {
  write(message: Draft): boolean;
  once(event: "drain", listener: () => void): unknown;
  end(): unknown;
}

/** Writes all messages, waiting for room as the stream asks, and half-closes. */
function pump(sink: Sink, messages: Iterator<Draft, void>): void {
  for (;;) {
    const next = messages.next();
    if (next.done) {
      sink.end();
      return;
    }
    if (!sink.write(next.value)) {
      sink.once("drain", () => pump(sink, messages));
      return;
    }
  }
}

/** The service in callbacks and events, which is how grpc-js is written for. */
function implementation(served: Served): grpc.UntypedServiceImplementation {
  const unary: grpc.handleUnaryCall<Received, Draft> = (call, callback) =>
    callback(null, served.unary(call.request));
  const serverStream: grpc.handleServerStreamingCall<Plan, Draft> = (call) =>
    pump(call, served.answer(call.request));
  const clientStream: grpc.handleClientStreamingCall<Received, Draft> = (call, callback) => {
    const tally = new Tally();
    call.on("data", (message: Received) => tally.add(message));
    call.on("end", () => callback(null, served.close(tally)));
  };
  const bidi: grpc.handleBidiStreamingCall<Received, Draft> = (call) => {
    const tally = new Tally();
    call.on("data", (message: Received) => {
      const room = call.write({ number: tally.add(message), payload: message.payload });
      if (room || call.isPaused()) return;
      call.pause();
      call.once("drain", () => call.resume());
    });
    call.on("end", () => {
      call.write(served.close(tally));
      call.end();
    });
  };
  return { unary, serverStream, clientStream, bidi };
}

/** Settles when the stream has ended: with its status if that is not OK. */
function ended(
  call: grpc.ClientReadableStream<Received> | grpc.ClientDuplexStream<Draft, Received>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    call.on("end", resolve);
    call.on("error", reject);
  });
}

/** Drives a bidi call by hand. */
function pingPong(call: grpc.ClientDuplexStream<Draft, Received>): PingPong {
  let arrived: ((message: Received) => void) | undefined;
  call.on("data", (message: Received) => arrived?.(message));
  const over = ended(call);
  const next = () =>
    new Promise<Received>((resolve, reject) => {
      arrived = resolve;
      call.once("error", reject);
    });
  return {
    exchange(message) {
      return new Promise((resolve) => {
        arrived = resolve;
        call.write(message);
      });
    },
    async end() {
      const last = next();
      call.end();
      const message = await last;
      await over;
      return message;
    },
  };
}

/** The four calls on grpc-js's own client. */
function clientOf(client: grpc.Client): PeerClient {
  const { unary, serverStream, clientStream, bidi } = definition;
  const openBidi = () =>
    client.makeBidiStreamRequest(bidi.path, bidi.requestSerialize, bidi.responseDeserialize);
  return {
    unary: (message) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          unary.path,
          unary.requestSerialize,
          unary.responseDeserialize,
          message,
          (error, value) =>
            // A call without an error has a value: grpc-js reports a missing one as UNIMPLEMENTED.
            error ? reject(error) : resolve(value as Received),
        );
      }),
    serverStream(plan, receive) {
      const { path, requestSerialize, responseDeserialize } = serverStream;
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, plan);
      call.on("data", receive);
      return ended(call);
    },
    clientStream: (messages) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = clientStream;
        const call = client.makeClientStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          (error, value) => (error ? reject(error) : resolve(value as Received)),
        );
        pump(call, messages[Symbol.iterator]());
      }),
    bidi(messages, receive) {
      const call = openBidi();
      call.on("data", receive);
      pump(call, messages[Symbol.iterator]());
      return ended(call);
    },
    pingPong: () => pingPong(openBidi()),
    async close() {
      client.close();
    },
  };
}

/** grpc-js, with callbacks and events. */
export const peer: Peer = {
  async startServer(served) {
    const server = new grpc.Server(serverOptions);
    server.addService(definition, implementation(served));
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return {
      port,
      async close() {
        server.forceShutdown();
      },
    };
  },
  async connect(port) {
    return clientOf(new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), channelOptions));
  },
};
