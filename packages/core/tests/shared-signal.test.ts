// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak. One signal may end any number of calls: all of them, by one listener, which goes with the last of them.
// Mutant: core/src/runtime/shared-signal.ts # if (this.calls.size === 1) this.signal.addEventListener("abort", this.fire); => this.signal.addEventListener("abort", () => this.fire());
// Mutant: core/src/runtime/shared-signal.ts # if (this.calls.delete(call) && this.calls.size === 0) this.signal.removeEventListener("abort", this.fire);
// Mutant: core/src/client/call/attempt.ts # this.ownSignal?.delete(this);
import { getEventListeners } from "node:events";
import { Code, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, errorOf, fired, turns, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";
import { startWatched } from "./watched-link.js";

/** A server whose calls wait for their end when they are named so, and a client of it. */
async function start(link: LinkKind, interceptors: Interceptor[] = []) {
  const end = await startWatched(link, {
    http2: { maxConcurrentStreams: 2_000 },
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        async greet({ name }, context) {
          if (name === "wait") await fired(context.signal);
          return { greeting: name };
        },
        async *greetServerStream({ name }, context) {
          yield { greeting: name };
          if (name === "wait") await fired(context.signal);
        },
      }),
  });
  return { end, client: createClient(GreetService, end.transport, { interceptors }) };
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

/** The warnings of Node while `run` runs, and in the turn after it. */
async function warnings(run: () => Promise<void>): Promise<Error[]> {
  const seen: Error[] = [];
  const note = (warning: Error): void => void seen.push(warning);
  process.on("warning", note);
  try {
    await run();
    await turns(2);
  } finally {
    process.off("warning", note);
  }
  return seen;
}

describe.each(everyLink)("one signal of many calls over $name", (link) => {
  test("ends 1,000 of them, of every kind, by one listener, without a warning", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const abort = new AbortController();
    const { signal } = abort;
    const seen = await warnings(async () => {
      const calls = Array.from({ length: 250 }, () => [
        client.greet({ name: "wait" }, { signal }),
        all(client.greetServerStream({ name: "wait" }, { signal })),
        client.greetClientStream({ signal }).closeAndReceive(),
        all(client.greetStream({ signal })),
      ]).flat();
      // Calls that end well and calls that are left take nothing from the others.
      const well = calls.filter((_, i) => i % 4 === 2);
      await Promise.all(well);
      const left = client.greetStream({ signal });
      left.cancel();
      expect(listeners(signal)).toBe(1);
      await until(() => end.server.activeCalls === 750);
      const errors = Promise.all(calls.filter((_, i) => i % 4 !== 2).map((call) => errorOf(call)));
      abort.abort(new Error("enough"));
      expect(listeners(signal)).toBe(0);
      for (const error of await errors)
        expect(error).toMatchObject({ code: Code.Canceled, rawMessage: "enough" });
      expect((await errorOf(client.greet({}, { signal }))).code).toBe(Code.Canceled);
    });
    expect(seen).toEqual([]);
    expect(listeners(signal)).toBe(0);
    expect(deadlines.size).toBe(0);
    await end.leftClean();
  });

  test("keeps no listener when they have ended well, and ends those that come later", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const abort = new AbortController();
    const { signal } = abort;
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 20 }, () => client.greet({ name: "a" }, { signal }));
      expect(listeners(signal)).toBe(1);
      await Promise.all(calls);
      expect(listeners(signal)).toBe(0);
    }
    const last = errorOf(client.greet({ name: "wait" }, { signal }));
    await until(() => end.server.activeCalls === 1);
    abort.abort();
    expect((await last).code).toBe(Code.Canceled);
    await end.leftClean();
  });

  test("ends each once when one's end ends another, and begins one that has no time to", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const abort = new AbortController();
    const { signal } = abort;
    let late: Promise<unknown> | undefined;
    const requests = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<{ name: string }>>(() => {}),
        // Runs while the signal fires.
        return() {
          other.cancel("by the other");
          late = errorOf(client.greet({ name: "late" }, { signal }));
          return Promise.resolve({ done: true as const, value: undefined });
        },
      }),
    };
    const first = errorOf(client.greetClientStream(requests, { signal }));
    const other = client.greetStream({ signal });
    const after = errorOf(client.greet({ name: "wait" }, { signal }));
    await until(() => end.server.activeCalls === 3);
    abort.abort(new Error("by the signal"));
    expect((await first).rawMessage).toBe("by the signal");
    expect((await errorOf(other.receive())).rawMessage).toBe("by the other");
    expect((await after).rawMessage).toBe("by the signal");
    expect(await late).toMatchObject({ code: Code.Canceled, rawMessage: "by the signal" });
    expect(listeners(signal)).toBe(0);
    await end.leftClean();
  });

  test("may be an interceptor's own", async () => {
    const abort = new AbortController();
    const own: Interceptor = (next) => (req) => next({ ...req, signal: abort.signal });
    const { end, client } = await start(link, [own]);
    await using _end = end;
    const seen = await warnings(async () => {
      await Promise.all(Array.from({ length: 20 }, () => client.greet({ name: "a" })));
      await Promise.all(Array.from({ length: 20 }, () => all(client.greetServerStream({ name: "a" }))));
      expect(listeners(abort.signal)).toBe(0);
      const calls = Array.from({ length: 20 }, () => [
        errorOf(client.greet({ name: "wait" })),
        errorOf(all(client.greetServerStream({ name: "wait" }))),
      ]).flat();
      await until(() => end.server.activeCalls === 40);
      expect(listeners(abort.signal)).toBe(1);
      abort.abort(new Error("enough"));
      for (const error of await Promise.all(calls))
        expect(error).toMatchObject({ code: Code.Canceled, rawMessage: "enough" });
    });
    expect(seen).toEqual([]);
    expect(listeners(abort.signal)).toBe(0);
    await end.leftClean();
  });
});
