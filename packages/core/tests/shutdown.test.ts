// SPDX-License-Identifier: Apache-2.0
// Promise 9: shutdown is finite.
// Mutant: core/src/server/lifecycle/create-server.ts # for (const { connection } of this.connections) connection.shutdown();
// Mutant: core/src/server/lifecycle/create-server.ts # this.cutAll() => undefined
// Mutant: core/src/server/lifecycle/create-server.ts # call.stop(error, true);
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, fired, forEver, happening, turns } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

describe.each(everyLink)("shutdown over $name", (link) => {
  test("of an idle server settles at once, as often as asked", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    await createClient(GreetService, end.transport).greet({});
    const first = end.server.shutdown();
    expect(await first).toEqual({ finished: 0, cut: 0 });
    expect(await end.server.shutdown({ graceMs: 0 })).toEqual({ finished: 0, cut: 0 });
  });

  test("of a server that nobody called settles", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    expect(await end.server.shutdown({ graceMs: 50 })).toEqual({ finished: 0, cut: 0 });
  });

  test("lets running calls finish, refuses new ones, and reports", async () => {
    const go = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async *greetServerStream() {
            yield { greeting: "before" };
            await go;
            yield { greeting: "after" };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const streams = [client.greetServerStream({}), client.greetServerStream({})];
    for (const stream of streams) await stream.receive();
    const report = end.server.shutdown({ graceMs: 60_000 });
    // GOAWAY is on its way; then a new call finds no server.
    let refused = null;
    while (refused === null) {
      refused = await client.greet({}).then(
        () => null,
        (error) => error,
      );
    }
    expect(refused).toMatchObject({ code: Code.Unavailable });
    go.tell();
    for (const stream of streams) {
      expect((await stream.receive())?.greeting).toBe("after");
      expect(await stream.receive()).toBeUndefined();
    }
    expect(await report).toMatchObject({ cut: 0 });
    expect((await report).finished).toBeGreaterThanOrEqual(2);
  });

  test("cuts what is left at the grace limit: Unavailable for the client and for the handler", async () => {
    const signal = happening<unknown>();
    const read = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(requests, context) {
            void fired(context.signal).then(signal.tell);
            yield {};
            try {
              for await (const _ of requests);
              read.tell("ended cleanly");
            } catch (error) {
              read.tell(error);
              throw error;
            }
          },
          async *greetServerStream() {
            yield {};
            await forEver();
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.receive();
    const stuck = client.greetServerStream({});
    await stuck.receive();
    const report = end.server.shutdown({ graceMs: 20 });
    const error = await errorOf(chat.receive());
    expect(error).toMatchObject({ code: Code.Unavailable, rawMessage: "the server is shutting down" });
    expect((await errorOf(stuck.receive())).code).toBe(Code.Unavailable);
    expect(await signal).toMatchObject({ code: Code.Unavailable });
    expect(await read).toBe(await signal);
    expect(await report).toEqual({ finished: 0, cut: 2 });
    expect(end.server.activeCalls).toBe(0);
  });

  test("cuts a call whose client does not read: Unavailable, not Canceled", async () => {
    const cleanup = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            try {
              for (;;) yield { greeting: "x".repeat(100_000) };
            } finally {
              cleanup.tell();
            }
          },
        }),
    });
    const stream = createClient(GreetService, end.transport).greetServerStream({});
    await stream.receive();
    await turns(200);
    expect(await end.server.shutdown({ graceMs: 0 })).toEqual({ finished: 0, cut: 1 });
    await cleanup;
    const error = await errorOf(stream.responseTrailer);
    expect(error.rawMessage).not.toContain("CANCEL");
    expect(error.code).toBe(Code.Unavailable);
  });

  test("a second call with less time shortens the first, one with more does not lengthen it", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            yield {};
            await forEver();
          },
        }),
    });
    const stream = createClient(GreetService, end.transport).greetServerStream({});
    await stream.receive();
    const long = end.server.shutdown({ graceMs: 60_000 });
    const short = end.server.shutdown({ graceMs: 10 });
    const longer = end.server.shutdown({ graceMs: 60_000 });
    expect(await Promise.all([long, short, longer])).toEqual(Array(3).fill({ finished: 0, cut: 1 }));
  });

  test.each([2 ** 31, Number.POSITIVE_INFINITY, Number.NaN])(
    "with a graceMs of %p leaves a call its time",
    async (graceMs) => {
      const go = happening();
      const warnings: string[] = [];
      const note = (warning: Error): void => void warnings.push(warning.message);
      process.on("warning", note);
      await using end = await link.start({
        routes: (r) =>
          r.service(GreetService, {
            async *greetServerStream() {
              yield {};
              await go;
            },
          }),
      });
      const stream = createClient(GreetService, end.transport).greetServerStream({});
      await stream.receive();
      const stopped = end.server.shutdown({ graceMs });
      // A timer that overflows is one of 1 ms, and would come before this one.
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(end.server.activeCalls).toBe(1);
      go.tell();
      expect(await stopped).toEqual({ finished: 1, cut: 0 });
      process.off("warning", note);
      expect(warnings).toEqual([]);
    },
  );
});
