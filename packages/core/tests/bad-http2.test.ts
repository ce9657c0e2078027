// SPDX-License-Identifier: Apache-2.0
// Bytes that are no good HTTP/2: what becomes of the calls that run on the connection, and of the next ones.
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError, createClient } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { clientPreface, FrameType } from "../../http2/src/frame/frame-type.js";
import {
  block,
  data,
  frame,
  goAway,
  headers,
  ping,
  rst,
  settings,
  windowUpdate,
} from "../../http2/tests/frames.js";
import { errorOf, fired, happening, until } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope } from "./raw-client.js";
import { goodAnswer } from "./raw-server.js";
import { RawSocket } from "./raw-socket.js";

const request = envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "a" })));
const path = "/greet.GreetService/Greet";
const fields = [":method", "POST", ":scheme", "http", ":path", path, "content-type", "application/grpc"];

/** A server with one call that runs on a raw connection: a chat that reads. */
async function start() {
  const read = happening<unknown>();
  const signal = happening<unknown>();
  let runs = 0;
  const lines: string[] = [];
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: { ...quiet, debug: (line) => lines.push(line), warn: (line) => lines.push(line) },
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        greet({ name }) {
          runs++;
          return { greeting: name };
        },
        async *greetStream(requests, context) {
          void fired(context.signal).then(signal.tell);
          yield {};
          try {
            for await (const _ of requests);
            read.tell("complete");
          } catch (error) {
            read.tell(error);
            throw error;
          }
        },
      }),
  });
  const client = await RawSocket.open(server.port);
  client.call(1, "/greet.GreetService/GreetStream");
  await client.line("DATA 1");
  return {
    client,
    server,
    read,
    signal,
    lines,
    runs: () => runs,
    async [Symbol.asyncDispose]() {
      client.socket.destroy();
      await server.shutdown({ graceMs: 0 });
    },
  };
}

describe("a client that breaks the connection by", () => {
  test.each([
    ["DATA on stream 0", data(0, 5), "PROTOCOL_ERROR"],
    ["DATA on a stream that was never open", data(9, 5), "PROTOCOL_ERROR"],
    ["RST_STREAM on a stream that was never open", rst(9, 8), "PROTOCOL_ERROR"],
    ["HEADERS on an even stream", headers(2, fields), "PROTOCOL_ERROR"],
    ["CONTINUATION without HEADERS", frame(FrameType.CONTINUATION, 4, 1, block(fields)), "PROTOCOL_ERROR"],
    [
      "HEADERS that go on with DATA",
      [headers(3, fields, { endHeaders: false }), data(1, 5)],
      "PROTOCOL_ERROR",
    ],
    ["PUSH_PROMISE", frame(FrameType.PUSH_PROMISE, 4, 1, new Uint8Array(8)), "PROTOCOL_ERROR"],
    ["WINDOW_UPDATE by 0", windowUpdate(0, 0), "PROTOCOL_ERROR"],
    ["padding longer than its frame", frame(FrameType.DATA, 8, 1, Uint8Array.of(9, 0)), "PROTOCOL_ERROR"],
    ["PING of 7 bytes", frame(FrameType.PING, 0, 0, new Uint8Array(7)), "FRAME_SIZE_ERROR"],
    ["SETTINGS of 5 bytes", frame(FrameType.SETTINGS, 0, 0, new Uint8Array(5)), "FRAME_SIZE_ERROR"],
    ["a frame of 16 MB", frame(FrameType.DATA, 0, 1, new Uint8Array(0), 0xffffff), "FRAME_SIZE_ERROR"],
    ["a window above 2^31-1", windowUpdate(0, 0x7fffffff), "FLOW_CONTROL_ERROR"],
    [
      "an invalid header block",
      frame(FrameType.HEADERS, 5, 3, Uint8Array.of(0xff, 0xff, 0xff)),
      "COMPRESSION_ERROR",
    ],
  ])("%s: its call is told, GOAWAY says why, and others are served", async (_what, bytes, code) => {
    await using started = await start();
    const { client, server, read, signal, lines, runs } = started;
    for (const part of Array.isArray(bytes) ? bytes : [bytes]) client.write(part);
    expect(await client.line("GOAWAY")).toBe(`GOAWAY ${code}`);
    await client.closed();
    const reason = (await signal) as ConnectError;
    expect(reason.code).toBe(Code.Unavailable);
    expect(reason.rawMessage).toMatch(/^connection to 127\.0\.0\.1:\d+ lost in greet\.GreetService\/\w+: .+/);
    expect(await read).toBe(reason);
    await until(() => server.activeCalls === 0);
    expect(runs()).toBe(0);
    await until(() => lines.length > 0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^connection with 127\.0\.0\.1:\d+ ended: /);
    using other = await RawSocket.open(server.port);
    other.call(1, path);
    other.data(1, request, true);
    expect(await other.line("HEADERS 1")).toBe("HEADERS 1");
  });

  test.each([
    ["half a frame and an end", data(1, request).subarray(0, 12)],
    ["half a message and an end", data(1, request.subarray(0, 6))],
  ])("%s: its call never looks complete", async (_what, bytes) => {
    await using started = await start();
    const { client, server, read, signal } = started;
    client.write(bytes);
    client.socket.end();
    const reason = (await signal) as ConnectError;
    expect(reason.code).toBe(Code.Unavailable);
    expect(await read).toBe(reason);
    await until(() => server.activeCalls === 0);
  });
});

