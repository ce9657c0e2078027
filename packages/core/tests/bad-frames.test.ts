// SPDX-License-Identifier: Apache-2.0
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope, RawClient } from "./raw-client.js";

const message = toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "a" }));
const good = envelope(message);
const join = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** What is sent, and what answers it: status of Greet, status of GreetStream, text. */
type Row = [string, Uint8Array, number, number, RegExp | undefined, Record<string, string>?];
const rows: Row[] = [
  ["one message", good, 0, 0, undefined],
  [
    "no message",
    new Uint8Array(),
    Code.Unimplemented,
    0,
    /^no request message for .*: exactly one is allowed$/,
  ],
  ["two messages", join(good, good), Code.Unimplemented, 0, /^2 request messages for /],
  [
    "the compressed flag without grpc-encoding",
    envelope(message, 1),
    Code.Internal,
    Code.Internal,
    /^compressed message without grpc-encoding/,
  ],
  ["flag 2", envelope(message, 2), Code.Internal, Code.Internal, /^message with flag 2: 0 \(plain\) and 1/],
  ["flag 128", envelope(message, 128), Code.Internal, Code.Internal, /^message with flag 128/],
  [
    "an end inside a message",
    good.subarray(0, good.length - 1),
    Code.InvalidArgument,
    Code.InvalidArgument,
    /^the stream ended inside a message of 3 bytes, after 2$/,
  ],
  [
    "an end inside a prefix",
    join(good, new Uint8Array(3)),
    Code.InvalidArgument,
    Code.InvalidArgument,
    /^the stream ended inside a message prefix of 5 bytes, after 3$/,
  ],
  [
    "what is no message",
    envelope(Uint8Array.of(0x0a, 0xff)),
    Code.InvalidArgument,
    Code.InvalidArgument,
    /^message of 2 bytes can't be parsed: /,
  ],
  [
    "an announced 4 GiB",
    Uint8Array.of(0, 255, 255, 255, 255, 1),
    Code.ResourceExhausted,
    Code.ResourceExhausted,
    /^message of 4294967295 bytes is larger than the limit of 4194304/,
  ],
  [
    "an unknown compression",
    good,
    Code.Unimplemented,
    Code.Unimplemented,
    /^grpc-encoding is "br": gzip are supported$/,
    { "grpc-encoding": "br" },
  ],
  [
    "a compressed message that is none",
    envelope(message, 1),
    Code.InvalidArgument,
    Code.InvalidArgument,
    undefined,
    { "grpc-encoding": "gzip" },
  ],
];

const bodies = rows.map(([what, body, unary, stream, text, headers = {}]) => ({
  what,
  body,
  unary,
  stream,
  text,
  headers,
}));

describe.each(["Greet", "GreetStream"])("a body of %s", (method) => {
  test.each(bodies)("with $what has an answer of its own", async ({ body, unary, stream, text, headers }) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = new RawClient(server.port);
    const { header, trailer } = await client.call(`/greet.GreetService/${method}`, headers, body);
    const status = Number(trailer["grpc-status"] ?? header["grpc-status"]);
    expect(header[":status"]).toBe(200);
    expect(status).toBe(method === "Greet" ? unary : stream);
    const said = decodeURIComponent(String(trailer["grpc-message"] ?? header["grpc-message"] ?? ""));
    if (status !== 0 && text !== undefined) expect(said).toMatch(text);
    const after = await client.call("/greet.GreetService/Greet", {}, good);
    expect(after.trailer["grpc-status"]).toBe("0");
    await client.close();
    expect(server.activeCalls).toBe(0);
  });
});

test("a message in single bytes is a message", async () => {
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) => r.service(GreetService, greeter()),
  });
  const client = new RawClient(server.port);
  const { body } = await client.call("/greet.GreetService/GreetStream", {}, join(good, good));
  expect(body).toEqual(Buffer.from(join(good, good)));
  await client.close();
});

test.each([
  ["text/plain", 415],
  [undefined, 415],
  ["application/json", 415],
])("content-type %s is answered by HTTP %d", async (type, status) => {
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) => r.service(GreetService, greeter()),
  });
  const client = new RawClient(server.port);
  const answer = await client.call("/greet.GreetService/Greet", { "content-type": type }, good);
  expect(answer.header[":status"]).toBe(status);
  expect(answer.body.toString()).toContain("application/grpc");
  await client.close();
});
