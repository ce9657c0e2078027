// SPDX-License-Identifier: Apache-2.0
// grpc-js has Node's streams in place of iterables. They are read by `for await`, and written from a generator by
// `pipeline`, which is Node's way to do it, and ends each side when the other has failed.
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as grpc from "@grpc/grpc-js";
import { definition } from "../grpc-definition.js";
import type { CallSettings, Greeting, Handlers, Library, Named } from "../library.js";

export const library: Library = {
  name: "grpc-js",
  async serve(handlers) {
    const server = new grpc.Server();
    server.addService(definition, implementation(handlers));
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return {
      port,
      stop: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
      cut: async () => server.forceShutdown(),
    };
  },
  connect(port) {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    const { greet, greetServerStream, greetClientStream, greetStream } = definition;
    return {
      greet: (request, settings) =>
        answered(settings, (done) =>
          client.makeUnaryRequest(
            greet.path,
            greet.requestSerialize,
            greet.responseDeserialize,
            request,
            settings?.timeoutMs === undefined ? {} : { deadline: Date.now() + settings.timeoutMs },
            done,
          ),
        ),
      greetServerStream(request, settings) {
        const { path, requestSerialize, responseDeserialize } = greetServerStream;
        return watched(
          settings,
          client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request),
        );
      },
      greetClientStream: (requests, settings) =>
        answered(settings, (done, failed) => {
          const { path, requestSerialize, responseDeserialize } = greetClientStream;
          const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, done);
          fill(call, requests, failed);
          return call;
        }),
      greetStream(requests, settings) {
        const { path, requestSerialize, responseDeserialize } = greetStream;
        const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
        fill(call, requests);
        return watched(settings, call);
      },
      close: async () => client.close(),
    };
  },
  failure: (code, text) => Object.assign(new Error(text), { code, details: text }),
  read(error) {
    const { code, details } = error as Partial<grpc.ServiceError>;
    return typeof code === "number"
      ? { code, text: details ?? "" }
      : { code: undefined, text: String(error) };
  },
};

/** A call with one answer. */
function answered(
  settings: CallSettings | undefined,
  begin: (
    done: (error: grpc.ServiceError | null, reply?: Greeting) => void,
    failed: (error: unknown) => void,
  ) => grpc.Call,
): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    const done = (error: grpc.ServiceError | null, reply?: Greeting): void =>
      error === null ? resolve(reply as Greeting) : reject(error);
    const call = begin(done, reject);
    // A client stream emits its error too, beside the callback; the types of a unary call know of no errors.
    (call as NodeJS.EventEmitter).on("error", () => {});
    watched(settings, call);
  });
}

/** A call that the signal cancels. */
function watched<T extends grpc.Call>(settings: CallSettings | undefined, call: T): T {
  settings?.signal?.addEventListener("abort", () => call.cancel(), { once: true });
  return call;
}

/** Writes all messages. `failed` gets the error of the messages' own generator; the call reports all others. */
function fill(sink: Writable, messages: AsyncIterable<unknown>, failed?: (error: unknown) => void): void {
  pipeline(Readable.from(messages), sink).catch((error: { code?: unknown }) => {
    if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") failed?.(error);
  });
}

function implementation(handlers: Handlers): grpc.UntypedServiceImplementation {
  const greet: grpc.handleUnaryCall<Named, Greeting> = (call, callback) => {
    handlers.greet!(call.request).then((reply) => callback(null, reply), callback);
  };
  const greetClientStream: grpc.handleClientStreamingCall<Named, Greeting> = (call, callback) => {
    handlers.greetClientStream!(call).then((reply) => callback(null, reply), callback);
  };
  const greetServerStream: grpc.handleServerStreamingCall<Named, Greeting> = (call) => {
    fill(call, handlers.greetServerStream!(call.request));
  };
  const greetStream: grpc.handleBidiStreamingCall<Named, Greeting> = (call) => {
    fill(call, handlers.greetStream!(call));
  };
  return { greet, greetClientStream, greetServerStream, greetStream };
}
