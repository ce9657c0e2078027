// SPDX-License-Identifier: Apache-2.0
// Promise 5: a crash is not a cancel. Between our end and each foreign one.
// Mutant: core/src/engine/call/response-reset.ts # if (reset.source === "connection") { => if (reset.source === "connection") { return undefined as never;
// Mutant: core/src/engine/call/request-reset.ts # if (reset.source === "connection") { => if (reset.source === "connection") { return undefined as never;
// A connection that is lost, and a server that stops, between our end and each foreign one.
import { describe, expect, it } from "@jest/globals";
import { Code } from "@tristream/node";
import { tapFrames } from "./foreign-frames.js";
import { all, each, failureOf, type GreetClient, Later, Mailbox } from "./foreign-greet.js";
import { pairs } from "./foreign-pairs.js";
import { waiting } from "./foreign-waiting.js";

const kinds: readonly { kind: string; call: (client: GreetClient) => Promise<unknown> }[] = [
  { kind: "unary", call: (client) => client.unary("a") },
  { kind: "server stream", call: (client) => all(client.serverStream("a")) },
  { kind: "client stream", call: (client) => client.clientStream(new Mailbox("a")) },
  { kind: "bidi stream", call: (client) => all(client.bidi(new Mailbox("a"))) },
];

describe.each(pairs)("$title", (pair) => {
  it.each(kinds)(
    "see the loss of the connection in a $kind call: Unavailable on our side",
    async ({ call }) => {
      const { handlers, seen } = waiting();
      await using server = await pair.serve(handlers);
      const tap = await tapFrames(server.port);
      await using client = pair.connect(tap.port);
      const outcome = failureOf(client, call(client));
      await seen.begun;
      await tap[Symbol.asyncDispose]();
      const { code } = await outcome;
      const reason = (await seen.signalled) as { code?: Code } | undefined;
      const { client: ours, server: oursToo } = pair.engine;
      // Other libraries say it by codes of their own.
      expect([ours ? code : Code.Unavailable, oursToo ? reason?.code : Code.Unavailable]).toEqual([
        Code.Unavailable,
        Code.Unavailable,
      ]);
    },
  );
});

describe.each(pairs.filter(({ engine }) => engine.client))("$title", (pair) => {
  it("see a server that is torn down as Unavailable, and reach its successor at once", async () => {
    const { handlers, seen } = waiting();
    const first = await pair.serve(handlers);
    const tap = await tapFrames(first.port);
    await using client = pair.connect(tap.port);
    const outcome = failureOf(client, all(client.serverStream("a")));
    await seen.begun;
    await first[Symbol.asyncDispose]();
    expect((await outcome).code).toBe(Code.Unavailable);
    await using second = await pair.serve({ unary: async (name) => `hello ${name}` });
    tap.leadTo(second.port);
    expect(await client.unary("b")).toBe("hello b");
    await tap[Symbol.asyncDispose]();
  });
});

describe.each(pairs.filter(({ engine }) => engine.server))("$title", (pair) => {
  it("finish the calls that run when our server stops in order", async () => {
    const begun = new Later<void>();
    const goOn = new Later<void>();
    const server = await pair.serve({
      async *bidi(names) {
        for await (const name of names) {
          yield `hello ${name}`;
          begun.resolve();
          await goOn.promise;
        }
      },
    });
    await using client = pair.connect(server.port);
    const outcome = all(client.bidi(each(["a", "b", "c"])));
    await begun.promise;
    const stopped = server.stop?.();
    goOn.resolve();
    expect(await outcome).toEqual(["hello a", "hello b", "hello c"]);
    expect(await stopped).toEqual({ finished: 1, cut: 0 });
  });
});
