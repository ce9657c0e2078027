// SPDX-License-Identifier: Apache-2.0
// A message that can't be read: Internal to the client that gets it as a response, InvalidArgument to the server that gets it as
// a request (grpc/grpc doc/statuscodes.md).
// Mutant: core/src/engine/message/message-reader.ts # return this.owner.reads === "requests" ? Code.InvalidArgument : Code.Internal; => return Code.InvalidArgument;
// Mutant: core/src/client/call/foreign-method.ts # throw foreignError(error); => throw error;
// Mutant: core/src/client/call/foreign-error.ts # throw foreignError(error); => throw error;
// Mutant: core/src/mount/connect-options.ts # guardedCompression(each, log, method, count) => each
import type { ServerHttp2Stream } from "node:http2";
import { gzipSync } from "node:zlib";
import { createClient as createConnectClient } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Code, ConnectError, createClient, type Transport } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { all, errorOf } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { over, stockTransport } from "./mounts.js";
import { envelope, RawClient } from "./raw-client.js";
import { finish, startRawServer } from "./raw-server.js";

interface Row {
  readonly what: string;
  readonly type: "proto" | "json";
  readonly body: Uint8Array;
  readonly encoding?: string;
}

const text = Buffer.from('{"greeting":"a"}');
const gzip = "gzip";

/** GreetRequest and GreetResponse have the same one field. */
const rows: readonly Row[] = [
  { what: "an illegal tag", type: "proto", body: envelope(Uint8Array.of(0x0e, 1)) },
  { what: "a field that ends behind the message", type: "proto", body: envelope(Uint8Array.of(0x0a, 9, 97)) },
  { what: "text that is not UTF-8", type: "proto", body: envelope(Uint8Array.of(0x0a, 2, 0xc3, 0x28)) },
  { what: "JSON that is cut", type: "json", body: envelope(text.subarray(0, 8)) },
  { what: "JSON of another type", type: "json", body: envelope(Buffer.from('{"greeting":[],"name":[]}')) },
  { what: "JSON that is not UTF-8", type: "json", body: envelope(Uint8Array.of(0x7b, 0xff, 0x7d)) },
  {
    what: "a message cut in the middle",
    type: "proto",
    body: envelope(Uint8Array.of(0x0a, 1, 97)).subarray(0, 7),
  },
  { what: "a prefix cut in the middle", type: "proto", body: Uint8Array.of(0, 0, 0) },
  { what: "JSON cut in the middle of its message", type: "json", body: envelope(text).subarray(0, 9) },
  { what: "invalid gzip", type: "proto", body: envelope(Buffer.from("nonsense"), 1), encoding: gzip },
  {
    what: "gzip cut short",
    type: "proto",
    body: envelope(gzipSync(text).subarray(0, 15), 1),
    encoding: gzip,
  },
  {
    what: "gzip of an illegal tag",
    type: "proto",
    body: envelope(gzipSync(Uint8Array.of(0x0e)), 1),
    encoding: gzip,
  },
  {
    what: "gzip of JSON that is cut",
    type: "json",
    body: envelope(gzipSync(text.subarray(1)), 1),
    encoding: gzip,
  },
];

/** Answers each call with a body and status 0. */
const answering = ({ type, body, encoding }: Row, contentType = `application/grpc+${type}`) =>
  startRawServer((stream: ServerHttp2Stream) => {
    const compressed = encoding === undefined ? {} : { "grpc-encoding": encoding };
    stream.respond({ ":status": 200, "content-type": contentType, ...compressed }, { waitForTrailers: true });
    stream.write(body);
    finish(stream, { "grpc-status": "0" });
  });

async function expectInternal(transport: Transport): Promise<void> {
  const client = createClient(GreetService, transport);
  const upload = client.greetClientStream();
  const chat = client.greetStream();
  await chat.closeRequest();
  for (const call of [
    client.greet({}),
    client.greetClientStream([{}]),
    upload.closeAndReceive(),
    all(client.greetServerStream({})),
    all(client.greetStream([{}])),
    chat.receive(),
  ]) {
    expect((await errorOf(call)).code).toBe(Code.Internal);
  }
}

