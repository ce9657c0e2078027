// SPDX-License-Identifier: Apache-2.0
// Mutant: testing/src/loopback.ts # keepTime(connection, clock); => keepTime(connection);
// Mutant: testing/src/loopback.ts # createServer({ ...serverOptions, clock }) => createServer(serverOptions)
// Mutant: testing/src/loopback.ts # { ...transportOptions, clock: transportOptions?.clock ?? clock } => { ...transportOptions }
// Mutant: testing/src/clock.ts # timer.dueAt < found.dueAt => timer.dueAt > found.dueAt
import { Code, createClient, type Logger } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock, type LoopbackOptions, loopback } from "@tristream/testing";

/** Collects what is logged at `warn`. */
function warnings(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  return { logger: { ...quiet, warn: (text) => void lines.push(text) }, lines };
}

const quiet: Logger = { error() {}, warn() {}, info() {}, debug() {} };

/** A promise, and whether it has settled. */
function watched<T>(promise: Promise<T>): { readonly settled: boolean; readonly error: Promise<unknown> } {
  const watch = {
    settled: false,
    error: promise.then(
      () => null,
      (error: unknown) => error,
    ),
  };
  void watch.error.then(() => {
    watch.settled = true;
  });
  return watch;
}

const never = new Promise<never>(() => {});

/** A service that never answers. */
function mute(options: Partial<LoopbackOptions> = {}) {
  const clock = createClock();
  const link = loopback({
    routes: (router) => router.service(GreetService, { greet: () => never }),
    clock,
    logger: quiet,
    ...options,
  });
  return { clock, link, client: createClient(GreetService, link.transport) };
}

