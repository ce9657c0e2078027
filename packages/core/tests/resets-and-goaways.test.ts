// SPDX-License-Identifier: Apache-2.0
// Promise 5: a crash is not a cancel. What resets, GOAWAY and the end of a connection mean once a call has begun.
// Mutant: core/src/carrier/reset-reason.ts # case "refused":
// Mutant: core/src/carrier/reset-reason.ts # case "limit":
// Mutant: core/src/carrier/reset-reason.ts # case "canceled": => case "never" as never:
// Mutant: core/src/engine/call/response-reset.ts # if (reset.source === "connection") { => if (reset.source === "connection") { return undefined as never;
import { constants, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { goAway, settings } from "../../http2/tests/frames.js";
import { errorOf, happening } from "./events.js";
import { finish, goodAnswer, goodHead, goodMessage, type RawServer, startRawServer } from "./raw-server.js";

/** Answers a stream with headers and a message, then leaves it to the test; all else as it should be. */
async function start() {
  const begun = happening<ServerHttp2Stream>();
  const end = await startRawServer((stream, headers) => {
    if (headers[":path"]?.endsWith("/Greet") === true) {
      goodAnswer(stream, headers);
      return;
    }
    stream.respond(goodHead, { waitForTrailers: true });
    stream.write(goodMessage);
    begun.tell(stream);
  });
  const stream = end.client.greetServerStream({});
  expect((await stream.receive())?.greeting).toBe("a");
  return { end, stream, server: await begun };
}

/** The next call is served, whatever became of the connection. */
async function goesOn(end: RawServer): Promise<void> {
  expect((await end.client.greet({})).greeting).toBe("a");
}

describe("a stream that is reset after headers and a message", () => {
  test.each([
    ["NO_ERROR", 0, Code.Internal],
    ["PROTOCOL_ERROR", 1, Code.Internal],
    ["INTERNAL_ERROR", 2, Code.Internal],
    ["FLOW_CONTROL_ERROR", 3, Code.Internal],
    ["STREAM_CLOSED", 5, Code.Internal],
    ["REFUSED_STREAM", 7, Code.Unavailable],
    ["CANCEL", 8, Code.Canceled],
    ["CONNECT_ERROR", 10, Code.Internal],
    ["ENHANCE_YOUR_CALM", 11, Code.ResourceExhausted],
    ["INADEQUATE_SECURITY", 12, Code.PermissionDenied],
  ])("with %s fails as that says, and not for want of a status", async (name, code, expected) => {
    const { end, stream, server } = await start();
    await using _end = end;
    server.close(code);
    const error = await errorOf(stream.receive());
    expect(error.code).toBe(expected);
    expect(error.rawMessage).toMatch(/^127\.0\.0\.1:\d+ ended the call after 1 message: /);
    expect(error.rawMessage).toContain(name);
    await goesOn(end);
    expect(end.sessions).toHaveLength(1);
  });
});

describe("a connection that a server ends", () => {
  test("in order lets what runs finish, and the next call goes elsewhere at once", async () => {
    const { end, stream, server } = await start();
    await using _end = end;
    const goingAway = happening();
    server.session!.on("close", () => goingAway.tell());
    server.session!.close();
    // Its GOAWAY may be behind the answer of a call that was made at once.
    while (end.sessions.length === 1) await goesOn(end);
    server.write(goodMessage);
    expect((await stream.receive())?.greeting).toBe("a");
    finish(server, { "grpc-status": "0" });
    expect(await stream.receive()).toBeUndefined();
    await goingAway;
  });

  test.each([
    ["too many pings", constants.NGHTTP2_ENHANCE_YOUR_CALM, "ENHANCE_YOUR_CALM"],
    ["an internal error", constants.NGHTTP2_INTERNAL_ERROR, "INTERNAL_ERROR"],
    ["no error", constants.NGHTTP2_NO_ERROR, ""],
  ])("with GOAWAY for %s and then its socket: Unavailable that tells", async (_what, code, name) => {
    const { end, stream, server } = await start();
    await using _end = end;
    server.session!.goaway(code, 1, Buffer.from("as told"));
    setImmediate(() => server.session?.destroy());
    const error = await errorOf(stream.receive());
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(/^connection to 127\.0\.0\.1:\d+ lost after 1 message: /);
    expect(error.rawMessage).toContain(name);
    await goesOn(end);
  });

  test("without a word: Unavailable, and the next call reconnects", async () => {
    const { end, stream, server } = await start();
    await using _end = end;
    server.session!.destroy();
    const error = await errorOf(stream.receive());
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(/^connection to 127\.0\.0\.1:\d+ lost after 1 message: /);
    await goesOn(end);
    expect(end.sessions).toHaveLength(2);
  });

  test("above the last stream of its GOAWAY: Unavailable that says the request was not processed", async () => {
    // Node's own server names the last stream that it has seen, whatever it is asked for.
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once("data", () => socket.write(Buffer.concat([settings(), goAway(0, 0)])));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await using transport = createTransport(`tri://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const error = await errorOf(createClient(GreetService, transport).greet({}));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(/^request not processed by 127\.0\.0\.1:\d+: the peer sent GOAWAY/);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
