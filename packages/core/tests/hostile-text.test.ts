// SPDX-License-Identifier: Apache-2.0
// Promise 10: errors are seen. A peer's text that a message of ours shows has no control characters, in either direction.
// Mutant: core/src/protocol/quote.ts # return printable( => return (
// Mutant: core/src/protocol/printable.ts # \p{Bidi_Control}
// Mutant: core/src/protocol/printable.ts # return printable(text.length > longestReason => return (text.length > longestReason
// Mutant: core/src/dialects/received-error.ts # new ConnectError(printable(text), => new ConnectError(text,
// Mutant: core/src/dialects/received-error.ts # (error as { rawMessage: string }).rawMessage = text;
// Mutant: http2/src/connection/quote.ts # \p{Cc}
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { FrameType } from "../../http2/src/frame/frame-type.js";
import { HpackDecoder } from "../../http2/src/hpack/decoder.js";
import { goAway, headers, parseFrames, settings } from "../../http2/tests/frames.js";
import { printable } from "../src/protocol/printable.js";
import { errorOf, until } from "./events.js";
import { quiet } from "./every-link.js";
import { startRawServer } from "./raw-server.js";
import { RawSocket } from "./raw-socket.js";

/** ESC, BEL, DEL, CSI of C1, and no byte that HTTP/2 forbids. */
const hostile = "\x1b]0;title\x07\x7f\x9b31m";
const control = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

test.each([
  ["a\nb\r\tc", "a\\nb\\r\\tc"],
  ["\0\x1b[31m\x07\x7f", "\\u0000\\u001b[31m\\u0007\\u007f"],
  ["\x80\x85\x9b\x9f", "\\u0080\\u0085\\u009b\\u009f"],
  ["\u2028\u2029", "\\u2028\\u2029"],
  [
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "\\u061c\\u200e\\u200f\\u202a\\u202b\\u202c\\u202d\\u202e\\u2066\\u2067\\u2068\\u2069",
  ],
  ["größe 世界 👩‍👧 \\n", "größe 世界 👩‍👧 \\n"],
])("%j is shown as %s", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

describe("a server that refuses", () => {
  const path = "/greet.GreetService/Greet";
  const grpc = ["content-type", "application/grpc"];

  test.each([
    ["a path", `/greet.GreetService/${hostile}`, grpc],
    ["a service", `/${hostile}/Greet`, grpc],
    ["a path without a method", hostile, grpc],
    ["a group", path, [...grpc, "tri-service-group", hostile]],
    ["a version", path, [...grpc, "tri-service-version", hostile]],
    ["a timeout", path, [...grpc, "grpc-timeout", hostile]],
    ["a compression", path, [...grpc, "grpc-encoding", hostile]],
    ["a content type", path, ["content-type", hostile]],
    ["a JSON message", path, ["content-type", "application/grpc+json"]],
  ])("%s with control characters shows them as escapes", async (what, asked, fields) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, { greet: () => ({}) }),
    });
    using client = await RawSocket.open(server.port);
    const received: Buffer[] = [];
    client.socket.on("data", (bytes) => received.push(bytes));
    client.write(headers(1, [":method", "POST", ":scheme", "http", ":path", asked, ...fields], {}));
    const json = Buffer.from(`"\x9b31m\u202e"`);
    client.data(1, Buffer.concat([Buffer.from([0, 0, 0, 0, json.length]), json]), true);
    await until(() =>
      client.lines.some((line) => line.endsWith("1 END_STREAM") || /^DATA 1 .*END/.test(line)),
    );
    let told = "";
    const decoder = new HpackDecoder();
    for (const { type, id, payload } of parseFrames(Buffer.concat(received), true)) {
      if (id !== 1) continue;
      if (type === FrameType.DATA) told += Buffer.from(payload).toString();
      if (type !== FrameType.HEADERS) continue;
      const { fields: answered } = decoder.decode(payload, 0, payload.length);
      const at = answered.indexOf("grpc-message");
      if (at >= 0) told += decodeURIComponent(answered[at + 1]!);
    }
    expect(told).toContain(
      what === "a JSON message" ? "\\u009b31m\\u202e" : "\\u001b]0;title\\u0007\\u007f\\u009b31m",
    );
    expect(told.trimEnd()).not.toMatch(control);
  });
});

describe("a client's error", () => {
  test("shows escapes in its message, and keeps a server's text as it is in rawMessage", async () => {
    const text = `no\n${hostile}\u202e\u2028 100 %`;
    await using end = await startRawServer((stream) => {
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          "grpc-status": "9",
          "grpc-message": encodeURIComponent(text),
        },
        { endStream: true },
      );
    });
    const error = await errorOf(end.client.greet({}));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.rawMessage).toBe(text);
    expect(error.message).toBe(`[failed_precondition] ${printable(text)}`);
    expect(error.stack?.split("\n")[0]).not.toMatch(control);
  });

  test.each([
    ["content type", [":status", "200", "content-type", hostile]],
    ["HTTP status", [":status", hostile]],
    ["compression", [":status", "200", "content-type", "application/grpc", "grpc-encoding", hostile]],
    ["status", [":status", "200", "content-type", "application/grpc", "grpc-status", hostile]],
    ["field name", [":status", "200", hostile, "x"]],
    ["pseudo-header", [":status", "200", `:${hostile}`, "x"]],
    ["content-length", [":status", "200", "content-length", hostile]],
    ["GOAWAY", null],
  ])("that echoes a server's %s shows escapes", async (_what, fields) => {
    const server = createServer((socket: Socket) => {
      socket.on("error", () => {});
      socket.write(settings());
      socket.once("data", () => {
        if (fields === null) socket.end(goAway(0, 2, hostile));
        else socket.write(headers(1, fields, { end: true }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await using transport = createTransport(`tri://127.0.0.1:${port}`);
    const error = await errorOf(createClient(GreetService, transport).greet({}));
    server.close();
    expect(error.message).toContain("title");
    expect(error.message).not.toMatch(control);
    expect(error.rawMessage).not.toMatch(control);
  });
});
