// SPDX-License-Identifier: Apache-2.0
// Promise 4: deadlines are kept by the engine. A server's, against a client that does nothing.
// Mutant: core/src/engine/call/server-call.ts # host.owner.deadlines.add(this, head.timeoutMs);
// Mutant: core/src/engine/call/server-call.ts # onDeadline(): void { => onDeadline(): void { return undefined as never;
import { Code } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { forEver, happening } from "./events.js";
import { quiet } from "./every-link.js";
import { envelope, RawClient } from "./raw-client.js";

describe("the server keeps a deadline on its own, against a client that never cancels", () => {
  test.each(["Greet", "GreetServerStream", "GreetClientStream", "GreetStream"])(
    "%s: status 4, though its handler ignores the signal",
    async (method) => {
      const cleanup = happening();
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (r) =>
          r.service(GreetService, {
            greet: forEver,
            greetClientStream: forEver,
            async *greetServerStream() {
              yield {};
              await forEver();
            },
            async *greetStream(requests) {
              try {
                for await (const _ of requests);
                await forEver();
                yield {};
              } finally {
                cleanup.tell();
              }
            },
          }),
      });
      const client = new RawClient(server.port);
      const answer = await client.call(
        `/greet.GreetService/${method}`,
        { "grpc-timeout": "150m" },
        envelope(new Uint8Array()),
        method === "GreetStream",
      );
      const status = { ...answer.header, ...answer.trailer };
      expect(status["grpc-status"]).toBe(String(Code.DeadlineExceeded));
      expect(decodeURIComponent(String(status["grpc-message"]))).toBe(
        `the deadline of 150 ms that the client sent (the rest of its timeoutMs) passed in greet.GreetService/${method}, at the server; raise timeoutMs if that is too short`,
      );
      expect(answer.resetCode).toBe(0);
      if (method === "GreetStream") await cleanup;
      expect(server.activeCalls).toBe(0);
      await client.close();
    },
  );

  test.each([
    ["0m", 4],
    ["1n", 4],
    ["99999999H", 0],
    ["100", 3],
    ["", 3],
    ["1234567890m", 3],
    ["-1m", 3],
    ["1x", 3],
  ])("grpc-timeout %j gives status %d", async (timeout, status) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) =>
        r.service(GreetService, {
          greet: () => (status === 0 ? { greeting: "in time" } : forEver()),
        }),
    });
    const client = new RawClient(server.port);
    const { header, trailer } = await client.call(
      "/greet.GreetService/Greet",
      { "grpc-timeout": timeout },
      envelope(new Uint8Array()),
    );
    expect(trailer["grpc-status"] ?? header["grpc-status"]).toBe(String(status));
    await client.close();
  });
});
