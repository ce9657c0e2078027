// SPDX-License-Identifier: Apache-2.0
// The server under test: reads from stdin how to listen, listens, says on stdout where, and serves until it is ended.
import { create } from "@bufbuild/protobuf";
import { compressionBrotli, compressionGzip, serve } from "@tristream/node";
import { readDelimited, writeDelimited } from "./delimited.js";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.js";
import { ConformanceService } from "./gen/connectrpc/conformance/v1/service_pb.js";
import { conformance } from "./service.js";
import { registry } from "./wire-types.js";

for await (const { messageReceiveLimit } of readDelimited(ServerCompatRequestSchema, process.stdin)) {
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    jsonOptions: { registry },
    ...(messageReceiveLimit > 0 ? { readMaxBytes: messageReceiveLimit } : {}),
    acceptCompression: [compressionGzip, compressionBrotli],
    // Responses are compressed for a client that takes it, however small they are.
    compressResponses: true,
    compressMinBytes: 0,
    // stdout belongs to the runner.
    logger: { error: console.error, warn: console.error, info() {}, debug() {} },
    routes: (router) => router.service(ConformanceService, conformance),
  });
  const { host, port } = { host: "127.0.0.1", port: server.port };
  writeDelimited(
    ServerCompatResponseSchema,
    process.stdout,
    create(ServerCompatResponseSchema, { host, port }),
  );
}
