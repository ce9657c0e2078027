// SPDX-License-Identifier: Apache-2.0
// An option that is given as undefined is not given: the default holds.
// Mutant: node/src/serve.ts # acceptCompression: rest.acceptCompression ?? [compressionGzip] => acceptCompression: rest.acceptCompression!
// Mutant: node/src/create-transport.ts # acceptCompression: rest.acceptCompression ?? [compressionGzip], => acceptCompression: rest.acceptCompression!,
// Mutant: testing/src/loopback.ts # clock: transportOptions?.clock ?? clock => clock, ...transportOptions
import { expect, test } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  createClient,
  createTransport,
  type ServeOptions,
  serve,
  type TransportOptions,
} from "@tristream/node";
import { createClock, loopback } from "@tristream/testing";
import { greeter } from "../../core/tests/greeter.js";

const formats = { jsonOptions: undefined, binaryOptions: undefined };
const sizes = {
  readMaxBytes: undefined,
  readMaxElements: undefined,
  writeMaxBytes: undefined,
  compressMinBytes: undefined,
};
const http2 = {
  maxConcurrentStreams: undefined,
  resetRate: undefined,
  keepaliveMs: undefined,
  keepaliveWhenIdle: undefined,
};
const transportOptions: TransportOptions = {
  ...formats,
  ...sizes,
  connectTimeoutMs: undefined,
  http2: undefined,
  interceptors: undefined,
  acceptCompression: undefined,
  sendCompression: undefined,
  useJson: undefined,
  clock: undefined,
};
const serveOptions: Omit<ServeOptions, "routes"> = {
  ...formats,
  ...sizes,
  host: "127.0.0.1",
  port: 0,
  socketPath: undefined,
  http2: undefined,
  interceptors: undefined,
  acceptCompression: undefined,
  compressResponses: undefined,
  maxTimeoutMs: undefined,
  stuckHandlerMs: undefined,
  maxConnections: undefined,
  maxHeldBytes: undefined,
  clock: undefined,
  logger: undefined,
};
const callOptions = {
  timeoutMs: undefined,
  headers: undefined,
  signal: undefined,
  onHeader: undefined,
  onTrailer: undefined,
  contextValues: undefined,
  compress: undefined,
  onCompressed: undefined,
};

test("options that are undefined are as those that are left out", async () => {
  const accepted: (string | null)[] = [];
  const server = await serve({
    ...serveOptions,
    routes: (router) =>
      router.service(
        GreetService,
        {
          ...greeter(),
          greet({ name }, context) {
            accepted.push(context.requestHeader.get("grpc-accept-encoding"));
            return { greeting: name };
          },
        },
        {
          ...formats,
          ...sizes,
          group: undefined,
          version: undefined,
          interface: undefined,
          maxTimeoutMs: undefined,
        },
      ),
  });
  try {
    await using transport = createTransport(server.url, { ...transportOptions, http2 });
    const client = createClient(GreetService, transport, {
      group: undefined,
      version: undefined,
      interface: undefined,
      timeoutMs: undefined,
      headers: undefined,
      interceptors: undefined,
      methods: { greet: undefined, greetStream: { timeoutMs: undefined } },
    });
    let header = new Headers();
    expect((await client.greet({ name: "a" }, callOptions)).greeting).toBe("a");
    await client.greet({ name: "a" }, { ...callOptions, onHeader: (h) => void (header = h) });
    expect(accepted).toEqual(["gzip", "gzip"]);
    expect(header.get("grpc-accept-encoding")).toBe("gzip");
    await using chat = client.greetStream(callOptions);
    await chat.send({ name: "b" }, { compress: undefined });
    expect((await chat.receive())?.greeting).toBe("b");
  } finally {
    await server.shutdown({ graceMs: 0 });
  }
});

test("a transport of loopback keeps the clock of both when its own is undefined", async () => {
  const clock = createClock();
  await using end = loopback({
    clock,
    transport: { clock: undefined },
    routes: (router) => router.service(GreetService, { greet: () => new Promise(() => {}) }),
  });
  const call = createClient(GreetService, end.transport).greet({}, { timeoutMs: 5000 });
  const ended = expect(call).rejects.toThrow(/deadline of 5000 ms/);
  await clock.advance(6000);
  await ended;
});
