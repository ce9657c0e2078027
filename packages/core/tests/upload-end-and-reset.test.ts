// SPDX-License-Identifier: Apache-2.0
// Promise 2: a cancelled upload never looks complete, also when the cancel comes as END_STREAM with RST_STREAM close behind it.
// Mutant: core/src/engine/call/server-call.ts # if (this.method.requestStream) this.host.heldEnds.hold(this); => if (this.method.requestStream) this.deliverEnd();
// Mutant: core/src/engine/call/server-call.ts # if (this.method.requestStream) holdForTwoTurns(this); => if (this.method.requestStream) this.deliverEnd();
// Mutant: core/src/engine/call/held-ends.ts # if (this.connection.ping === undefined) { => if (this.connection !== undefined) {
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createClient as createConnectClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type Clock, Code, createClient, systemClock, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { data, join, ping, rst } from "../../http2/tests/frames.js";
import { forEver, happening, turns, until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { envelope } from "./raw-client.js";
import { RawSocket } from "./raw-socket.js";

const empty = new Uint8Array();
/** The answer to the PING that the server sends behind the end of an upload. */
const acknowledged = ping("roundtri", true);
const paths = ["/greet.GreetService/GreetClientStream", "/greet.GreetService/GreetStream"];

/** A server whose handlers read to the end, and tell how their loops ended. Its clock is the runtime's, or one that stands. */
async function reading(clock: Clock = systemClock, began: () => void = () => {}) {
  const got = happening();
  const outcome = happening<unknown>();
  const outcomes: unknown[] = [];
  const read = async (requests: AsyncIterable<unknown>): Promise<void> => {
    let how: unknown = "complete";
    try {
      for await (const _ of requests) {
        got.tell();
        began();
      }
    } catch (error) {
      how = error;
      throw error;
    } finally {
      outcomes.push(how);
      outcome.tell(how);
    }
  };
  const impl: Partial<TripleServiceImpl<typeof GreetService>> = {
    async greetClientStream(requests) {
      await read(requests);
      return {};
    },
    async *greetStream(requests) {
      await read(requests);
      yield {};
    },
  };
  const routes = (r: { service(s: typeof GreetService, i: typeof impl): unknown }) =>
    r.service(GreetService, impl);
  const server = await serve({ host: "127.0.0.1", port: 0, logger: quiet, clock, routes });
  return { server, got, outcome, outcomes };
}

describe.each(paths)("an upload to %s", (path) => {
  test("that ends and is reset in one write is cancelled", async () => {
    const { server, got, outcome } = await reading();
    await using _server = server;
    using client = await RawSocket.open(server.port);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.write(join(data(1, empty, { end: true }), rst(1, 8)));
    expect(await outcome).toMatchObject({ code: Code.Canceled });
  });

  test("that ends and is reset in two writes of one turn is cancelled", async () => {
    const { server, got, outcome } = await reading();
    await using _server = server;
    using client = await RawSocket.open(server.port);
    client.socket.setNoDelay(true);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.data(1, empty, true);
    client.reset(1, 8);
    expect(await outcome).toMatchObject({ code: Code.Canceled });
  });

  test("that ends, and is reset before the client answers the server's PING, is cancelled", async () => {
    const { server, got, outcome } = await reading(createClock());
    await using _server = server;
    using client = await RawSocket.open(server.port);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.data(1, empty, true);
    await client.line("PING");
    client.reset(1, 8);
    client.write(acknowledged);
    expect(await outcome).toMatchObject({ code: Code.Canceled });
  });

  test("that ends, and is reset right behind the answer to the server's PING, is cancelled", async () => {
    const { server, got, outcome } = await reading(createClock());
    await using _server = server;
    using client = await RawSocket.open(server.port);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.data(1, empty, true);
    await client.line("PING");
    client.write(join(acknowledged, rst(1, 8)));
    expect(await outcome).toMatchObject({ code: Code.Canceled });
  });

  test("that ends is complete when the client has answered the server's PING, before any time passes", async () => {
    const { server, got, outcome } = await reading(createClock());
    await using _server = server;
    using client = await RawSocket.open(server.port);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.data(1, empty, true);
    await client.line("PING");
    client.write(acknowledged);
    expect(await outcome).toBe("complete");
  });

  test("that ends is complete within 6 ms when the client never answers a PING", async () => {
    const clock = createClock();
    const { server, got, outcome, outcomes } = await reading(clock);
    await using _server = server;
    using client = await RawSocket.open(server.port);
    client.call(1, path);
    client.data(1, envelope(empty));
    await got;
    client.data(1, empty, true);
    await client.line("PING");
    await turns(20);
    expect(outcomes).toEqual([]);
    await clock.advance(6);
    expect(await outcome).toBe("complete");
  });

  test("that has no message, ends with its headers and is reset behind them is cancelled", async () => {
    const { server, outcome } = await reading();
    await using _server = server;
    using client = await RawSocket.open(server.port);
    client.socket.cork();
    client.call(1, path, [], true);
    client.reset(1, 8);
    client.socket.uncork();
    expect(await outcome).toMatchObject({ code: Code.Canceled });
  });
});

test("uploads that a stock connect-es client cancels are seen as cancelled", async () => {
  const { server, outcomes } = await reading();
  await using _server = server;
  const client = createConnectClient(
    GreetService,
    createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port}` }),
  );
  for (let i = 1; i <= 60; i++) {
    const abort = new AbortController();
    const began = happening();
    const call = client.greetClientStream(
      (async function* () {
        yield { name: "a" };
        began.tell();
        await forEver();
      })(),
      { signal: abort.signal },
    );
    const ended = call.then(
      () => {},
      () => {},
    );
    await began;
    await turns(20);
    abort.abort();
    await ended;
    await until(() => outcomes.length >= i);
  }
  const complete = outcomes.filter((how) => how === "complete").length;
  // The kernel may deliver the end a turn before the reset: then nothing shows that there is one.
  expect(complete).toBeLessThanOrEqual(6);
});

test("uploads that a stock connect-es client of another process cancels are seen as cancelled", async () => {
  const count = 30;
  const { server, outcomes } = await reading(systemClock, () => child.stdin.write("got\n"));
  await using _server = server;
  const file = fileURLToPath(new URL("./cancelling-child.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--conditions=@tristream/source", "--import", "tsx", file, String(server.port), String(count)],
    { stdio: ["pipe", "inherit", "inherit"] },
  );
  await once(child, "close");
  await until(() => outcomes.length === count);
  // 1 or 2 of 60 were measured, of a client that is cold; 50 of 60 without a PING. A loaded machine may let some of them pass.
  const complete = outcomes.filter((how) => how === "complete").length;
  expect(complete).toBeLessThanOrEqual(count / 2);
});

describe.each(everyLink)("an upload over $name", (link) => {
  test("that ends is complete, and a bidi stream that half-closes gets its answers", async () => {
    const impl: Partial<TripleServiceImpl<typeof GreetService>> = {
      async *greetStream(requests) {
        for await (const { name } of requests) yield { greeting: name };
        yield { greeting: "end" };
      },
      async greetClientStream(requests) {
        let n = 0;
        for await (const _ of requests) n++;
        return { greeting: String(n) };
      },
    };
    await using end = await link.start({ routes: (r) => r.service(GreetService, impl) });
    const client = createClient(GreetService, end.transport);
    expect((await client.greetClientStream([])).greeting).toBe("0");
    expect((await client.greetClientStream([{}, {}])).greeting).toBe("2");
    const greetings: string[] = [];
    for await (const { greeting } of client.greetStream([{ name: "a" }])) greetings.push(greeting);
    expect(greetings).toEqual(["a", "end"]);
  });
});