describe("a loopback by a test's clock", () => {
  test("passes messages while the clock stands", async () => {
    await using link = loopback({
      routes: (router) => router.service(GreetService, { greet: ({ name }) => ({ greeting: name }) }),
      clock: createClock(),
    });
    const client = createClient(GreetService, link.transport, { timeoutMs: 1 });
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
  });

  test("keeps a deadline when the clock is advanced to it, not before", async () => {
    const { clock, link, client } = mute();
    await using _link = link;
    const call = watched(client.greet({}, { timeoutMs: 5000 }));
    await clock.advance(4999);
    expect(call.settled).toBe(false);
    await clock.advance(5);
    expect(await call.error).toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("a handler sees the time that is left", async () => {
    const clock = createClock();
    const left: (number | undefined)[] = [];
    await using link = loopback({
      clock,
      routes: (router) =>
        router.service(GreetService, {
          async greet(_request, context) {
            left.push(context.timeoutMs());
            await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
            left.push(context.timeoutMs());
            return {};
          },
        }),
    });
    const call = watched(createClient(GreetService, link.transport).greet({}, { timeoutMs: 5000 }));
    await clock.advance(5004);
    expect(await call.error).toMatchObject({ code: Code.DeadlineExceeded });
    expect(left[0]).toBe(5000);
    expect(left[1]).toBeLessThanOrEqual(0);
  });

  test("ends when nothing answers its SETTINGS within settingsTimeoutMs", async () => {
    const { clock, link, client } = mute({
      hook: (bytes, direction) => (direction === "server-to-client" ? null : bytes),
      http2: { settingsTimeoutMs: 7000, prefaceTimeoutMs: 60_000 },
    });
    await using _link = link;
    const call = watched(client.greet({}));
    await clock.advance(7000);
    expect(call.settled).toBe(false);
    await clock.advance(1000);
    expect(await call.error).toMatchObject({ code: Code.Unavailable });
    expect(String(await call.error)).toContain("settingsTimeoutMs");
  });

  test("ends when no preface comes within prefaceTimeoutMs", async () => {
    const { logger, lines } = warnings();
    const { clock, link, client } = mute({
      logger,
      hook: (bytes, direction) => (direction === "client-to-server" ? null : bytes),
      http2: { prefaceTimeoutMs: 3000 },
    });
    await using _link = link;
    const call = watched(client.greet({}));
    await clock.advance(4000);
    expect(await call.error).toMatchObject({ code: Code.Unavailable });
    expect(lines.join()).toContain("prefaceTimeoutMs");
  });

  test("ends when a frame that began does not end within frameTimeoutMs", async () => {
    const { logger, lines } = warnings();
    let cut = false;
    const { clock, link, client } = mute({
      logger,
      hook: (bytes, direction) => (cut && direction === "client-to-server" ? bytes.subarray(0, 4) : bytes),
      http2: { frameTimeoutMs: 20_000 },
    });
    await using _link = link;
    const first = watched(client.greet({}, { timeoutMs: 1 }));
    await clock.advance(10);
    await first.error;
    cut = true;
    const call = watched(client.greet({}));
    await clock.advance(20_000);
    expect(call.settled).toBe(false);
    await clock.advance(3000);
    expect(await call.error).toMatchObject({ code: Code.Unavailable });
    expect(lines.join()).toContain("frameTimeoutMs");
  });

  test("ends when nothing is taken within writeTimeoutMs", async () => {
    let held = false;
    const { clock, link, client } = mute({
      hook: (bytes, direction) => (held && direction === "client-to-server" ? never : bytes),
      http2: { writeTimeoutMs: 20_000 },
    });
    await using _link = link;
    const first = watched(client.greet({}, { timeoutMs: 1 }));
    await clock.advance(1000);
    await first.error;
    held = true;
    const call = watched(client.greet({}));
    await clock.advance(20_000);
    expect(call.settled).toBe(false);
    await clock.advance(3000);
    expect(String(await call.error)).toContain("writeTimeoutMs");
  });

  test("a shutdown cuts its calls when its grace time is over", async () => {
    const { clock, link, client } = mute();
    await using _link = link;
    const call = watched(client.greet({}));
    await clock.advance(0);
    const report = link.server.shutdown({ graceMs: 30_000 });
    await clock.advance(29_999);
    expect(call.settled).toBe(false);
    // The handler that never settles gets a moment more.
    await clock.advance(101);
    expect(await report).toEqual({ finished: 0, cut: 1 });
    expect(await call.error).toMatchObject({ code: Code.Unavailable });
  });

  test("a handler that outlives its call is reported after stuckHandlerMs", async () => {
    const { logger, lines } = warnings();
    const { clock, link, client } = mute({ logger, stuckHandlerMs: 60_000 });
    await using _link = link;
    const call = watched(client.greet({}, { timeoutMs: 1000 }));
    await clock.advance(1004);
    expect(await call.error).toMatchObject({ code: Code.DeadlineExceeded });
    await clock.advance(59_000);
    expect(lines).toEqual([]);
    await clock.advance(1100);
    expect(lines.join()).toContain("greet.GreetService/Greet");
  });

  test("real time changes nothing, and nothing runs by itself", async () => {
    const { clock, link, client } = mute();
    await using _link = link;
    const call = watched(client.greet({}, { timeoutMs: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(call.settled).toBe(false);
    await clock.advance(4);
    expect(await call.error).toMatchObject({ code: Code.DeadlineExceeded });
  });
});

describe("createClock", () => {
  test("calls timers in the order of their times, each at its own time", async () => {
    const clock = createClock();
    const told: [string, number][] = [];
    clock.after(30, () => told.push(["c", clock.now()]));
    clock.after(10, () => {
      told.push(["a", clock.now()]);
      clock.after(10, () => told.push(["b", clock.now()]));
    });
    const cancel = clock.after(15, () => told.push(["cancelled", clock.now()]));
    cancel();
    cancel();
    await clock.advance(100);
    expect(told).toEqual([
      ["a", 10],
      ["b", 20],
      ["c", 30],
    ]);
    expect(clock.now()).toBe(100);
  });

  test("advances one after the other when asked twice at once", async () => {
    const clock = createClock();
    const told: number[] = [];
    clock.after(15, () => told.push(clock.now()));
    await Promise.all([clock.advance(10), clock.advance(10)]);
    expect(told).toEqual([15]);
    expect(clock.now()).toBe(20);
  });

  test("rejects with what a timer throws, and can be advanced again", async () => {
    const clock = createClock();
    clock.after(1, () => {
      throw new Error("the timer's");
    });
    await expect(clock.advance(5)).rejects.toThrow("the timer's");
    await clock.advance(5);
    expect(clock.now()).toBe(6);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d", async (ms) => {
    await expect(createClock().advance(ms)).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});
