// SPDX-License-Identifier: Apache-2.0
// Promise 3: no handler is orphaned. One that is stuck on an await of its own is reported, and keeps its place.
// Mutant: core/src/server/lifecycle/create-server.ts # if (running) this.stuck.add(call);
// Mutant: core/src/engine/call/server-call.ts # this.stream.hold();
// Mutant: core/src/engine/call/server-call.ts # this.host.owner.settledLate(this, error);
// Mutant: core/src/server/lifecycle/create-server.ts # afterInput( => queueMicrotask(
import { Code, createClient, type Logger } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock } from "@tristream/testing";
import { errorOf, happening, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

/** A logger whose lines a test can await. */
function collecting(): { logger: Logger; lines: string[]; line(containing: string): Promise<string> } {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const write = (level: string) => (message: string) => {
    lines.push(`${level} ${message}`);
    for (const look of [...waiting]) look();
  };
  return {
    logger: { error: write("error"), warn: write("warn"), info: write("info"), debug: write("debug") },
    lines,
    line: (containing) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = lines.find((line) => line.includes(containing));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

describe.each(everyLink)("a handler that outlives its call over $name", (link) => {
  test.each(["greet", "greetStream", "greetClientStream", "greetServerStream"] as const)(
    "%s is reported once, with who called it and for how long, and again when it ends",
    async (method) => {
      const entered = happening();
      const go = happening();
      const block = async (): Promise<void> => {
        entered.tell();
        await go;
      };
      const log = collecting();
      await using end = await link.start({
        logger: log.logger,
        stuckHandlerMs: 20,
        routes: (r) =>
          r.service(GreetService, {
            async greet() {
              await block();
              return {};
            },
            // biome-ignore lint/correctness/useYield: it is stuck before its first message
            async *greetStream() {
              await block();
            },
            async greetClientStream() {
              await block();
              return {};
            },
            // biome-ignore lint/correctness/useYield: it is stuck before its first message
            async *greetServerStream() {
              await block();
            },
          }),
      });
      const client = createClient(GreetService, end.transport);
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const call =
        method === "greet"
          ? client.greet({}, options)
          : method === "greetClientStream"
            ? client.greetClientStream([], options)
            : method === "greetStream"
              ? client.greetStream([], options).receive()
              : client.greetServerStream({}, options).receive();
      const failed = errorOf(call);
      await entered;
      controller.abort();
      await failed;
      const name = `GreetService/${method[0]!.toUpperCase()}${method.slice(1)}`;
      const reported = await log.line("still runs");
      expect(reported).toMatch(
        new RegExp(
          `^warn the handler of greet\\.${name}, called by \\S+, still runs \\d+ ms after its call ended`,
        ),
      );
      go.tell();
      expect(await log.line("has ended")).toMatch(
        new RegExp(
          `^warn the handler of greet\\.${name}, called by \\S+, has ended, \\d+ ms after its call$`,
        ),
      );
      expect(log.lines.filter((line) => line.includes("still runs"))).toHaveLength(1);
    },
  );

  test("is not reported when it settles soon, and nothing is kept of it", async () => {
    const entered = happening();
    const go = happening();
    const settled = happening();
    const log = collecting();
    await using end = await link.start({
      logger: log.logger,
      stuckHandlerMs: 60_000,
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greet() {
            entered.tell();
            await go;
            settled.tell();
            return {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const controller = new AbortController();
    const failed = errorOf(client.greet({}, { signal: controller.signal }));
    await entered;
    controller.abort();
    await failed;
    go.tell();
    await settled;
    expect(log.lines.filter((line) => line.startsWith("warn"))).toEqual([]);
    // Nothing runs any more, so this needs no grace.
    expect(await end.server.shutdown({ graceMs: 60_000 })).toMatchObject({ cut: 0 });
  });

  test("and throws then, is logged once; what follows from the call's end is not", async () => {
    const entered = happening();
    const go = happening();
    const log = collecting();
    await using end = await link.start({
      logger: log.logger,
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greet() {
            entered.tell();
            await go;
            throw new RangeError("out of paper");
          },
          async *greetStream(requests) {
            yield {};
            for await (const _ of requests);
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.receive();
    chat.cancel();
    const controller = new AbortController();
    const failed = errorOf(client.greet({}, { signal: controller.signal }));
    await entered;
    controller.abort();
    await failed;
    // The server has to have heard of the cancel before the handler throws.
    await until(() => end.server.activeCalls === 0);
    go.tell();
    expect(await log.line("out of paper")).toMatch(
      /^warn greet\.GreetService\/Greet, called by \S+, threw after its call had ended: RangeError: out of paper\n/,
    );
    expect(log.lines.filter((line) => !line.startsWith("debug"))).toHaveLength(1);
  });

  test("keeps its place in the limit on streams, however often it is cancelled", async () => {
    let running = 0;
    const go = happening();
    const clock = createClock();
    await using end = await link.start({
      clock,
      http2: { maxConcurrentStreams: 3 },
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async greet() {
            running++;
            await go;
            running--;
            return {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const outcomes = new Map<Code, number>();
    for (let i = 0; i < 10; i++) {
      const failed = errorOf(client.greet({}, { timeoutMs: 20 }));
      await until(() => running === Math.min(i + 1, 3));
      await clock.advance(24);
      const error = await failed;
      outcomes.set(error.code, (outcomes.get(error.code) ?? 0) + 1);
    }
    expect(running).toBe(3);
    expect(outcomes.get(Code.DeadlineExceeded)).toBeGreaterThanOrEqual(3);
    go.tell();
  });

  test.each([0, 150])(
    "gets a moment for its finally when the server cuts it, also in a process that is busy for %d ms",
    async (busyMs) => {
      let cleaned = false;
      await using end = await link.start({
        routes: (r) =>
          r.service(GreetService, {
            ...greeter(),
            async *greetStream(requests) {
              try {
                yield {};
                for await (const _ of requests);
              } finally {
                for (const ends = performance.now() + busyMs; performance.now() < ends; );
                await new Promise(setImmediate);
                await new Promise(setImmediate);
                cleaned = true;
              }
            },
          }),
      });
      const chat = createClient(GreetService, end.transport).greetStream();
      await chat.receive();
      expect(await end.server.shutdown({ graceMs: 0 })).toEqual({ finished: 0, cut: 1 });
      expect(cleaned).toBe(true);
      expect((await errorOf(chat.receive())).code).toBe(Code.Unavailable);
    },
  );
});