describe.each(rows)("$what ($type)", (row) => {
  const useBinaryFormat = row.type === "proto";

  test("is Internal to every form of call that gets it as its response", async () => {
    await using server = await answering(row);
    await using transport = createTransport(`tri://${server.address}`, { useJson: !useBinaryFormat });
    await expectInternal(transport);
  });

  test("is Internal to a client over Connect's own gRPC transport", async () => {
    await using server = await answering(row);
    const baseUrl = `http://${server.address}`;
    await expectInternal(createGrpcTransport({ baseUrl, useBinaryFormat }));
  });

  test.each(["Greet", "GreetServerStream", "GreetClientStream", "GreetStream"])(
    "is InvalidArgument to a server that gets it as a request of %s",
    async (method) => {
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (r) => r.service(GreetService, greeter()),
      });
      const client = new RawClient(server.port);
      const encoding = row.encoding === undefined ? {} : { "grpc-encoding": row.encoding };
      const headers = { "content-type": `application/grpc+${row.type}`, ...encoding };
      const { header, trailer } = await client.call(`/greet.GreetService/${method}`, headers, row.body);
      expect(trailer["grpc-status"] ?? header["grpc-status"]).toBe(String(Code.InvalidArgument));
      await client.close();
    },
  );
});

describe("over Connect's other protocols", () => {
  const cut = rows.find((row) => row.what === "a message cut in the middle")!;

  test("a gRPC-Web response that is cut is Internal", async () => {
    await using server = await answering(cut, "application/grpc-web+proto");
    const baseUrl = `http://${server.address}`;
    await expectInternal(createGrpcWebTransport({ baseUrl, httpVersion: "2" }));
  });

  test.each([
    { what: "cut", body: cut.body },
    { what: "without its end", body: envelope(Uint8Array.of(0x0a, 1, 97)) },
    { what: "with an end that is not JSON", body: envelope(Buffer.from("{"), 2) },
  ])("a stream of the Connect protocol that is $what is Internal", async ({ body }) => {
    await using server = await startRawServer((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/connect+proto" });
      stream.end(body);
    });
    const transport = createConnectTransport({ baseUrl: `http://${server.address}`, httpVersion: "2" });
    const error = await errorOf(all(createClient(GreetService, transport).greetServerStream({})));
    expect(error.code).toBe(Code.Internal);
  });

  test("an InvalidArgument that the server sent stays what it is, whatever its text", async () => {
    for (const said of ["no such name", "decompression failed", "protocol error: incomplete envelope"]) {
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (r) =>
          r.service(GreetService, {
            greet: () => {
              throw new ConnectError(said, Code.InvalidArgument);
            },
            // biome-ignore lint/correctness/useYield: it fails before its first message.
            async *greetServerStream() {
              throw new ConnectError(said, Code.InvalidArgument);
            },
          }),
      });
      const client = createClient(
        GreetService,
        createGrpcTransport({ baseUrl: server.url.replace("tri:", "http:") }),
      );
      for (const call of [client.greet({}), all(client.greetServerStream({}))]) {
        expect(await errorOf(call)).toMatchObject({ code: Code.InvalidArgument, rawMessage: said });
      }
    }
  });
});

test.each(over("2"))(
  "a compressed request that can't be read is InvalidArgument of a mount: $title",
  async (mount) => {
    await using server = await mount.start({
      acceptCompression: [compressionGzip],
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = new RawClient(server.port);
    for (const body of rows
      .filter((row) => /^(invalid gzip|gzip cut)/.test(row.what))
      .map((row) => row.body)) {
      const { header, trailer } = await client.call(
        "/greet.GreetService/Greet",
        { "grpc-encoding": gzip },
        body,
      );
      expect({ ...header, ...trailer }["grpc-status"]).toBe(String(Code.InvalidArgument));
    }
    await client.close();
    using end = stockTransport(server.port, "gRPC", "2");
    expect((await createConnectClient(GreetService, end.transport).greet({ name: "a" })).greeting).toBe("a");
  },
);