describe("a client that breaks one stream by", () => {
  const odd = (...more: string[]) => headers(3, [...fields, ...more]);
  test.each([
    ["a name in upper case", odd("X-Odd", "1")],
    ["a name with a space", odd("x odd", "1")],
    ["an empty name", odd("", "1")],
    ["a value with a line break", odd("x-odd", "a\r\nb")],
    ["a value with NUL", odd("x-odd", "a\0b")],
    ["connection", odd("connection", "close")],
    ["transfer-encoding", odd("transfer-encoding", "chunked")],
    ["te: gzip", odd("te", "gzip")],
    ["two different content-lengths", odd("content-length", "1", "content-length", "2")],
    ["a pseudo-header that nobody knows", headers(3, [":odd", "1", ...fields])],
    ["a pseudo-header behind a field", odd(":authority", "x")],
    ["two paths", headers(3, [":path", "/x", ...fields])],
    [
      "no path",
      headers(
        3,
        fields.filter((_, i) => i !== 4 && i !== 5),
      ),
    ],
    [
      "an empty path",
      headers(
        3,
        fields.map((field) => (field === path ? "" : field)),
      ),
    ],
    ["a response's head", headers(3, [":status", "200"])],
    ["trailers alone", headers(3, ["x-odd", "1"])],
    ["a body shorter than it said", [odd("content-length", "99"), data(3, request, { end: true })]],
    ["a body longer than it said", [odd("content-length", "2"), data(3, request, { end: true })]],
    ["trailers with a path", [odd(), data(3, request), headers(3, [":path", "/x"], { end: true })]],
    ["trailers without an end", [odd(), data(3, request), headers(3, ["x-odd", "1"])]],
  ])("%s: RST_STREAM, no handler runs, and the connection goes on", async (_what, bytes) => {
    await using started = await start();
    const { client, server, runs } = started;
    for (const part of Array.isArray(bytes) ? bytes : [bytes]) client.write(part);
    expect(await client.line("RST_STREAM 3")).toBe("RST_STREAM 3 PROTOCOL_ERROR");
    expect(runs()).toBe(0);
    client.call(5, path);
    client.data(5, request, true);
    await client.line("DATA 5");
    expect(runs()).toBe(1);
    // The chat of before still runs.
    await until(() => server.activeCalls === 1);
    client.data(1, new Uint8Array(0), true);
    await client.line("HEADERS 1 END_STREAM");
    await until(() => server.activeCalls === 0);
  });
});

