// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/engine/message/compression-queue.ts # if (this.running.size < this.most) { => if (true) {
// Mutant: core/src/engine/message/compression-queue.ts # if (mine.size > 0) this.waiting.set(connection, mine); => if (mine.size > 0) this.waiting = new Map([turn, ...this.waiting]) as never;
// Mutant: core/src/engine/message/compression-queue.ts # if (mine.size === 0) this.waiting.delete(connection);
// Mutant: core/src/engine/message/compression-queue.ts # .finally(over)
// Mutant: core/src/engine/message/compression-queue.ts # if (seen < this.looks - 1) this.done(work);
// Mutant: core/src/engine/message/compression-queue.ts # if (seen < this.looks - 1) => if (true)
// Mutant: core/src/engine/message/compression-queue.ts # if (this.running.delete(work)) this.beginNext(); => { this.running.delete(work); this.beginNext(); }
import { AsyncLocalStorage } from "node:async_hooks";
import { createClock } from "@tristream/testing";
import { CompressionQueue, type QueuedWork } from "./compression-queue.js";
import "@tristream/node";

/** Work of one or more connections that says when it begins. */
function start(most: number) {
  const clock = createClock();
  const queue = new CompressionQueue(most, clock);
  const begun: string[] = [];
  /** The work that runs, in the order in which it began. */
  const running: QueuedWork[] = [];
  const done = (): void => queue.done(running.shift()!);
  const enter = (connection: object, name: string): QueuedWork => {
    const work = { beginWork: () => void (begun.push(name) && running.push(work)) };
    queue.enter(connection, work);
    return work;
  };
  return { queue, begun, enter, running, done, clock };
}

describe("a compression queue", () => {
  test("begins as many pieces of work at once as it may, and one more for each that is done", () => {
    const { begun, enter, done } = start(2);
    for (const name of "abcd") enter({}, name);
    expect(begun.join("")).toBe("ab");
    done();
    expect(begun.join("")).toBe("abc");
    done();
    done();
    done();
    enter({}, "e");
    enter({}, "f");
    enter({}, "g");
    expect(begun.join("")).toBe("abcdef");
  });

  test("serves connections round robin, whatever each of them has waiting", () => {
    const { begun, enter, done } = start(1);
    const [one, two, three] = [{}, {}, {}];
    for (const name of ["1a", "1b", "1c", "1d"]) enter(one, name);
    enter(two, "2a");
    enter(three, "3a");
    enter(two, "2b");
    for (let i = 0; i < 7; i++) done();
    expect(begun).toEqual(["1a", "1b", "2a", "3a", "1c", "2b", "1d"]);
  });

  test("lets work leave that has not begun", () => {
    const { queue, begun, enter, done } = start(1);
    const [one, two] = [{}, {}];
    const running = enter(one, "running");
    const left = enter(one, "left");
    enter(two, "next");
    expect([queue.leave(one, running), queue.leave(one, left), queue.leave(one, left)]).toEqual([
      false,
      true,
      false,
    ]);
    done();
    done();
    enter(one, "last");
    expect(begun).toEqual(["running", "next", "last"]);
  });

  test("begins work in the context in which it was entered", () => {
    const storage = new AsyncLocalStorage<string>();
    const queue = new CompressionQueue(1);
    const seen: unknown[] = [];
    const work = (): QueuedWork => ({ beginWork: () => void seen.push(storage.getStore()) });
    const first = work();
    storage.run("a", () => queue.enter({}, first));
    storage.run("b", () => queue.enter({}, work()));
    storage.run("c", () => queue.done(first));
    expect(seen).toEqual(["a", "b"]);
  });

  test("gives the place of work that takes longer than 5 to 10 s to work that waits, once", async () => {
    const { begun, enter, done, clock } = start(2);
    enter({}, "a");
    enter({}, "b");
    await clock.advance(60_000);
    enter({}, "c");
    enter({}, "d");
    await clock.advance(5000);
    expect(begun.join("")).toBe("ab");
    await clock.advance(4999);
    expect(begun.join("")).toBe("ab");
    await clock.advance(1);
    expect(begun.join("")).toBe("abcd");
    enter({}, "e");
    // The slow work settles at last: its places were given away.
    done();
    done();
    expect(begun.join("")).toBe("abcd");
    done();
    expect(begun.join("")).toBe("abcde");
  });

  test("leaves its place to work that takes less than 5 s", async () => {
    const { begun, enter, done, clock } = start(1);
    for (const name of "abcde") enter({}, name);
    for (const so of ["a", "ab", "abc", "abcd", "abcde"]) {
      expect(begun.join("")).toBe(so);
      await clock.advance(4999);
      expect(begun.join("")).toBe(so);
      done();
    }
  });

  test("runs the next work whether a promise of it resolves or rejects", async () => {
    const queue = new CompressionQueue(1);
    const ran = await Promise.allSettled([
      queue.run({}, async () => 1),
      queue.run({}, () => Promise.reject(new Error("mine"))),
      queue.run({}, async () => 3),
    ]);
    expect(ran).toMatchObject([{ value: 1 }, { reason: { message: "mine" } }, { value: 3 }]);
  });
});
