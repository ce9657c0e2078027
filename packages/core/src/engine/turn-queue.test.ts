// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/engine/turn-queue.ts # if (this.running < this.most) { => if (true) {
// Mutant: core/src/engine/turn-queue.ts # if (mine.size > 0) this.waiting.set(connection, mine); => if (mine.size > 0) this.waiting = new Map([turn, ...this.waiting]) as never;
// Mutant: core/src/engine/turn-queue.ts # if (mine.size === 0) this.waiting.delete(connection);
// Mutant: core/src/engine/turn-queue.ts # .finally(over)
import { AsyncLocalStorage } from "node:async_hooks";
import { type QueuedWork, TurnQueue } from "./turn-queue.js";
import "@tristream/node";

/** Work of one or more connections that says when it begins. */
function start(most: number) {
  const queue = new TurnQueue(most);
  const begun: string[] = [];
  const enter = (connection: object, name: string): QueuedWork => {
    const work = { takeTurn: () => void begun.push(name) };
    queue.enter(connection, work);
    return work;
  };
  return { queue, begun, enter };
}

describe("a turn queue", () => {
  test("begins as many pieces of work at once as it may, and one more for each that is done", () => {
    const { queue, begun, enter } = start(2);
    for (const name of "abcd") enter({}, name);
    expect(begun.join("")).toBe("ab");
    queue.done();
    expect(begun.join("")).toBe("abc");
    queue.done();
    queue.done();
    queue.done();
    enter({}, "e");
    enter({}, "f");
    enter({}, "g");
    expect(begun.join("")).toBe("abcdef");
  });

  test("takes connections in turn, whatever each of them has waiting", () => {
    const { queue, begun, enter } = start(1);
    const [one, two, three] = [{}, {}, {}];
    for (const name of ["1a", "1b", "1c", "1d"]) enter(one, name);
    enter(two, "2a");
    enter(three, "3a");
    enter(two, "2b");
    for (let i = 0; i < 7; i++) queue.done();
    expect(begun).toEqual(["1a", "1b", "2a", "3a", "1c", "2b", "1d"]);
  });

  test("lets work leave that has not begun", () => {
    const { queue, begun, enter } = start(1);
    const [one, two] = [{}, {}];
    const running = enter(one, "running");
    const left = enter(one, "left");
    enter(two, "next");
    expect([queue.leave(one, running), queue.leave(one, left), queue.leave(one, left)]).toEqual([
      false,
      true,
      false,
    ]);
    queue.done();
    queue.done();
    enter(one, "last");
    expect(begun).toEqual(["running", "next", "last"]);
  });

  test("begins work in the context in which it was entered", () => {
    const storage = new AsyncLocalStorage<string>();
    const queue = new TurnQueue(1);
    const seen: unknown[] = [];
    const work = (): QueuedWork => ({ takeTurn: () => void seen.push(storage.getStore()) });
    storage.run("a", () => queue.enter({}, work()));
    storage.run("b", () => queue.enter({}, work()));
    storage.run("c", () => queue.done());
    expect(seen).toEqual(["a", "b"]);
  });

  test("runs the next work whether a promise of it resolves or rejects", async () => {
    const queue = new TurnQueue(1);
    const ran = await Promise.allSettled([
      queue.run({}, async () => 1),
      queue.run({}, () => Promise.reject(new Error("mine"))),
      queue.run({}, async () => 3),
    ]);
    expect(ran).toMatchObject([{ value: 1 }, { reason: { message: "mine" } }, { value: 3 }]);
  });
});
