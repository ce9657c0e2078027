// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak. Handles without a reference.
// Mutant: core/src/client/call/abandoned-handles.ts # if (!call.over) handles.register(handle, call, call);
// Mutant: core/src/client/call/abandoned-handles.ts # handles.unregister(call);
// Mutant: core/src/client/api/stream-handles.ts # headers.then(hold, hold);
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { jest } from "@jest/globals";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { fired, happening, turns, until } from "./events.js";
import { everyLink } from "./every-link.js";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/**
 * Collects everything, and lets what that frees be reported. Costly: the worker's heap holds what all test files before this one left,
 * and on a busy machine one collection takes seconds.
 */
async function collect(): Promise<void> {
  // A WeakRef that was read in this turn holds its object until the turn is over.
  await turns(20);
  gc();
  await turns(20);
}

describe.each(everyLink)("a handle that nobody holds over $name", (link) => {
  test("is canceled when it is collected, with one warning that names the method", async () => {
    const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
    const signal = happening<unknown>();
    const started = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(_requests, context) {
            void fired(context.signal).then(signal.tell);
            started.tell();
            await new Promise(() => {});
            yield {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    // A function of its own, so that no frame of this one refers to the handle.
    (() => void client.greetStream())();
    await started;
    let reason: unknown;
    void signal.then((fired) => {
      reason = fired;
    });
    await until(async () => {
      if (reason === undefined) await collect();
      return reason;
    });
    expect(reason).toMatchObject({ code: Code.Canceled });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]![0]).toContain("a stream of greet.GreetService/GreetStream was dropped");
    warn.mockRestore();
  });

  test.each(["responseHeader", "responseTrailer"] as const)(
    "is not collected while its %s is awaited",
    async (which) => {
      const started = happening();
      const go = happening();
      await using end = await link.start({
        routes: (r) =>
          r.service(GreetService, {
            async *greetStream(_requests, context) {
              started.tell();
              await go;
              context.responseHeader.set("x-which", "responseHeader");
              context.responseTrailer.set("x-which", "responseTrailer");
              yield* [];
            },
          }),
      });
      const client = createClient(GreetService, end.transport);
      const awaited = (() => client.greetStream()[which])();
      await started;
      await collect();
      await collect();
      go.tell();
      expect((await awaited).get("x-which")).toBe(which);
    },
  );

  test("is not collected while somebody waits for a message of it", async () => {
    const go = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            await go;
            yield { greeting: "after the collection" };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const next = (() => client.greetServerStream({}).receive())();
    const loop = (async () => {
      for await (const message of client.greetServerStream({})) return message.greeting;
      return "nothing";
    })();
    // At once, and when both calls have reached the server.
    await collect();
    await collect();
    go.tell();
    expect((await next)?.greeting).toBe("after the collection");
    expect(await loop).toBe("after the collection");
  });
});

describe.each(everyLink)("handles of calls that are over, over $name", (link) => {
  test("are collected, also those that their user canceled", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream(_request, context) {
            await fired(context.signal);
            yield {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const handles: WeakRef<object>[] = [];
    // A function of its own, so that no frame of this one refers to a handle.
    const leave = (): void => {
      const stream = client.greetServerStream({});
      handles.push(new WeakRef(stream));
      stream.cancel();
    };
    for (let i = 0; i < 100; i++) leave();
    const alive = (): number => handles.filter((handle) => handle.deref() !== undefined).length;
    // The last ones may still be on the stack of something.
    while (alive() > 2) await collect();
    expect(alive()).toBeLessThanOrEqual(2);
  });
});
