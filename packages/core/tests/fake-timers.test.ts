// SPDX-License-Identifier: Apache-2.0
// A test's fake timers replace the global functions. Calls take the runtime's own, which were taken when the module was loaded.
// Mutant: core/src/runtime/runtime-timers.ts # bound(timers.setTimeout ?? globals.setTimeout) => (...given) => globals.setTimeout(...given)
// Mutant: core/src/runtime/runtime-timers.ts # bound(timers.setImmediate ?? globals.setImmediate) => (...given) => globals.setImmediate!(...given)
// Mutant: core/src/runtime/runtime-timers.ts # bound(process?.nextTick, process) => (...given) => process!.nextTick!(...given)
// Mutant: core/src/runtime/runtime-timers.ts # bound(performance.now, performance) => () => globalThis.performance.now()
// Mutant: core/src/runtime/turns.ts # void resolved.then( => void queueMicrotask(
import { performance } from "node:perf_hooks";
import { jest } from "@jest/globals";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, forEver, happening } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

async function start(link: LinkKind, implementation = greeter()) {
  const end = await link.start({ routes: (router) => router.service(GreetService, implementation) });
  return { end, client: createClient(GreetService, end.transport) };
}

describe.each(everyLink)("under fake timers, over $name,", (link) => {
  test("calls of all four kinds go on", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const names = [{ name: "a" }, { name: "b" }];
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    expect((await all(client.greetServerStream({ name: "a" }))).map((m) => m.greeting)).toEqual([
      "a0",
      "a1",
      "a2",
    ]);
    expect((await client.greetClientStream(names)).greeting).toBe("a,b");
    expect((await all(client.greetStream(names))).map((m) => m.greeting)).toEqual(["a", "b"]);
    const chat = client.greetStream();
    await chat.send({ name: "c" });
    expect((await chat.receive())?.greeting).toBe("c");
    await chat.closeResponse();
  });

  test("a thousand messages pass in both directions", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const names = Array.from({ length: 1000 }, (_, i) => ({ name: String(i) }));
    expect((await all(client.greetStream(names))).map((m) => m.greeting)).toEqual(names.map((m) => m.name));
  });

  test("a deadline is kept in real time", async () => {
    const { end, client } = await start(link, { ...greeter(), greet: forEver });
    await using _end = end;
    const begun = performance.now();
    expect((await errorOf(client.greet({}, { timeoutMs: 50 }))).code).toBe(Code.DeadlineExceeded);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(49);
  });

  test("an hour of faked time is nothing to a call that has a deadline", async () => {
    const asked = happening();
    const answer = happening();
    const { end, client } = await start(link, {
      ...greeter(),
      async greet() {
        asked.tell();
        await answer;
        return { greeting: "at last" };
      },
    });
    await using _end = end;
    const response = client.greet({}, { timeoutMs: 60_000 });
    await asked;
    jest.advanceTimersByTime(3_600_000);
    answer.tell();
    expect((await response).greeting).toBe("at last");
  });

  test("a shutdown is over when its grace time is", async () => {
    const asked = happening();
    const { end, client } = await start(link, {
      ...greeter(),
      async greet() {
        asked.tell();
        return forEver();
      },
    });
    await using _end = end;
    const response = errorOf(client.greet({}));
    await asked;
    expect(await end.server.shutdown({ graceMs: 50 })).toEqual({ finished: 0, cut: 1 });
    expect((await response).code).toBe(Code.Unavailable);
  });
});
