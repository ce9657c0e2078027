// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak. A handler that returns before it has read all requests leaves no stream behind.
// Mutant: core/src/engine/call/server-call.ts # if (!this.stream.closed) this.stream.close();
// Mutant: http2/src/streams/streams.ts # for (const stream of resetting) stream.reset(ErrorCode.NO_ERROR);

import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { errorOf, until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope, RawClient } from "./raw-client.js";
import { RawSocket } from "./raw-socket.js";
import { Wire } from "./wire.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;

/** More than the windows and queues take, so that the request side is blocked when the answer comes. */
const large = "x".repeat(100_000);

async function* endless() {
  for (;;) yield { name: large };
}

/** The name says what the handler does, after how many requests. */
const handlers = {
  ...greeter(),
  async greetClientStream(requests: AsyncIterable<{ name: string }>, context: { requestHeader: Headers }) {
    if (context.requestHeader.get("x-reads") === "none") return { greeting: "none" };
    for await (const _ of requests) {
      if (context.requestHeader.get("x-ends") === "badly") throw new ConnectError("enough", Code.Aborted);
      return { greeting: "one" };
    }
    return {};
  },
  async *greetStream(requests: AsyncIterable<{ name: string }>, context: { requestHeader: Headers }) {
    if (context.requestHeader.get("x-reads") === "none") return;
    for await (const _ of requests) {
      yield { greeting: "one" };
      if (context.requestHeader.get("x-ends") === "badly") throw new ConnectError("enough", Code.Aborted);
      return;
    }
  },
};

const calls: Record<string, (client: Client) => Promise<unknown>> = {
  "an upload of which one message is read": (client) => client.greetClientStream(endless()),
  "an upload of which none is read": (client) =>
    client.greetClientStream(endless(), { headers: { "x-reads": "none" } }),
  "an upload whose handler throws": (client) =>
    errorOf(client.greetClientStream(endless(), { headers: { "x-ends": "badly" } })),
  "a chat of which one message is read": async (client) => {
    for await (const _ of client.greetStream(endless()));
  },
  "a chat of which none is read": async (client) => {
    for await (const _ of client.greetStream(endless(), { headers: { "x-reads": "none" } }));
  },
  "a chat whose handler throws": (client) =>
    errorOf(client.greetStream(endless(), { headers: { "x-ends": "badly" } }).responseTrailer),
  "a chat's handle that sends on": async (client) => {
    const chat = client.greetStream();
    for (;;) {
      const sent = await chat.send({ name: large }).catch((error: ConnectError) => error.code);
      if (sent === Code.FailedPrecondition) return;
    }
  },
};

describe.each(everyLink)("a handler that returns early over $name", (link) => {
  test.each(Object.entries(calls))(
    "%s, 30 times: no stream is left, and other calls go on",
    async (_what, call) => {
      const wire = new Wire();
      await using end = await link.start({
        tap: wire.tap,
        routes: (r) => r.service(GreetService, handlers),
      });
      const client = createClient(GreetService, end.transport);
      for (let i = 0; i < 30; i++) await call(client);
      await until(() => wire.openStreams === 0 && end.server.activeCalls === 0);
      // 3 MB that were never read cost the connection none of its window.
      expect((await client.greet({ name: large })).greeting).toBe(large);
    },
  );
});

describe("a client that is no library of ours", () => {
  const message = envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "a" })));

  test.each([
    ["GreetClientStream", {}, "0"],
    ["GreetClientStream", { "x-reads": "none" }, "0"],
    ["GreetClientStream", { "x-ends": "badly" }, "10"],
    ["GreetStream", {}, "0"],
    ["GreetStream", { "x-reads": "none" }, "0"],
    ["GreetStream", { "x-ends": "badly" }, "10"],
  ])("gets the status of %s with %j, and no error of HTTP/2", async (method, headers, status) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, handlers),
    });
    const client = new RawClient(server.port);
    const answer = await client.call(`/greet.GreetService/${method}`, headers as never, message, true);
    expect({ ...answer.header, ...answer.trailer }["grpc-status"]).toBe(status);
    expect(answer.resetCode).toBe(0);
    await client.close();
  });

  test("gets trailers, then RST_STREAM(NO_ERROR) for its open request", async () => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, handlers),
    });
    using client = await RawSocket.open(server.port);
    client.call(1, "/greet.GreetService/GreetClientStream");
    client.data(1, message);
    await client.line("RST_STREAM 1");
    const lines = client.lines.filter((line) => / 1\b/.test(line) && !line.startsWith("WINDOW_UPDATE"));
    expect(lines).toEqual([
      "HEADERS 1",
      expect.stringMatching(/^DATA 1 \d+$/),
      "HEADERS 1 END_STREAM",
      "RST_STREAM 1 NO_ERROR",
    ]);
  });
});
