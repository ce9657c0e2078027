// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded work. Deadlines that pass together are honest, and are limited apart from other resets.
// Mutant: core/src/engine/call/server-call.ts # stream.dueAt = this.dueAt;
// Mutant: core/src/engine/call/server-call.ts # this.stream.deadlinePassed?.();

import { create, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import { createClient, createServer, type Logger, type TripleServiceImpl } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection } from "@tristream/http2";
import { createClock, memoryPair } from "@tristream/testing";
import { Random } from "../../http2/tests/random.js";
import { until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { FramingPeer } from "./framing-peer.js";
import { envelope } from "./raw-client.js";

/** Answers, but for the name "slow": that call waits for its end. */
const impl: Partial<TripleServiceImpl<typeof GreetService>> = {
  greet: ({ name }, { signal }) =>
    name === "slow"
      ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      : { greeting: name },
};

describe.each(everyLink)("over $name", (link) => {
  it("ten thousand calls of 1 ms, all at once, leave the connection to others", async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...quiet, warn: (line) => void warnings.push(String(line)) };
    await using end = await link.start({
      logger,
      routes: (r) => r.service(GreetService, impl),
    });
    const client = createClient(GreetService, end.transport);
    await client.greet({ name: "first" });
    const calls = Array.from({ length: 10_000 }, () =>
      client.greet({ name: "slow" }, { timeoutMs: 1 }).then(
        () => "answered",
        (error: ConnectError) => error.code,
      ),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set([Code.DeadlineExceeded]));
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
    expect(warnings).toEqual([]);
  });

  it("three thousand cancels at once of calls with near deadlines do so, too; resetRate has no part in it", async () => {
    await using end = await link.start({
      http2: { resetRate: { burst: 0, perSecond: 0 } },
      routes: (r) => r.service(GreetService, impl),
    });
    const client = createClient(GreetService, end.transport);
    await client.greet({ name: "first" });
    const aborts = new AbortController();
    const calls = Array.from({ length: 3000 }, () =>
      client
        .greet({ name: "slow" }, { timeoutMs: 900, signal: aborts.signal })
        .catch((error: ConnectError) => error.code),
    );
    await client.greet({ name: "behind them" }, { timeoutMs: 900 }).catch(() => {});
    aborts.abort();
    const codes = new Set(await Promise.all(calls));
    expect([Code.Canceled, Code.DeadlineExceeded]).toEqual(expect.arrayContaining([...codes]));
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });

  it("a flood of resets of calls whose deadline is near ends the connection, and the log names deadlineRate", async () => {
    let warned: (line: string) => void = () => {};
    const warning = new Promise<string>((resolve) => {
      warned = resolve;
    });
    await using end = await link.start({
      clock: createClock(),
      logger: { ...quiet, warn: (line) => warned(String(line)) },
      http2: { deadlineRate: { burst: 2, perSecond: 0 } },
      routes: (r) => r.service(GreetService, impl),
    });
    const client = createClient(GreetService, end.transport);
    await client.greet({ name: "first" });
    const aborts = new AbortController();
    const other = client.greet({ name: "slow" }).catch((error: ConnectError) => error);
    const calls = Array.from({ length: 3 }, () =>
      client.greet({ name: "slow" }, { timeoutMs: 900, signal: aborts.signal }).catch(() => {}),
    );
    // An answer behind them: they are at the server.
    await client.greet({ name: "behind them" });
    aborts.abort();
    await Promise.all(calls);
    expect(await other).toMatchObject({ code: Code.Unavailable });
    expect(await warning).toContain("deadlineRate");
  });
});

it("calls that the server ends by their deadline count, too, when no reset comes", async () => {
  const pair = memoryPair();
  const server = createServer({ logger: quiet, routes: (r) => r.service(GreetService, impl) });
  await server.ready;
  const connection = new Connection("server", pair.server, { deadlineRate: { burst: 2, perSecond: 0 } });
  server.accept(connection);
  const peer = new FramingPeer(pair.client, "client", new Random(1));
  const message = envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "slow" })));
  const fields = [":method", "POST", ":scheme", "http", ":path", "/greet.GreetService/Greet"];
  for (const id of [1, 3, 5]) {
    peer.headers(id, [...fields, "content-type", "application/grpc", "te", "trailers", "grpc-timeout", "1m"]);
    peer.send(id, message);
  }
  await until(() => connection.counters.deadlines === 3);
  await until(() => connection.state.over);
  expect(connection.counters.resetsReceived).toBe(0);
  await server.shutdown({ graceMs: 0 });
});
