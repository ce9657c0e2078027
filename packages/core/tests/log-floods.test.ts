// SPDX-License-Identifier: Apache-2.0
// Promise 10: errors are seen. A peer can neither flood a log nor forge its lines, and what was left out is counted.
// Mutant: core/src/log/server-log.ts # if (!this.limits.admit(level, kind, peer)) return false;
// Mutant: core/src/log/server-log.ts # printable(line) + stack => line + stack
// Mutant: core/src/log/describe-thrown.ts # printable(stack.slice(0, at) + cut(message)) => stack.slice(0, at) + cut(message)
// Mutant: core/src/log/describe-thrown.ts # text.length > longest => false
// Mutant: core/src/server/lifecycle/create-server.ts # if (this.stopped !== null) this.log.flush();
// Mutant: core/src/log/server-log.ts # typeof listSize === "number" && listSize <= usualListSize => false
// Mutant: core/src/log/server-log.ts # listSize <= usualListSize => true
// Mutant: core/src/log/client-log.ts # if (limits.admit("warn", kind, method)) write(text()); => write(text());
// Mutant: core/src/client/transport/create-transport.ts # flushWarnings();
// Mutant: core/src/server/call/stuck-handlers.ts # this.reported = this.log.stuck => this.reported = true; this.log.stuck
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { jest } from "@jest/globals";
import {
  Code,
  ConnectError,
  type Connection,
  createClient,
  createServer,
  type Logger,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { errorOf, forEver, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { envelope } from "./raw-client.js";

const hostile = "\n2026-01-01 ERROR forged\r\x1b]0;title\x07\x7f\x9b31m\u2028\u2029\u202e\u2066";
const escaped =
  "\\n2026-01-01 ERROR forged\\r\\u001b]0;title\\u0007\\u007f\\u009b31m\\u2028\\u2029\\u202e\\u2066";

function collecting(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return {
    logger: { error: write("error"), warn: write("warn"), info: write("info"), debug: write("debug") },
    lines,
  };
}

describe.each(everyLink)("a server's log over $name", (link) => {
  async function start() {
    const log = collecting();
    const clock = createClock();
    const end = await link.start({
      logger: log.logger,
      clock,
      stuckHandlerMs: 1000,
      routes: (r) =>
        r.service(GreetService, {
          greet({ name }) {
            throw new Error(name);
          },
          async *greetServerStream() {
            yield {};
            throw new Error("of a stream");
          },
          greetClientStream: forEver,
        }),
    });
    const client = createClient(GreetService, end.transport);
    const greet = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await errorOf(client.greet({ name: `n${i}` }));
    };
    return { ...end, client, greet, clock, lines: log.lines };
  }

  test("has the first 20 errors of a handler in full, then says how many more there were", async () => {
    const end = await start();
    await using _ = end;
    await end.greet(100);
    expect(end.lines).toHaveLength(20);
    expect(end.lines[19]).toMatch(
      /^error internal error \(id \w{8}\) in greet\.GreetService\/Greet, called by .*: Error: n19\n {4}at /,
    );
    await end.clock.advance(10_000);
    expect(end.lines.slice(20)).toEqual([
      expect.stringMatching(
        /^error 80 more like this left out: internal errors in greet\.GreetService\/Greet \(\S+\)$/,
      ),
    ]);
  });

  test("counts what was left out before the next line of the kind", async () => {
    const end = await start();
    await using _ = end;
    await end.greet(30);
    await end.clock.advance(1000);
    await end.greet(1);
    expect(end.lines.slice(20)).toEqual([
      expect.stringContaining("error 10 more like this left out: "),
      expect.stringContaining("Error: n0\n"),
    ]);
  });

  test("counts what was left out when the server ends", async () => {
    const end = await start();
    await end.greet(30);
    await end[Symbol.asyncDispose]();
    expect(end.lines.filter((line) => line.includes("more like this"))).toEqual([
      expect.stringContaining("error 10 more like this left out: "),
    ]);
  });

  test("has another method's errors in full beside a flood", async () => {
    const end = await start();
    await using _ = end;
    await end.greet(100);
    const stream = end.client.greetServerStream({});
    await stream.receive();
    await errorOf(stream.receive());
    expect(end.lines[20]).toContain("in greet.GreetService/GreetServerStream, called by");
  });

  test("has one line for an error whose text a peer has chosen, without control characters", async () => {
    const end = await start();
    await using _ = end;
    await errorOf(end.client.greet({ name: `x${hostile}` }));
    const [head, ...frames] = end.lines[0]!.split("\n");
    expect(head).toMatch(/^error internal error \(id /);
    expect(head).toContain(`: Error: x${escaped}`);
    expect(frames.length).toBeGreaterThan(0);
    for (const line of frames) expect(line).toMatch(/^ {4}at [^\p{Cc}]*$/u);
    expect(end.lines).toHaveLength(1);
  });

  test("has at most 8 KiB of an error's text and of its stack", async () => {
    const end = await start();
    await using _ = end;
    await errorOf(end.client.greet({ name: "y".repeat(1_000_000) }));
    expect(end.lines[0]!.length).toBeLessThan(20_000);
    expect(end.lines[0]).toContain("… (991808 characters more)");
  });

  test("reports 20 of many handlers that outlive their calls, and the end of those alone", async () => {
    const log = collecting();
    const clock = createClock();
    const ends: (() => void)[] = [];
    await using end = await link.start({
      logger: log.logger,
      clock,
      stuckHandlerMs: 1000,
      routes: (r) =>
        r.service(GreetService, { greet: () => new Promise((resolve) => ends.push(() => resolve({}))) }),
    });
    const client = createClient(GreetService, end.transport);
    const controller = new AbortController();
    const calls = Array.from({ length: 50 }, () => errorOf(client.greet({}, { signal: controller.signal })));
    await until(() => ends.length === 50);
    controller.abort();
    await Promise.all(calls);
    await until(() => end.server.activeCalls === 0);
    await clock.advance(1100);
    expect(log.lines.filter((line) => line.includes("still runs"))).toHaveLength(20);
    for (const settle of ends) settle();
    await clock.advance(10_000);
    expect(log.lines.filter((line) => line.includes("has ended, "))).toHaveLength(20);
    expect(log.lines.filter((line) => line.includes("more like this"))).toEqual([
      expect.stringContaining("warn 30 more like this left out: handlers of greet.GreetService/Greet"),
    ]);
  });
});

test("connections that are refused one after the other have 20 lines", async () => {
  const log = collecting();
  const clock = createClock();
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    clock,
    logger: log.logger,
    routes: () => {},
  });
  for (let i = 0; i < 60; i++) {
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\n\r\n"));
      socket.on("error", () => {});
      socket.resume();
      socket.on("close", () => resolve());
    });
  }
  await until(() => log.lines.length >= 20);
  await clock.advance(10_000);
  expect(log.lines).toHaveLength(21);
  expect(log.lines[20]).toBe("warn 40 more like this left out: connections refused (127.0.0.1)");
});