/** A server whose first connection answers the first request with these bytes, and whose other ones are good. */
async function breaking(...bytes: Uint8Array[]) {
  const backing = createHttp2Server();
  backing.on("stream", goodAnswer);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    if (sockets.length > 1) {
      backing.emit("connection", socket);
      return;
    }
    socket.write(settings());
    let came = 0;
    socket.on("data", (chunk) => {
      came += chunk.length;
      // The preface, SETTINGS, and the first bytes of HEADERS.
      if (came - chunk.length <= clientPreface.length + 30) for (const part of bytes) socket.write(part);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const transport = createTransport(`tri://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    client: createClient(GreetService, transport),
    connections: () => sockets.length,
    async [Symbol.asyncDispose]() {
      await transport.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("a server that breaks the connection by", () => {
  test.each([
    ["DATA on stream 0", data(0, 5), /DATA/],
    ["HEADERS on a stream that nobody opened", headers(9, [":status", "200"]), /HEADERS on idle stream 9/],
    [
      "PUSH_PROMISE",
      frame(FrameType.PUSH_PROMISE, 4, 1, new Uint8Array(8)),
      /PUSH_PROMISE, though push is off/,
    ],
    ["PING of 7 bytes", frame(FrameType.PING, 0, 0, new Uint8Array(7)), /PING/],
    ["an invalid header block", frame(FrameType.HEADERS, 5, 1, Uint8Array.of(0xff, 0xff, 0xff)), /.+/],
    [
      "a frame of 16 MB",
      frame(FrameType.DATA, 0, 1, new Uint8Array(0), 0xffffff),
      /frame of 16777215 bytes: at most 65535 were announced/,
    ],
    ["GOAWAY on an even stream", goAway(2, 0), /GOAWAY names stream 2/],
    [
      "an acknowledgement of nothing, then noise",
      ping(Buffer.from("HTTP/1.1"), false).subarray(0, 9).fill(0xee),
      /.+/,
    ],
  ])("%s: Unavailable that says so, and the next call goes elsewhere", async (_what, bytes, text) => {
    for (const kind of ["greet", "greetServerStream", "greetClientStream", "greetStream"] as const) {
      await using end = await breaking(bytes);
      const { client } = end;
      const calls = {
        greet: () => client.greet({}),
        greetServerStream: () => client.greetServerStream({}).receive(),
        greetClientStream: () => client.greetClientStream([{}]),
        greetStream: () => client.greetStream().receive(),
      };
      const error = await errorOf(calls[kind]());
      expect(error.code).toBe(Code.Unavailable);
      expect(error.rawMessage).toMatch(/^connection to 127\.0\.0\.1:\d+ lost after no answer: /);
      expect(error.rawMessage).toMatch(text);
      expect((await client.greet({})).greeting).toBe("a");
      expect(end.connections()).toBe(2);
    }
  });
});

describe("a server that breaks one stream by", () => {
  test.each([
    ["a name in upper case", [":status", "200", "X-Odd", "1"], /field name "X-Odd" with byte 0x58/],
    ["a value with NUL", [":status", "200", "x-odd", "\0"], /value of "x-odd" with byte 0x0/],
    ["connection", [":status", "200", "connection", "close"], /connection-specific field "connection"/],
    ["no :status", ["content-type", "application/grpc"], /no ":status"/],
    ["an invalid :status", [":status", "2OO"], /":status" is "2OO"/],
    ["two of them", [":status", "200", ":status", "200"], /pseudo-header ":status" twice/],
  ])("%s: Internal that says so", async (_what, list, text) => {
    await using end = await breaking(headers(1, list));
    const error = await errorOf(end.client.greet({}));
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toMatch(/^127\.0\.0\.1:\d+ broke the protocol: malformed header list: /);
    expect(error.rawMessage).toMatch(text);
    expect(end.connections()).toBe(1);
  });
});
