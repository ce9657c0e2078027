// SPDX-License-Identifier: Apache-2.0
// @grpc/grpc-js, with the callbacks and events that it is written for.
import * as grpc from "@grpc/grpc-js";
import { selectorHeaders } from "./foreign-connect.js";
import {
  type CallSettings,
  type ClientSettings,
  type GreetClient,
  type GreetServer,
  type Handlers,
  Mailbox,
  type Metadata,
  mapped,
  Refusal,
  type ServedCall,
} from "./foreign-greet.js";
import { definition, definitionOf, type Greeting, type Named } from "./foreign-grpc-definition.js";

export function connectGrpcJs(port: number, { selector, compress }: ClientSettings = {}): GreetClient {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    "grpc.default_compression_algorithm": compress === true ? 2 : 0,
    // A connection of its own, as the other clients have.
    "grpc.use_local_subchannel_pool": 1,
  });
  const { unary, serverStream, clientStream, bidi } = definition;
  const metadata = (call: CallSettings = {}) => toGrpc({ ...selectorHeaders(selector), ...call.headers });
  return {
    unary: (name, call) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = unary;
        const answered = settle(resolve, reject);
        watch(
          call,
          client.makeUnaryRequest(
            path,
            requestSerialize,
            responseDeserialize,
            { name },
            metadata(call),
            optionsOf(call),
            answered,
          ),
        );
      }),
    serverStream(name, call) {
      const { path, requestSerialize, responseDeserialize } = serverStream;
      const stream = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { name },
        metadata(call),
        optionsOf(call),
      );
      watch(call, stream);
      return mapped(received<Greeting>(stream), ({ greeting }) => greeting);
    },
    clientStream: (names, call) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = clientStream;
        const answered = settle(resolve, reject);
        const stream = client.makeClientStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          metadata(call),
          optionsOf(call),
          answered,
        );
        watch(call, stream);
        pump(stream, names).then(() => stream.end(), reject);
      }),
    bidi(names, call) {
      const { path, requestSerialize, responseDeserialize } = bidi;
      const stream = client.makeBidiStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        metadata(call),
        optionsOf(call),
      );
      watch(call, stream);
      pump(stream, names).then(
        () => stream.end(),
        () => stream.cancel(),
      );
      return mapped(received<Greeting>(stream), ({ greeting }) => greeting);
    },
    failure(error) {
      const { code, details, metadata } = error as grpc.ServiceError;
      if (typeof code !== "number") throw error;
      return { code, text: details, metadata: fromGrpc(metadata) };
    },
    async [Symbol.asyncDispose]() {
      client.close();
    },
  };
}

function settle(resolve: (greeting: string) => void, reject: (error: unknown) => void) {
  return (error: grpc.ServiceError | null, reply?: Greeting): void => {
    if (error !== null) reject(error);
    else resolve(reply?.greeting ?? "");
  };
}

function optionsOf(call: CallSettings = {}): grpc.CallOptions {
  return call.timeoutMs === undefined ? {} : { deadline: Date.now() + call.timeoutMs };
}

function watch(settings: CallSettings = {}, call: grpc.Call): void {
  const { signal } = settings;
  if (signal?.aborted === true) call.cancel();
  else signal?.addEventListener("abort", () => call.cancel(), { once: true });
  call.on("metadata", (header: grpc.Metadata) => settings.onHeader?.(fromGrpc(header)));
  call.on("status", ({ metadata }: grpc.StatusObject) => settings.onTrailer?.(fromGrpc(metadata)));
}

/**
 * Messages as they come; a half-closed stream ends, a failed or cancelled one throws. Node tells a stream that was reset
 * with CANCEL as ended, and grpc-js says that it was cancelled behind that, in the same turn.
 */
function received<T>(stream: NodeJS.EventEmitter): Mailbox<T> {
  const mailbox = new Mailbox<T>();
  stream.on("data", (message: T) => mailbox.put(message));
  stream.on("end", () => setImmediate(() => mailbox.end()));
  stream.on("error", (error) => mailbox.end(error));
  stream.on("cancelled", () => mailbox.end(new Error("cancelled")));
  return mailbox;
}

interface Sink extends NodeJS.EventEmitter {
  write(message: unknown): boolean;
}

async function pump(stream: Sink, names: AsyncIterable<string>): Promise<void> {
  for await (const name of names) await written(stream, { name });
}

