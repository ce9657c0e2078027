// SPDX-License-Identifier: Apache-2.0
// Promise 4: deadlines are kept by the engine. The headers of an attempt carry the time that its call has left when they leave.
// Mutant: core/src/client/call/call.ts # const left = this.dueAt - this.method.deadlines.now(); => const left = timeoutMs;
// Mutant: core/src/client/call/call.ts # if (left <= 0) { => if (left < -1e9) {
// Mutant: core/src/client/call/foreign-method.ts # foreignTimeout(call?.timeLeft()); => foreignTimeout(scope?.timeoutMs);
// Mutant: core/src/client/call/method-caller.ts # || on.timeoutMs !== timeoutMs) => || false)
import { createRouterTransport } from "@connectrpc/connect";
import { type Clock, Code, ConnectError, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

/** Keeps the process busy: no timer fires meanwhile. */
function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe.each(everyLink)("what a server over $name is told of a deadline", (link) => {
  let now = 0;
  const clock: Clock = { now: () => now, after: () => () => {} };
  const slow: Interceptor = (next) => (req) => {
    now += 30;
    return next(req);
  };

  async function start(interceptors: Interceptor[]) {
    const told: (string | null)[] = [];
    let failures = 0;
    const end = await link.start({
      clock,
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          greet({ name }, context) {
            told.push(context.requestHeader.get("grpc-timeout"));
            if (name === "fail" && failures++ === 0) throw new ConnectError("busy", Code.Unavailable);
            return { greeting: name };
          },
        }),
    });
    await createClient(GreetService, end.transport).greet({});
    told.length = 0;
    return { end, told, client: createClient(GreetService, end.transport, { interceptors }) };
  }

  test("is the whole when nothing has taken any of it", async () => {
    const { end, told, client } = await start([]);
    await using _end = end;
    await client.greet({}, { timeoutMs: 60_000 });
    expect(told).toEqual(["60000m"]);
  });

  test("is what an interceptor has left of it, with and without headers of the call's own", async () => {
    const { end, told, client } = await start([slow]);
    await using _end = end;
    await client.greet({}, { timeoutMs: 60_000 });
    await client.greet({}, { timeoutMs: 60_000, headers: { "x-test": "a" } });
    // The call after one that had less left carries its own time.
    await createClient(GreetService, end.transport).greet({}, { timeoutMs: 60_000 });
    expect(told).toEqual(["59970m", "59970m", "60000m"]);
  });

  test("is less for a second attempt", async () => {
    const retry: Interceptor = (next) => async (req) => {
      try {
        return await next(req);
      } catch {
        now += 20;
        return next(req);
      }
    };
    const { end, told, client } = await start([retry]);
    await using _end = end;
    expect((await client.greet({ name: "fail" }, { timeoutMs: 60_000 })).greeting).toBe("fail");
    expect(told).toEqual(["60000m", "59980m"]);
  });

  test("is nothing when it is over: the call is not sent", async () => {
    const { end, told, client } = await start([slow]);
    await using _end = end;
    expect(await errorOf(client.greet({}, { timeoutMs: 10 }))).toMatchObject({
      code: Code.DeadlineExceeded,
      rawMessage: expect.stringContaining("nothing was sent"),
    });
    // Later frames on the same connection arrive after it.
    await createClient(GreetService, end.transport).greet({ name: "after" });
    expect(told).toEqual([null]);
  });
});

test("a transport of Connect's gets what is left, in whole milliseconds; a call whose time is over is not made", async () => {
  const timeouts: (number | undefined)[] = [];
  const router = createRouterTransport((r) => void r.service(GreetService, greeter() as never));
  const transport: typeof router = {
    unary: (method, signal, timeoutMs, ...rest) => {
      timeouts.push(timeoutMs);
      return router.unary(method, signal, timeoutMs, ...rest);
    },
    stream: router.stream,
  };
  const slow: Interceptor = (next) => (req) => {
    busy(30);
    return next(req);
  };
  const client = createClient(GreetService, transport, { interceptors: [slow] });
  await client.greet({}, { timeoutMs: 60_000 });
  expect(timeouts[0]).toBeLessThanOrEqual(59_970);
  expect(Number.isInteger(timeouts[0])).toBe(true);
  expect((await errorOf(client.greet({}, { timeoutMs: 10 }))).code).toBe(Code.DeadlineExceeded);
  expect(timeouts).toHaveLength(1);
});
