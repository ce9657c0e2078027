// SPDX-License-Identifier: Apache-2.0
// server.ts [PORT]: gRPC's test service on 127.0.0.1; prints "READY PORT".
import { serve } from "@tristream/node";
import { TestService } from "./gen/grpc/testing/test_pb.js";
import { receiveLimit, testService } from "./service.js";

const server = await serve({
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  readMaxBytes: receiveLimit,
  logger: { error: console.error, warn: console.error, info() {}, debug() {} },
  routes: (router) => router.service(TestService, testService),
});
console.log(`READY ${server.port}`);
