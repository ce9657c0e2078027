// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. Frames that HTTP/2 allows, and that most servers never send, don't change a call's result.
// Mutant: core/src/engine/call/client-call.ts # this.endCall(this.noStatus(), false);

import { Code, type createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { data, goAway, headers, rst, windowUpdate } from "../../http2/tests/frames.js";
import { all, errorOf } from "./events.js";
import { quiet } from "./every-link.js";
import { FrameServer, okHead, okTrailers } from "./frame-server.js";
import { greeter } from "./greeter.js";
import { goodMessage } from "./raw-server.js";
import { RawSocket } from "./raw-socket.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;

const message = data(1, goodMessage);
const trailers = headers(1, okTrailers, { end: true });

const answers: Record<string, readonly Uint8Array[]> = {
  "interim responses before its HEADERS": [
    headers(1, [":status", "100"]),
    headers(1, [":status", "103", "link", "</a>"]),
    headers(1, okHead),
    message,
    trailers,
  ],
  "HEADERS with padding and priority": [
    headers(1, okHead, { pad: 7, dependsOn: 0 }),
    message,
    headers(1, okTrailers, { end: true, pad: 255, dependsOn: 0 }),
  ],
  "RST_STREAM(NO_ERROR) behind its trailers": [headers(1, okHead), message, trailers, rst(1, 0)],
  "GOAWAY between its HEADERS and its message": [headers(1, okHead), goAway(1, 0), message, trailers],
  "WINDOW_UPDATE behind its end": [headers(1, okHead), message, trailers, windowUpdate(1, 1000)],
};

const kinds: Record<string, (client: Client) => Promise<{ greeting: string }[]>> = {
  unary: async (client) => [await client.greet({})],
  "server stream": (client) => all(client.greetServerStream({})),
  "client stream": async (client) => [await client.greetClientStream([{}])],
  "bidi stream": (client) => all(client.greetStream([{}])),
};

describe.each(Object.entries(kinds))("a call (%s)", (_kind, call) => {
  test.each(Object.entries(answers))("has its result in spite of %s", async (_what, frames) => {
    await using server = await FrameServer.start();
    const result = call(server.client);
    await server.line("HEADERS 1");
    server.write(frames);
    expect((await result).map((m) => m.greeting)).toEqual(["a"]);
  });

  test("fails when an empty DATA frame ends the response in place of trailers", async () => {
    await using server = await FrameServer.start();
    const error = errorOf(call(server.client));
    await server.line("HEADERS 1");
    server.write([headers(1, okHead), message, data(1, 0, { end: true })]);
    expect(await error).toMatchObject({
      code: Code.Internal,
      rawMessage: expect.stringContaining("ended the response without grpc-status, after 1 message"),
    });
  });
});

describe("a connection", () => {
  test("after GOAWAY goes on with the call that runs, and the next call goes to another connection", async () => {
    await using server = await FrameServer.start();
    const stream = server.client.greetServerStream({});
    await server.line("HEADERS 1");
    server.write([headers(1, okHead), message, goAway(1, 0)]);
    expect((await stream.receive())?.greeting).toBe("a");
    await server.taken();
    const next = server.client.greet({});
    await server.line("HEADERS 1", 2);
    expect(server.connections).toBe(2);
    server.write([headers(1, okHead), message, trailers], 1);
    expect((await next).greeting).toBe("a");
    server.write([message, trailers]);
    expect((await all(stream)).map((m) => m.greeting)).toEqual(["a"]);
  });

  test("after WINDOW_UPDATE on a closed stream serves the next call", async () => {
    await using server = await FrameServer.start();
    const first = server.client.greet({});
    await server.line("HEADERS 1");
    server.write([headers(1, okHead), message, trailers, windowUpdate(1, 1000)]);
    await first;
    const next = server.client.greet({});
    await server.line("HEADERS 3");
    server.write([headers(3, okHead), data(3, goodMessage), headers(3, okTrailers, { end: true })]);
    expect((await next).greeting).toBe("a");
    expect(server.connections).toBe(1);
  });
});

test("a server takes HEADERS with padding and priority, and an empty DATA frame as the request's end", async () => {
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) => r.service(GreetService, greeter()),
  });
  using client = await RawSocket.open(server.port);
  const fields = [
    ":method",
    "POST",
    ":scheme",
    "http",
    ":path",
    "/greet.GreetService/Greet",
    ":authority",
    "a",
  ];
  fields.push("content-type", "application/grpc+proto", "te", "trailers");
  client.write(headers(1, fields, { pad: 9, dependsOn: 0 }));
  client.data(1, goodMessage);
  client.data(1, new Uint8Array(0), true);
  await client.line("HEADERS 1 END_STREAM");
  const lines = client.lines.filter((line) => line.split(" ")[1] === "1" && !line.startsWith("WINDOW"));
  // "a", with its tag, length and prefix: the greeter answers with the name.
  expect(lines).toEqual(["HEADERS 1", "DATA 1 8", "HEADERS 1 END_STREAM"]);
});
