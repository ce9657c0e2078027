// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope, RawClient } from "./raw-client.js";

test.each([
  ["/greet.GreetService/Greet", "0", undefined],
  ["/greet.GreetService/greet", "0", undefined],
  ["/greet.GreetService/greetClientStream", "0", undefined],
  [
    "/greet.GreetService/GREET",
    "12",
    'unknown method "GREET" of greet.GreetService: did you mean "Greet"? offered are Greet, GreetStream, GreetClientStream, GreetServerStream',
  ],
  [
    "/greet.GreetService/",
    "12",
    'unknown method "" of greet.GreetService: offered are Greet, GreetStream, GreetClientStream, GreetServerStream',
  ],
  [
    "/Greet.GreetService/Greet",
    "12",
    'unknown service "Greet.GreetService": did you mean "greet.GreetService"? offered is greet.GreetService',
  ],
  ["/greet", "12", 'unknown service "/greet": offered is greet.GreetService'],
  ["/", "12", 'unknown service "/": offered is greet.GreetService'],
])("the path %s gives status %s", async (path, status, text) => {
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) => r.service(GreetService, greeter()),
  });
  const client = new RawClient(server.port);
  const { header, trailer } = await client.call(path, {}, envelope(new Uint8Array()));
  expect(header[":status"]).toBe(200);
  expect(trailer["grpc-status"] ?? header["grpc-status"]).toBe(status);
  const message = header["grpc-message"];
  expect(message === undefined ? undefined : decodeURIComponent(String(message))).toBe(text);
  await client.close();
});

test("a method whose name has the case of the path comes first", async () => {
  const renamed = { ...GreetService.method.greet, name: "greet" } as typeof GreetService.method.greet;
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) =>
      r
        .rpc(GreetService.method.greet, () => ({ greeting: "upper" }))
        .rpc(renamed, () => ({ greeting: "lower" })),
  });
  const client = new RawClient(server.port);
  const upper = await client.call("/greet.GreetService/Greet", {}, envelope(new Uint8Array()));
  const lower = await client.call("/greet.GreetService/greet", {}, envelope(new Uint8Array()));
  expect(upper.body.toString()).toContain("upper");
  expect(lower.body.toString()).toContain("lower");
  await client.close();
});
