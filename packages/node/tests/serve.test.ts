// SPDX-License-Identifier: Apache-2.0
// A server in a block: it listens until the block is left, and then it has shut down.
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  createClient,
  createTransport,
  serve,
  type TripleTransport,
} from "@tristream/node";
import { Later } from "./foreign-greet.js";

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

describe("await using server = await serve(…)", () => {
  it("shuts down when the block is left: what runs finishes, then nothing listens", async () => {
    const begun = new Later<void>();
    const order: string[] = [];
    const connected = new Later<TripleTransport>();
    let port = 0;
    const serving = async (): Promise<void> => {
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (router) =>
          router.service(GreetService, {
            async greet({ name }, { shutdownSignal }) {
              begun.resolve();
              await once(shutdownSignal, "abort");
              order.push("the shutdown has begun");
              return { greeting: name };
            },
          }),
      });
      port = server.port;
      connected.resolve(createTransport(server.url));
      await begun.promise;
    };
    const left = serving().then(() => void order.push("the block is left"));
    await using transport = await connected.promise;
    const { greeting } = await createClient(GreetService, transport).greet({ name: "a" });
    order.push(`answered ${greeting}`);
    await left;
    expect(order).toEqual(["the shutdown has begun", "answered a", "the block is left"]);
    const probe = connect({ host: "127.0.0.1", port });
    const [error] = await once(probe, "error");
    expect(error.code).toBe("ECONNREFUSED");
  });

  it("shuts down when the block throws, too", async () => {
    let port = 0;
    const work = async (): Promise<void> => {
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (router) => router.service(GreetService, {}),
      });
      port = server.port;
      throw new RangeError("not today");
    };
    await expect(work()).rejects.toThrow("not today");
    // The port is free again.
    await using again = await serve({ host: "127.0.0.1", port, logger: quiet, routes: () => {} });
    expect(again.port).toBe(port);
  });

  it("needs a port or a path, and says so", async () => {
    for (const [given, said] of [
      [{}, "neither port nor socketPath"],
      [{ port: 0, socketPath: "/tmp/x" }, "both port and socketPath"],
    ] as const) {
      const error = await serve({ ...given, routes: () => {} }).then(
        () => undefined,
        (reason) => reason as ConnectError,
      );
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: `serve was given ${said}: give one of them`,
      });
    }
  });
});

describe("createTransport's connectTimeoutMs", () => {
  it.each([Number.NaN, 0, -1, 2 ** 31, Number.NEGATIVE_INFINITY])(
    "refuses %p, and says what is allowed",
    (ms) => {
      expect(() => createTransport("tri://127.0.0.1:1", { connectTimeoutMs: ms })).toThrow(
        expect.objectContaining({
          code: Code.InvalidArgument,
          rawMessage: `connectTimeoutMs is ${ms}: pass milliseconds above 0 and up to 2147483647, or Infinity for no limit`,
        }),
      );
    },
  );

  it.each([2 ** 31 - 1, Number.POSITIVE_INFINITY])("takes %p", async (ms) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (router) => router.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
    });
    const transport = createTransport(`tri://127.0.0.1:${server.port}`, { connectTimeoutMs: ms });
    const client = createClient(GreetService, transport);
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    await transport.close();
  });
});
