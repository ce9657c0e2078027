// SPDX-License-Identifier: Apache-2.0
// `withTimeout` limits a whole stream, `idleTimeout` the wait for each value. Neither leaves a timer.
// Mutant: core/src/stream/timeouts.ts # this.source.close().catch => Promise.resolve().catch
// Mutant: core/src/stream/timeouts.ts # if (this.source.over) this.stopTimer(); => if (false) this.stopTimer();
// Mutant: core/src/stream/timeouts.ts # else if (this.limit === "idleTimeout") { => else if (false) {
// Mutant: core/src/stream/timeouts.ts # if (this.reads.size > 0) this.cancelTimer = startTimer(this.clock, this.ms, this.expire);
// Mutant: core/src/stream/timeouts.ts # for (const reject of this.reads) reject(error);
// Mutant: core/src/stream/timeouts.ts # this.cancelTimer?.();
// Mutant: core/src/stream/timer.ts # else cancel = startTimer(clock, ms - delay, callback);
// Mutant: core/src/stream/timer.ts # if (ms === Number.POSITIVE_INFINITY) => if (false)
import { type Clock, Code, createChannel, idleTimeout, withTimeout } from "@tristream/core";
import { createClock } from "@tristream/testing";
import { all, errorOf, forEver, happening } from "./events.js";

/** A test's clock that counts its timers. */
function countingClock() {
  const { advance, after, now } = bound(createClock());
  let timers = 0;
  const clock: Clock = {
    now,
    after(ms, callback) {
      timers++;
      let over = false;
      const end = (): void => {
        if (!over) timers--;
        over = true;
      };
      const cancel = after(ms, () => {
        end();
        callback();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
  return { clock, advance, timers: () => timers };
}

function bound(clock: ReturnType<typeof createClock>) {
  return {
    advance: clock.advance.bind(clock),
    after: clock.after.bind(clock),
    now: clock.now.bind(clock),
  };
}

describe.each([
  ["withTimeout", withTimeout],
  ["idleTimeout", idleTimeout],
] as const)("%s", (name, limit) => {
  test("gives the values and the end of a stream that is fast enough, and leaves no timer", async () => {
    const { clock, timers } = countingClock();
    expect(await all(limit([1, 2, 3], 100, { clock }))).toEqual([1, 2, 3]);
    expect(timers()).toBe(0);
  });

  test("gives the error of a stream that fails, and leaves no timer", async () => {
    const { clock, timers } = countingClock();
    const source = createChannel<number>();
    const read = limit(source, 100, { clock }).next();
    expect(timers()).toBe(1);
    source.close(new Error("broken"));
    await expect(read).rejects.toThrow("broken");
    expect(timers()).toBe(0);
  });

  test("leaves no timer when the reader leaves, and closes the source", async () => {
    const { clock, timers } = countingClock();
    const source = createChannel<number>();
    await source.send(1);
    await source.send(2);
    for await (const _ of limit(source, 100, { clock })) break;
    expect([timers(), source.closed]).toEqual([0, true]);
    const other = createChannel<number>();
    const limited = limit(other, 100, { clock });
    const read = limited.next();
    await limited.return(undefined);
    expect([timers(), other.closed, (await read).done]).toEqual([0, true, true]);
  });

  test("closes its source when the time passes, and rejects each read with DeadlineExceeded", async () => {
    const { clock, advance, timers } = countingClock();
    const source = createChannel<number>();
    const limited = limit(source, 100, { clock });
    await source.send(1);
    expect((await limited.next()).value).toBe(1);
    const reads = [errorOf(limited.next()), errorOf(limited.next())];
    await advance(100);
    const [error] = await Promise.all(reads);
    expect(error!.code).toBe(Code.DeadlineExceeded);
    expect(await Promise.all([...reads, errorOf(limited.next())])).toEqual([error, error, error]);
    expect([source.closed, timers()]).toEqual([true, 0]);
    expect((await errorOf(source.send(2))).code).toBe(Code.Canceled);
    expect((await limited.return(undefined)).done).toBe(true);
  });

  test("doesn't wait for a source in the middle of an await, whose finally runs later", async () => {
    const { clock, advance } = countingClock();
    const [parked, closed] = [happening(), happening()];
    async function* waits(): AsyncGenerator<number> {
      try {
        await parked;
        yield 1;
      } finally {
        closed.tell();
      }
    }
    const read = errorOf(limit(waits(), 100, { clock }).next());
    await advance(100);
    expect((await read).code).toBe(Code.DeadlineExceeded);
    parked.tell();
    await closed;
  });

  test("has no limit with Infinity, and takes a longer time than a timer can", async () => {
    const { clock, advance, timers } = countingClock();
    async function* waits(): AsyncGenerator<number> {
      yield await forEver();
    }
    void limit(waits(), Number.POSITIVE_INFINITY, { clock }).next();
    expect(timers()).toBe(0);
    const read = errorOf(limit(waits(), 2 ** 32, { clock }).next());
    await advance(2 ** 32 - 1);
    expect(timers()).toBe(1);
    await advance(1);
    expect((await read).rawMessage).toContain("within 4294967296 ms");
  });

  test.each([0, -1, Number.NaN, "5" as never])("refuses the time %p", (ms) => {
    expect(() => limit([], ms)).toThrow(`the time of ${name} is`);
  });

  test("refuses options that it doesn't know, and a source that is not iterable", () => {
    expect(() => limit([], 1, { clok: 1 } as object)).toThrow('did you mean "clock"?');
    expect(() => limit({} as never, 1)).toThrow("is not iterable");
  });

  test("uses the runtime's time by default", async () => {
    const source = createChannel<number>();
    const error = await errorOf(limit(source, 1).next());
    expect(error.code).toBe(Code.DeadlineExceeded);
  });
});

test("withTimeout counts from the first read to the end of the stream", async () => {
  const { clock, advance } = countingClock();
  const source = createChannel<number>();
  const limited = withTimeout(source, 100, { clock });
  await advance(1000);
  for (const value of [1, 2, 3]) {
    await source.send(value);
    expect((await limited.next()).value).toBe(value);
    await advance(30);
  }
  await advance(10);
  const error = await errorOf(limited.next());
  expect(error.rawMessage).toBe(
    "the stream has not ended within 100 ms, after 3 values: raise the time of withTimeout if it is too short",
  );
});

test("idleTimeout counts the time of each read, and not the reader's own time", async () => {
  const { clock, advance, timers } = countingClock();
  const source = createChannel<number>();
  const limited = idleTimeout(source, 100, { clock });
  for (const value of [1, 2, 3]) {
    const read = limited.next();
    await advance(99);
    await source.send(value);
    expect((await read).value).toBe(value);
    expect(timers()).toBe(0);
    await advance(1000);
  }
  const read = errorOf(limited.next());
  await advance(100);
  expect((await read).rawMessage).toBe(
    "no value came within 100 ms, after 3 values: raise the time of idleTimeout if it is too short",
  );
});

test("idleTimeout counts anew for the second of two reads when the first has its value", async () => {
  const { clock, advance } = countingClock();
  const source = createChannel<number>();
  const limited = idleTimeout(source, 100, { clock });
  const [first, second] = [limited.next(), errorOf(limited.next())];
  await advance(60);
  await source.send(1);
  expect((await first).value).toBe(1);
  await advance(99);
  expect(source.closed).toBe(false);
  await advance(1);
  expect((await second).rawMessage).toMatch(/^no value came within 100 ms, after 1 value:/);
});
