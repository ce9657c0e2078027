// SPDX-License-Identifier: Apache-2.0
// `merge` gives each value when it comes, in the order of its source, and closes what it opened.
// Mutant: core/src/stream/merge.ts # if (this.open === 0 || this.endsWithFirst) => if (this.open === 0)
// Mutant: core/src/stream/merge.ts # if (this.open === 0 || this.endsWithFirst) => if (this.endsWithFirst)
// Mutant: core/src/stream/merge.ts # const closing = closeAll(this.sources) => const closing = Promise.resolve()
// Mutant: core/src/stream/merge.ts # outcome.catch => Promise.resolve().catch
// Mutant: core/src/stream/merge.ts # for (const { resolve, reject } of this.reads.takeAll()) outcome.then(resolve, reject);
// Mutant: core/src/stream/merge.ts # return closeAll(this.sources); => return Promise.resolve();
// Mutant: core/src/stream/merge.ts # closeAll(opened).catch => Promise.resolve().catch
// Mutant: core/src/stream/merge.ts # if (this.reads.size > 0) this.askIdle();
// Mutant: core/src/stream/source.ts # if (this.reads === 0) return returned; => return returned;
// Mutant: core/src/stream/source.ts # returned.catch => Promise.resolve().catch
// Mutant: core/src/stream/source.ts # for (const each of closed) if (each.status === "rejected") throw each.reason;
// Mutant: core/src/stream/source.ts # return isThenable(result.value) ? { done: false, value: await result.value } : result; => return result;
import { createChannel, merge, mergeUntilFirst } from "@tristream/core";
import { all, forEver, happening, turns } from "./events.js";

/** A generator of these values, which says in `log` when it is asked for one, and when its `finally` runs. */
async function* logged<T>(name: string, values: Iterable<T>, log: string[]): AsyncGenerator<T> {
  try {
    for (const value of values) {
      log.push(`${name} gives ${value}`);
      yield value;
    }
  } finally {
    await turns(5);
    log.push(`${name} closed`);
  }
}

describe("a merged stream", () => {
  test("has the values as they come, and ends when all sources have ended", async () => {
    const [a, b] = [createChannel<string>(), createChannel<number>()];
    const merged = merge(a, b);
    const next = async (): Promise<string | number | undefined> => (await merged.next()).value;
    await b.send(1);
    expect(await next()).toBe(1);
    await a.send("a");
    expect(await next()).toBe("a");
    a.close();
    await b.send(2);
    expect(await next()).toBe(2);
    const end = next();
    b.close();
    expect(await end).toBeUndefined();
    expect(await next()).toBeUndefined();
  });

  test("takes any iterables, sync ones and their promises too", async () => {
    const values = await all(merge([1, 2], new Set(["a"]), [Promise.resolve(true)], merge()));
    expect(values.map(String).sort()).toEqual(["1", "2", "a", "true"]);
  });

  test("is not held up by a source that gives nothing", async () => {
    const silent = createChannel<number>();
    const read: number[] = [];
    for await (const value of merge(silent, [1, 2, 3])) {
      read.push(value);
      if (value === 3) break;
    }
    expect(read).toEqual([1, 2, 3]);
    expect(silent.closed).toBe(true);
  });

  test("is not held up by a source that always gives", async () => {
    let asked = 0;
    async function* always(): AsyncGenerator<string> {
      for (;;) yield String(asked++);
    }
    for await (const value of merge(always(), ["rare"])) if (value === "rare") break;
    expect(asked).toBeLessThan(5);
  });

  test("asks a source for one value ahead of the reader, and not before the first read", async () => {
    const log: string[] = [];
    const merged = merge(logged("a", [1, 2, 3], log), logged("b", [1, 2, 3], log));
    await turns(2);
    expect(log).toEqual([]);
    await merged.next();
    await turns(2);
    expect(log).toEqual(["a gives 1", "b gives 1"]);
    await merged.next();
    await turns(2);
    expect(log).toEqual(["a gives 1", "b gives 1", "a gives 2"]);
  });

  test("answers several reads in their order", async () => {
    const merged = merge([1, 2, 3]);
    const reads = [1, 2, 3, 4, 5].map(() => merged.next());
    expect((await Promise.all(reads)).map(({ value }) => value)).toEqual([1, 2, 3, undefined, undefined]);
  });
});