test("a connection's error has one line, without control characters", () => {
  const log = collecting();
  const server = createServer({ logger: log.logger, routes: () => {} });
  const connection: Connection = {
    usable: true,
    activeStreams: 0,
    maxHeaderListSize: 0,
    peer: { address: "somewhere", transport: "memory" },
    prepare: (fields) => ({ fields }),
    start: (events) => events.closed?.(new Error(`lost${hostile}`)),
    open: () => {
      throw new Error("a server opens no stream");
    },
    shutdown() {},
    abort() {},
    abortForLimit() {},
  };
  server.accept(connection);
  expect(log.lines).toEqual([`debug connection with somewhere ended: lost${escaped}`]);
});

test.each([
  ["a client's own small limit", 100, "x".repeat(50), "debug"],
  ["a list that is larger than any client takes", 16_384, "x".repeat(17_000), "warn"],
])("an error without its metadata because of %s has a line at its level", async (_, limit, value, level) => {
  const log = collecting();
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: log.logger,
    routes: (r) =>
      r.service(GreetService, {
        greet() {
          throw new ConnectError("no", Code.Aborted, { "x-why": value });
        },
      }),
  });
  const session = connectHttp2(`http://127.0.0.1:${server.port}`, { settings: { maxHeaderListSize: limit } });
  session.on("error", () => {});
  await new Promise((resolve) => session.on("localSettings", resolve));
  const stream = session.request({
    ":method": "POST",
    ":path": "/greet.GreetService/Greet",
    "content-type": "application/grpc",
  });
  stream.on("error", () => {});
  stream.resume();
  stream.end(envelope(new Uint8Array()));
  await new Promise((resolve) => stream.on("close", resolve));
  session.destroy();
  const lines = log.lines.filter((line) => line.includes("without some of its metadata"));
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^${level} the error of greet`))]);
});

test("a client's callback that throws for each call has 20 warnings, and a count when its transport closes", async () => {
  const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
  const [link] = everyLink;
  await using end = await link!.start({ routes: (r) => r.service(GreetService, { greet: () => ({}) }) });
  const client = createClient(GreetService, end.transport);
  const began = performance.now();
  for (let i = 0; i < 100; i++) {
    await errorOf(
      client
        .greetServerStream(
          {},
          {
            onTrailer() {
              throw new Error(`clumsy${hostile}`);
            },
          },
        )
        .receive(),
    );
  }
  const seconds = Math.ceil((performance.now() - began) / 1000);
  await end.transport.close();
  const lines = warn.mock.calls.map(([line]) => line);
  warn.mockRestore();
  expect(lines[0]).toBe(
    `tristream: onTrailer of greet.GreetService/GreetServerStream threw: Error: clumsy${escaped}`,
  );
  expect(lines.length).toBeGreaterThanOrEqual(20);
  // The clock is the runtime's: one line, and one count, for each second that passed.
  expect(lines.length).toBeLessThanOrEqual(21 + 2 * seconds);
  // A later report would be one of a program that may be over.
  expect(lines.at(-1)).toMatch(
    /^tristream: \d+ more like this left out: errors of onTrailer \(greet\.GreetService\/GreetServerStream\)$/,
  );
});
