// SPDX-License-Identifier: Apache-2.0
// client.ts [PARALLEL]: the client under test. Reads calls from stdin, makes so many of them at a time (8 by default), and writes
// to stdout what came of each.
import { create } from "@bufbuild/protobuf";
import {
  compressionBrotli,
  compressionGzip,
  createTransport,
  type TransportOptions,
  type TripleTransport,
} from "@tristream/node";
import { makeCall } from "./calls.js";
import { readDelimited, writeDelimited } from "./delimited.js";
import {
  type ClientCompatRequest,
  ClientCompatRequestSchema,
  ClientCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/client_compat_pb.js";
import { Codec, Compression } from "./gen/connectrpc/conformance/v1/config_pb.js";
import { registry } from "./wire-types.js";

const parallel = Number(process.argv[2] ?? 8);
const transports = new Map<string, TripleTransport>();
const running = new Set<Promise<void>>();

for await (const request of readDelimited(ClientCompatRequestSchema, process.stdin)) {
  while (running.size >= parallel) await Promise.race(running);
  const done = run(request).finally(() => running.delete(done));
  running.add(done);
}
await Promise.all(running);
for (const transport of transports.values()) await transport.close();

async function run(request: ClientCompatRequest): Promise<void> {
  const result = await makeCall(transportFor(request), request).then(
    (response) => ({ case: "response" as const, value: response }),
    (error: unknown) => ({ case: "error" as const, value: { message: String(error) } }),
  );
  const response = create(ClientCompatResponseSchema, { testName: request.testName, result });
  writeDelimited(ClientCompatResponseSchema, process.stdout, response);
}

/** One transport, and so one connection, for all calls to a server that want the same of it. */
function transportFor({
  host,
  port,
  codec,
  compression,
  messageReceiveLimit,
}: ClientCompatRequest): TripleTransport {
  const key = [host, port, codec, compression, messageReceiveLimit].join(" ");
  const known = transports.get(key);
  if (known !== undefined) return known;
  const transport = createTransport(`tri://${host}:${port}`, {
    useJson: codec === Codec.JSON,
    jsonOptions: { registry },
    ...(messageReceiveLimit > 0 ? { readMaxBytes: messageReceiveLimit } : {}),
    ...compressionOptions(compression),
  });
  transports.set(key, transport);
  return transport;
}

/** A call compresses its messages as it wants its answers compressed, however small they are. */
function compressionOptions(compression: Compression): TransportOptions {
  if (compression === Compression.IDENTITY) return { acceptCompression: [] };
  const sendCompression = compression === Compression.BR ? compressionBrotli : compressionGzip;
  return { acceptCompression: [sendCompression], sendCompression, compressMinBytes: 0 };
}