describe("a source that fails", () => {
  const failure = new Error("broken");
  async function* fails(): AsyncGenerator<number> {
    yield 1;
    throw failure;
  }

  test("ends the stream with its error behind the values that wait, and the other sources are closed by then", async () => {
    const log: string[] = [];
    const read: unknown[] = [];
    const loop = async (): Promise<void> => {
      for await (const value of merge(fails(), logged("b", ["b1", "b2", "b3", "b4"], log))) {
        read.push(value);
        await turns(2);
      }
    };
    await expect(loop()).rejects.toBe(failure);
    expect(read.slice(0, 2)).toEqual([1, "b1"]);
    expect(log.at(-1)).toBe("b closed");
    expect(log).not.toContain("b gives b4");
  });

  test("rejects each further read with its error", async () => {
    const merged = merge(fails(), createChannel<number>());
    await merged.next();
    await expect(merged.next()).rejects.toBe(failure);
    await expect(merged.next()).rejects.toBe(failure);
  });

  test("is not an unhandled rejection if the reader leaves before it has read the error", async () => {
    const failing = createChannel<number>();
    const merged = merge(failing, [1, 2]);
    expect((await merged.next()).value).toBe(1);
    failing.close(failure);
    await turns(3);
    expect((await merged.return()).done).toBe(true);
    await turns(3);
  });

  test("hides the errors of the others' finally", async () => {
    async function* failsInFinally(): AsyncGenerator<number> {
      try {
        for (;;) yield 2;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: a source may do so
        throw new Error("hidden");
      }
    }
    await expect(all(merge(failsInFinally(), fails()))).rejects.toBe(failure);
  });
});

describe("a reader that leaves a merged stream", () => {
  test("closes all sources, and the loop is left when each finally has run", async () => {
    const log: string[] = [];
    for await (const _ of merge(logged("a", [1, 2], log), logged("b", [1, 2], log))) break;
    expect(log.slice(-2).sort()).toEqual(["a closed", "b closed"]);
  });

  test("doesn't wait for a source in the middle of an await", async () => {
    const parked = happening();
    async function* waits(): AsyncGenerator<number> {
      try {
        await parked;
        yield 1;
      } finally {
        closed.tell();
        // biome-ignore lint/correctness/noUnsafeFinally: the rejection must not be unhandled
        throw new Error("late");
      }
    }
    const closed = happening();
    for await (const _ of merge(waits(), [1])) break;
    parked.tell();
    await closed;
    await turns(2);
  });

  test("gets the error of a finally", async () => {
    const failure = new Error("can't close");
    async function* failsInFinally(): AsyncGenerator<number> {
      try {
        yield 1;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: a source may do so
        throw failure;
      }
    }
    const loop = async (): Promise<void> => {
      for await (const _ of merge(failsInFinally())) break;
    };
    await expect(loop()).rejects.toBe(failure);
  });

  test("closes sources that were never read", async () => {
    const channel = createChannel<number>();
    await merge(channel, [1]).return(undefined);
    expect(channel.closed).toBe(true);
  });

  test("ends a read under way", async () => {
    const merged = merge(createChannel<number>(), never());
    const read = merged.next();
    await merged.return(undefined);
    expect(await read).toEqual({ done: true, value: undefined });
  });
});

describe("a stream that is merged until the first end", () => {
  test("gives the values that wait, ends, and has closed the other sources by then", async () => {
    const log: string[] = [];
    const source = createChannel<number>();
    const merged = mergeUntilFirst(source, logged("b", ["b1", "b2", "b3"], log));
    const read: unknown[] = [(await merged.next()).value, (await merged.next()).value];
    source.close();
    await turns(1);
    for await (const value of merged) read.push(value);
    expect(read.slice(0, 2)).toEqual(["b1", "b2"]);
    expect(log.at(-1)).toBe("b closed");
    expect(await merged.next()).toEqual({ done: true, value: undefined });
  });

  test("ends a read under way", async () => {
    const [a, b] = [createChannel<number>(), createChannel<number>()];
    const read = mergeUntilFirst(a, b).next();
    b.close();
    expect(await read).toEqual({ done: true, value: undefined });
    expect(a.closed).toBe(true);
  });

  test("throws the error of a source that fails before", async () => {
    const [a, b] = [createChannel<number>(), createChannel<number>()];
    const merged = mergeUntilFirst(a, b);
    a.close(new Error("broken"));
    b.close();
    await expect(merged.next()).rejects.toThrow("broken");
  });
});

async function* never(): AsyncGenerator<number> {
  yield await forEver();
}

test("merge refuses a source that is not iterable, and closes the others", () => {
  const channel = createChannel<number>();
  expect(() => merge(channel, 5 as never)).toThrow("a number is not iterable");
  expect(channel.closed).toBe(true);
});
