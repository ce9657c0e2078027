// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. A server has at most `maxConnections`, and the peer of one more learns why it is refused.
// Mutant: core/src/server/lifecycle/create-server.ts # if (this.connections.size >= this.maxConnections) { => if (false) {
// Mutant: core/src/server/lifecycle/create-server.ts # connection.abortForLimit(why); => connection.abortForLimit("");
// Mutant: core/src/server/lifecycle/create-server.ts # connection.abortForLimit(why); => connection.abort(why);
// Mutant: node/src/socket-connector.ts # life.error ??= reason;
// Mutant: node/src/serve.ts # if (acceptor.open >= most) { => if (false) {
// Mutant: node/src/serve.ts # if (socketPath === undefined) socket.resetAndDestroy(); => if (true) socket.resetAndDestroy();
// Mutant: node/src/acceptor.ts # this.open--; => undefined;
// Mutant: core/src/server/lifecycle/create-server.ts # this.log.connectionRefused(connection.peer.address, why) => undefined
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, createTransport, type Logger, serve } from "@tristream/node";
import { errorOf, until } from "../../core/tests/events.js";

const reason = "the server has 2 of at most 2 connections (option maxConnections)";

async function start(maxConnections: number | undefined, socketPath?: string) {
  const lines: string[] = [];
  const logger: Logger = { error() {}, warn: (line) => lines.push(line), info() {}, debug() {} };
  const server = await serve({
    ...(socketPath === undefined ? { host: "127.0.0.1", port: 0 } : { socketPath }),
    maxConnections,
    logger,
    routes: (router) => router.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
  });
  return { server, lines };
}

test("a call over one connection too many fails with Unavailable and the reason, and the others go on", async () => {
  const { server, lines } = await start(2);
  await using _server = server;
  const [a, b, c] = [1, 2, 3].map(() => createTransport(server.url));
  for (const transport of [a!, b!])
    expect((await createClient(GreetService, transport).greet({ name: "x" })).greeting).toBe("x");
  const error = await errorOf(createClient(GreetService, c!).greet({ name: "x" }));
  expect(error.code).toBe(Code.Unavailable);
  expect(error.rawMessage).toContain(reason);
  // Further calls don't connect, since they would be refused, too; they have the reason.
  const next = await errorOf(createClient(GreetService, c!).greet({ name: "x" }));
  expect(next.rawMessage).toMatch(
    /^can't connect to 127\.0\.0\.1:\d+: the peer sent GOAWAY .*the next attempt is in/,
  );
  expect(next.rawMessage).toContain(reason);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^connection with 127\.0\.0\.1:\d+ refused: /);
  expect(lines[0]).toContain(reason);
  expect((await createClient(GreetService, a!).greet({ name: "y" })).greeting).toBe("y");
  await Promise.all([a, b, c].map((transport) => transport!.close()));
});

/** Makes calls, each over a connection of its own, until one succeeds; at most so many. */
async function callsUntilOneSucceeds(url: string, most: number): Promise<number> {
  for (let calls = 1; calls <= most; calls++) {
    const transport = createTransport(url);
    const greeted = await createClient(GreetService, transport)
      .greet({})
      .catch(() => null);
    await transport.close();
    if (greeted !== null) return calls;
  }
  return Number.POSITIVE_INFINITY;
}

test("connections that end make room for others", async () => {
  const { server } = await start(1);
  await using _server = server;
  for (let i = 0; i < 120; i++) {
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    await once(socket, "close");
  }
  // The server may hear of the last ends a little later.
  expect(await callsUntilOneSucceeds(server.url, 200)).toBeLessThan(200);
});

test("of a flood of connections, a hundred are told why, the others are reset, and the log has few lines", async () => {
  const { server, lines } = await start(2);
  await using _server = server;
  const told = new Set<Socket>();
  const sockets = Array.from({ length: 300 }, () => {
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    socket.on("data", () => told.add(socket));
    return socket;
  });
  const closed = Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve))),
  );
  await until(() => sockets.every((socket) => socket.closed || told.has(socket)));
  for (const socket of sockets) socket.destroy();
  await closed;
  // A refused connection is gone within a second, and may make room for another one meanwhile.
  expect(told.size).toBeGreaterThanOrEqual(102);
  expect(told.size).toBeLessThan(300);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(30);
});

test("a flood of connections to a unix socket does not end the process", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tristream-most-"));
  try {
    const path = join(folder, "s");
    const { server } = await start(1, path);
    await using _server = server;
    const told = new Set<Socket>();
    const ended = new Set<Socket>();
    const sockets = Array.from({ length: 150 }, () => {
      const socket = connect({ path, allowHalfOpen: true });
      socket.on("error", () => {});
      socket.on("data", () => told.add(socket));
      socket.on("end", () => ended.add(socket));
      return socket;
    });
    await until(() => sockets.every((socket) => told.has(socket) || ended.has(socket) || socket.closed));
    expect(told.size).toBeGreaterThanOrEqual(101);
    const closed = sockets.map((socket) => socket.closed || once(socket, "close"));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    expect(await callsUntilOneSucceeds(server.url, 200)).toBeLessThan(200);
  } finally {
    await rm(folder, { recursive: true });
  }
});
