// SPDX-License-Identifier: Apache-2.0
// Promise 9: shutdown is finite. What peers see of it that are no libraries of ours, and that may not cooperate.
// Mutant: core/src/server/lifecycle/create-server.ts # for (const { connection } of this.connections) connection.shutdown();
// Mutant: core/src/server/lifecycle/create-server.ts # call.stop(error, true);
// Mutant: node/src/serve.ts # if (sockets.listening) sockets.close();
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { forEver, happening, until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope, RawClient } from "./raw-client.js";
import { RawSocket } from "./raw-socket.js";
import { Wire } from "./wire.js";

const request = envelope(new Uint8Array());

function start() {
  return serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        async *greetServerStream() {
          yield {};
          await forEver();
        },
      }),
  });
}

describe("a server that shuts down", () => {
  test("says GOAWAY(NO_ERROR) at once, status 14 to what runs at the grace limit, and closes", async () => {
    await using server = await start();
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    const goAways: number[] = [];
    const gone = happening();
    session.on("goaway", (code) => goAways.push(code));
    session.on("error", () => {});
    session.on("close", () => gone.tell());
    const stream = session.request({
      ":method": "POST",
      ":path": "/greet.GreetService/GreetServerStream",
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    const trailers = happening<Record<string, unknown>>();
    const begun = happening();
    stream.on("data", () => begun.tell());
    stream.on("trailers", (fields) => trailers.tell(fields));
    stream.on("error", () => {});
    stream.end(request);
    await begun;
    const report = server.shutdown({ graceMs: 150 });
    await until(() => goAways.length > 0);
    expect(server.activeCalls).toBe(1);
    expect(await trailers).toMatchObject({
      "grpc-status": "14",
      "grpc-message": "the server is shutting down",
    });
    expect(await report).toEqual({ finished: 0, cut: 1 });
    await gone;
    expect(new Set(goAways)).toEqual(new Set([0]));
  });

  test("accepts no connection any more", async () => {
    const server = await start();
    await server.shutdown();
    const outcome = happening<string>();
    const socket = connect({ host: "127.0.0.1", port: server.port });
    socket.on("connect", () => outcome.tell("connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => outcome.tell(String(error.code)));
    expect(await outcome).toBe("ECONNREFUSED");
  });

  test("lets a call of a foreign client finish within its grace", async () => {
    const go = happening();
    const begun = happening();
    const server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) =>
        r.service(GreetService, {
          async greet() {
            begun.tell();
            await go;
            return { greeting: "in time" };
          },
        }),
    });
    const client = new RawClient(server.port);
    const call = client.call("/greet.GreetService/Greet", {}, request);
    await begun;
    const report = server.shutdown({ graceMs: 60_000 });
    go.tell();
    expect((await call).trailer["grpc-status"]).toBe("0");
    expect(await report).toEqual({ finished: 1, cut: 0 });
  });

  /** The actions of a peer that holds its connection. */
  const stubborn: Record<string, (port: number) => Promise<Socket>> = {
    "that never says a word": async (port) => {
      const socket = connect({ host: "127.0.0.1", port });
      await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
      return socket;
    },
    "that answers no PING": async (port) => (await RawSocket.open(port)).socket,
    "that has an open request": async (port) => {
      const client = await RawSocket.open(port);
      client.call(1, "/greet.GreetService/GreetStream");
      client.data(1, request);
      await client.line("DATA 1");
      return client.socket;
    },
    "that never reads": async (port) => {
      const client = await RawSocket.open(port);
      client.call(1, "/greet.GreetService/GreetServerStream");
      client.data(1, request, true);
      await client.line("DATA 1");
      client.socket.pause();
      return client.socket;
    },
    "that keeps its side open": async (port) => {
      const client = await RawSocket.open(port);
      client.socket.allowHalfOpen = true;
      return client.socket;
    },
  };

  test.each(Object.entries(stubborn))("is through at the grace limit with a peer %s", async (_what, hold) => {
    const server = await start();
    const socket = await hold(server.port);
    socket.on("error", () => {});
    await server.shutdown({ graceMs: 50 });
    expect(server.activeCalls).toBe(0);
    socket.destroy();
  });
});

describe.each(everyLink)("GOAWAY of a shutdown over $name", (link) => {
  test("goes out before the status of what is cut", async () => {
    const wire = new Wire();
    await using end = await link.start({
      tap: wire.tap,
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            yield {};
            await forEver();
          },
        }),
    });
    const stream = createClient(GreetService, end.transport).greetServerStream({});
    await stream.receive();
    const before = wire.all("server-to-client").length;
    await end.server.shutdown({ graceMs: 20 });
    const after = wire.all("server-to-client").slice(before);
    const goAway = after.indexOf("GOAWAY NO_ERROR");
    const status = after.findIndex((line) => /^HEADERS \d+ END_STREAM$/.test(line));
    expect(goAway).toBeGreaterThanOrEqual(0);
    expect(status).toBeGreaterThan(goAway);
  });
});
