// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded work. Large answers of one connection are made in several event-loop turns, whatever the handlers await.
// Mutant: core/src/engine/call/server-call.ts # if (this.stream.answerWaits?.(true) === true) { => if (false) {
// Mutant: core/src/engine/message/message-writer.ts # (this.sent === 0 || this.large) && this.stream => this.large && this.stream
// Mutant: core/src/engine/message/message-writer.ts # (this.sent === 0 || this.large) && this.stream => this.sent === 0 && this.stream
// Mutant: core/src/engine/message/message-writer.ts # if (bound > 0 && this.sent > 1 && this.stream.answerWaits?.(false) === true) { => if (false) {
// Mutant: core/src/engine/message/message-writer.ts # if (postponed !== null && !this.stopped) => if (false)
// Mutant: http2/src/send/answer-turns.ts # if (this.giving === stream) { => if (false) {
import { Code, createClient, type TripleServiceImpl } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, happening, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

const large = "x".repeat(1_000_000);
const calls = 12;
const names = Array.from({ length: calls }, (_, i) => String(i));

/** Handlers that all answer in one turn, and the event-loop turns in which their answers are made. */
function start() {
  const go = happening();
  const seen = { waiting: 0, left: 0 };
  const made = new Map<number, Set<string>>();
  let turn = 0;
  let counting = true;
  const count = (): void => {
    turn++;
    if (counting) setImmediate(count);
  };
  count();
  /** A large message that notices when it is serialized: its text is read before, for its size. */
  const answer = (name: string, reads = 0) => ({
    get greeting(): string {
      if (reads++ === 0) return large;
      const names = made.get(turn) ?? new Set();
      made.set(turn, names.add(name));
      return large;
    },
  });
  const routes: TripleServiceImpl<typeof GreetService> = {
    ...greeter(),
    async greet({ name }) {
      seen.waiting++;
      await go;
      return answer(name);
    },
    async *greetServerStream({ name }) {
      try {
        seen.waiting++;
        await go;
        yield answer(name);
        yield { greeting: "second" };
      } finally {
        seen.left++;
      }
    },
  };
  return {
    go,
    seen,
    routes,
    answer,
    /** Forgets the answers that were made. */
    forget: () => made.clear(),
    /** The most answers that one turn made. */
    most: () => Math.max(...[...made.values()].map((names) => names.size)),
    [Symbol.dispose]() {
      counting = false;
    },
  };
}

describe.each(everyLink)("large answers over $name", (link) => {
  test("of unary calls are made one in a turn", async () => {
    using handlers = start();
    const { go, seen, routes, most } = handlers;
    await using end = await link.start({ routes: (r) => r.service(GreetService, routes) });
    const client = createClient(GreetService, end.transport);
    const answers = Promise.all(names.map((name) => client.greet({ name })));
    await until(() => seen.waiting === calls);
    go.tell();
    for (const { greeting } of await answers) expect(greeting).toBe(large);
    // The turns of the test may begin between two of the connection's.
    expect(most()).toBeLessThanOrEqual(2);
  });

  test("of streams begin one in a turn, and go on in order", async () => {
    using handlers = start();
    const { go, seen, routes, most } = handlers;
    await using end = await link.start({ routes: (r) => r.service(GreetService, routes) });
    const client = createClient(GreetService, end.transport);
    const answers = Promise.all(names.map((name) => all(client.greetServerStream({ name }))));
    await until(() => seen.waiting === calls);
    go.tell();
    for (const messages of await answers)
      expect(messages.map(({ greeting }) => greeting)).toEqual([large, "second"]);
    expect(seen.left).toBe(calls);
    expect(most()).toBeLessThanOrEqual(2);
  });

  test.each([
    ["small", () => ({ greeting: "small" })],
    ["large", (name: string, answer: (name: string) => { readonly greeting: string }) => answer(name)],
  ])("of streams go on one in a turn behind a %s message", async (_, first) => {
    using handlers = start();
    const { seen, most, answer, forget } = handlers;
    const go = happening();
    const routes: TripleServiceImpl<typeof GreetService> = {
      ...greeter(),
      async *greetServerStream({ name }) {
        yield first(name, answer);
        seen.waiting++;
        await go;
        yield answer(name);
      },
    };
    await using end = await link.start({ routes: (r) => r.service(GreetService, routes) });
    const client = createClient(GreetService, end.transport);
    const answers = Promise.all(names.map((name) => all(client.greetServerStream({ name }))));
    await until(() => seen.waiting === calls);
    forget();
    go.tell();
    for (const messages of await answers) expect(messages.length).toBe(2);
    expect(most()).toBeLessThanOrEqual(2);
  });

  test("of streams that are cancelled leave no generator behind", async () => {
    using handlers = start();
    const { go, seen, routes } = handlers;
    await using end = await link.start({ routes: (r) => r.service(GreetService, routes) });
    const client = createClient(GreetService, end.transport);
    const controller = new AbortController();
    const { signal } = controller;
    const answers = names.map((name) => errorOf(all(client.greetServerStream({ name }, { signal }))));
    await until(() => seen.waiting === calls);
    go.tell();
    controller.abort();
    for (const error of await Promise.all(answers)) expect(error.code).toBe(Code.Canceled);
    await until(() => end.server.activeCalls === 0);
    expect(seen.left).toBe(calls);
    const { greeting } = await client.greet({ name: "after" });
    expect(greeting).toBe(large);
  });
});