/** Settles when there is room for more, or the stream is over. */
function written(stream: Sink, message: unknown): Promise<void> | undefined {
  if (stream.write(message)) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ["drain", "close", "cancelled"]) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "cancelled"]) stream.on(event, done);
  });
}

type AnyServerCall =
  | grpc.ServerUnaryCall<Named, Greeting>
  | grpc.ServerReadableStream<Named, Greeting>
  | grpc.ServerWritableStream<Named, Greeting>
  | grpc.ServerDuplexStream<Named, Greeting>;

export async function serveGrpcJs(handlers: Handlers): Promise<GreetServer> {
  const server = new grpc.Server();
  const offered = definitionOf(handlers) as grpc.ServiceDefinition;
  if (Object.keys(offered).length > 0) server.addService(offered, implementation(handlers));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

function implementation(handlers: Handlers): grpc.UntypedServiceImplementation {
  const unary: grpc.handleUnaryCall<Named, Greeting> = (call, callback) =>
    answer(call, callback, (served) => handlers.unary!(call.request.name, served));
  const clientStream: grpc.handleClientStreamingCall<Named, Greeting> = (call, callback) => {
    const names = mapped(received<Named>(call), ({ name }) => name);
    answer(call, callback, (served) => handlers.clientStream!(names, served));
  };
  const serverStream: grpc.handleServerStreamingCall<Named, Greeting> = (call) =>
    answerAll(call, (served) => handlers.serverStream!(call.request.name, served));
  const bidi: grpc.handleBidiStreamingCall<Named, Greeting> = (call) => {
    const names = mapped(received<Named>(call), ({ name }) => name);
    answerAll(call, (served) => handlers.bidi!(names, served));
  };
  return { unary, clientStream, serverStream, bidi };
}

function answer(
  call: AnyServerCall,
  callback: grpc.sendUnaryData<Greeting>,
  handle: (served: ServedCall) => Promise<string>,
): void {
  const { served, sendHeader, trailer } = servedCall(call);
  handle(served).then(
    (greeting) => {
      sendHeader();
      callback(null, { greeting }, trailer);
    },
    (error) => callback(statusOf(error)),
  );
}

function answerAll(
  call: grpc.ServerWritableStream<Named, Greeting> | grpc.ServerDuplexStream<Named, Greeting>,
  handle: (served: ServedCall) => AsyncIterable<string>,
): void {
  const { served, sendHeader, trailer } = servedCall(call);
  const run = async (): Promise<void> => {
    for await (const greeting of handle(served)) {
      sendHeader();
      await written(call, { greeting });
      if (call.cancelled) return;
    }
    sendHeader();
    call.end(trailer);
  };
  run().catch((error) => call.emit("error", statusOf(error)));
}

function servedCall(call: AnyServerCall) {
  const header = new grpc.Metadata();
  const trailer = new grpc.Metadata();
  const controller = new AbortController();
  // All four kinds are emitters; their overloads of `on` have no common form.
  (call as NodeJS.EventEmitter).on("cancelled", () => controller.abort());
  const served: ServedCall = {
    headers: fromGrpc(call.metadata),
    signal: controller.signal,
    peer: call.getPeer(),
    setHeader: (name, value) => header.set(name, toValue(value)),
    setTrailer: (name, value) => trailer.set(name, toValue(value)),
  };
  let sent = false;
  const sendHeader = (): void => {
    if (!sent) call.sendMetadata(header);
    sent = true;
  };
  return { served, sendHeader, trailer };
}

function statusOf(error: unknown): Partial<grpc.StatusObject> {
  if (error instanceof Refusal)
    return { code: error.code, details: error.message, metadata: toGrpc(error.metadata) };
  return { code: grpc.status.UNKNOWN, details: String(error) };
}

function toGrpc(metadata: Metadata): grpc.Metadata {
  const out = new grpc.Metadata();
  for (const [name, value] of Object.entries(metadata)) out.add(name, toValue(value));
  return out;
}

function toValue(value: string | Uint8Array): grpc.MetadataValue {
  return typeof value === "string" ? value : Buffer.from(value);
}

function fromGrpc(metadata: grpc.Metadata): Metadata {
  return Object.fromEntries(
    Object.keys(metadata.getMap()).map((name) => {
      const [value = ""] = metadata.get(name);
      return [name, typeof value === "string" ? value : new Uint8Array(value)];
    }),
  );
}
