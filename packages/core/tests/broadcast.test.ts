// SPDX-License-Identifier: Apache-2.0
// `broadcast` reads one source for many readers; a policy decides what a slow reader costs.
// Mutant: core/src/stream/broadcast.ts # this.waitsForReader || this.blocking > 0) return; => this.waitsForReader) return;
// Mutant: core/src/stream/broadcast.ts # this.waitsForReader || this.blocking > 0) return; => this.blocking > 0) return;
// Mutant: core/src/stream/broadcast.ts # if (!blocking) this.pump();
// Mutant: core/src/stream/broadcast.ts # if (this.waitsForReader) this.kept = { value };
// Mutant: core/src/stream/broadcast.ts # this.places.size === 0 && this.defaults.withoutReaders === "wait" => this.places.size === 0
// Mutant: core/src/stream/broadcast.ts # this.places.delete(place);
// Mutant: core/src/stream/broadcast.ts # await this.source.close();
// Mutant: core/src/stream/broadcast.ts # this.forgetSignal();
// Mutant: core/src/stream/broadcast.ts # for (const place of this.places) place.drop(error);
// Mutant: core/src/stream/broadcast.ts # if (this.valuesSinceTurn < valuesPerTurn) { => if (true) {
// Mutant: core/src/stream/broadcast-reader.ts # if (this.whenSlow === "drop-newest") return;
// Mutant: core/src/stream/broadcast-reader.ts # this.queue.dropOldest();
// Mutant: core/src/stream/broadcast-reader.ts # this.end(this.tooSlow()); => this.end(undefined);
// Mutant: core/src/stream/broadcast-reader.ts # this.dropped++;
// Mutant: core/src/stream/broadcast-reader.ts # if (this.blocking === blocking) return;
import {
  type Broadcast,
  type BroadcastReader,
  broadcast,
  Code,
  ConnectError,
  createChannel,
} from "@tristream/core";
import { all, errorOf, turns } from "./events.js";

/** Numbers from 1 on, without an end; `given` counts them. */
function numbers() {
  const state = { given: 0, closed: false };
  async function* give(): AsyncGenerator<number> {
    try {
      for (;;) yield ++state.given;
    } finally {
      state.closed = true;
    }
  }
  return { state, source: give() };
}

/** The next values of a reader. */
async function take(reader: BroadcastReader<number>, n: number): Promise<number[]> {
  const values: number[] = [];
  while (values.length < n) {
    const next = await reader.next();
    if (next.done === true) break;
    values.push(next.value);
  }
  return values;
}

describe("each reader of a broadcast", () => {
  test("has all values in order, from the one after its start", async () => {
    const source = createChannel<number>();
    const feed = broadcast(source);
    const [early, loop] = [feed.subscribe(), all(feed)];
    await source.send(1);
    await turns(1);
    const late = feed.subscribe();
    await source.send(2);
    source.close();
    expect([await all(early), await loop, await all(late)]).toEqual([[1, 2], [1, 2], [2]]);
  });

  test("gets the source's error behind the values that wait, and a later reader gets it at once", async () => {
    const source = createChannel<number>();
    const feed = broadcast(source);
    const readers = [feed.subscribe(), feed.subscribe()];
    await source.send(1);
    const failure = new Error("the source broke");
    source.close(failure);
    await turns(1);
    for (const reader of readers) {
      expect(await reader.next()).toEqual({ done: false, value: 1 });
      await expect(reader.next()).rejects.toBe(failure);
    }
    expect(feed.readers).toBe(0);
    await expect(all(feed)).rejects.toBe(failure);
  });

  test("frees its place when it leaves, by break, return() or the end of its block", async () => {
    const { source } = numbers();
    const feed = broadcast(source, { capacity: 1 });
    for await (const _ of feed) {
      expect(feed.readers).toBe(1);
      break;
    }
    expect(feed.readers).toBe(0);
    const reader = feed.subscribe();
    await reader.return(undefined);
    {
      await using _ = feed.subscribe();
      expect(feed.readers).toBe(1);
    }
    expect(feed.readers).toBe(0);
    await feed.close();
  });

  test("ends with its signal: a read that waits rejects with the reason, and the place is free", async () => {
    const feed = broadcast(createChannel<number>());
    const call = new AbortController();
    const reader = feed.subscribe({ signal: call.signal });
    const read = errorOf(reader.next());
    call.abort(new ConnectError("the client has left", Code.Canceled));
    expect((await read).rawMessage).toBe("the client has left");
    expect(feed.readers).toBe(0);
    const late = feed.subscribe({ signal: call.signal });
    expect((await errorOf(late.next())).rawMessage).toBe("the client has left");
    expect(feed.readers).toBe(0);
  });
});

test("behind the end of a broadcast, a reader's signal still drops the values that wait", async () => {
  const controller = new AbortController();
  const source = createChannel<number>();
  const feed = broadcast(source);
  const reader = feed.subscribe({ signal: controller.signal });
  await source.send(1);
  source.close();
  await turns(5);
  expect(reader.size).toBe(1);
  controller.abort(new ConnectError("enough", Code.Canceled));
  expect((await errorOf(reader.next())).rawMessage).toBe("enough");
});

test("a broadcast and its readers take their listeners off a signal when they end", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const ofReader = broadcast(createChannel<number>());
  await ofReader.subscribe({ signal }).return();
  expect(listeners).toBe(0);
  ofReader.subscribe({ signal });
  expect(listeners).toBe(1);
  await ofReader.close();
  expect(listeners).toBe(0);
  ofReader.subscribe({ signal });
  expect(listeners).toBe(0);
  const feed = broadcast(createChannel<number>(), { signal });
  expect(listeners).toBe(1);
  await feed.close();
  expect(listeners).toBe(0);
});

describe("the source of a broadcast", () => {
  test("is not read without a reader", async () => {
    const { source, state } = numbers();
    const feed = broadcast(source, { whenSlow: "drop-newest" });
    await turns(3);
    expect(state.given).toBe(0);
    const reader = feed.subscribe();
    expect(await take(reader, 1)).toEqual([1]);
    await reader.return(undefined);
    await turns(3);
    const { given } = state;
    await turns(3);
    expect(state.given).toBe(given);
    await feed.close();
  });

  test("loses no value while there is no reader: one that was asked for waits for the next reader", async () => {
    const source = createChannel<number>();
    const feed = broadcast(source);
    const first = feed.subscribe();
    await turns(1);
    await first.return(undefined);
    await source.send(1);
    await source.send(2);
    await turns(2);
    expect(source.size).toBe(1);
    const second = feed.subscribe();
    source.close();
    expect(await all(second)).toEqual([1, 2]);
  });

  test('is read without readers with withoutReaders: "drop", and a reader has the values from its start on', async () => {
    const source = createChannel<number>({ capacity: 1 });
    const feed = broadcast(source, { withoutReaders: "drop" });
    for (let i = 1; i <= 5; i++) await source.send(i);
    await turns(1);
    const reader = feed.subscribe();
    await source.send(6);
    expect(await take(reader, 1)).toEqual([6]);
    await reader.return();
    await source.send(7);
    await source.send(8);
    await turns(1);
    const next = feed.subscribe();
    await source.send(9);
    source.close();
    expect(await all(next)).toEqual([9]);
    expect(() => broadcast([], { withoutReaders: "keep" as never })).toThrow('pass "wait" or "drop"');
  });

  test("stays open when the last reader leaves, and goes on for the next one", async () => {
    const { source, state } = numbers();
    const feed = broadcast(source, { capacity: 1 });
    const first = feed.subscribe();
    expect(await take(first, 2)).toEqual([1, 2]);
    await first.return(undefined);
    expect(state.closed).toBe(false);
    const [next] = await take(feed.subscribe(), 1);
    expect(next).toBeGreaterThan(2);
    await feed.close();
    expect(state.closed).toBe(true);
  });

  test("is closed by close(), and readers get the values that wait, then the end or the error", async () => {
    const ended = await closed((feed) => feed.close());
    expect(ended).toEqual({ values: [1, 2], outcome: undefined, sourceClosed: true });
    const failure = new Error("closing time");
    const failed = await closed((feed) => feed.close(failure));
    expect(failed).toEqual({ values: [1, 2], outcome: failure, sourceClosed: true });
    const disposed = await closed((feed) => feed[Symbol.asyncDispose]());
    expect(disposed).toEqual({ values: [1, 2], outcome: undefined, sourceClosed: true });
  });

  test("is closed by the signal, and readers lose the values that wait", async () => {
    const controller = new AbortController();
    const aborted = await closed(async () => controller.abort(new Error("stop")), controller.signal);
    expect(aborted).toEqual({
      values: [],
      outcome: expect.objectContaining({ rawMessage: "stop" }),
      sourceClosed: true,
    });
    const feed = broadcast(createChannel<number>(), { signal: controller.signal });
    expect((await errorOf(feed.subscribe().next())).rawMessage).toBe("stop");
  });

  /** What a reader with two values sees when the broadcast ends. */
  async function closed(end: (feed: Broadcast<number>) => Promise<void>, signal?: AbortSignal) {
    const { source, state } = numbers();
    const feed = broadcast(source, { capacity: 2, signal });
    const reader = feed.subscribe();
    await turns(2);
    await end(feed);
    const values: number[] = [];
    let outcome: unknown;
    try {
      for await (const value of reader) values.push(value);
    } catch (error) {
      outcome = error;
    }
    await turns(1);
    return { values, outcome, sourceClosed: state.closed };
  }
});

describe("a slow reader", () => {
  test('with "wait" holds up the source, and all other readers, until it reads or leaves', async () => {
    const { source, state } = numbers();
    const feed = broadcast(source, { capacity: 3 });
    const [slow, fast] = [feed.subscribe(), feed.subscribe()];
    expect(await take(fast, 3)).toEqual([1, 2, 3]);
    const waits = take(fast, 2);
    await turns(3);
    expect([state.given, slow.size]).toEqual([3, 3]);
    expect(await take(slow, 1)).toEqual([1]);
    await turns(3);
    expect(state.given).toBe(4);
    await slow.return(undefined);
    expect(await waits).toEqual([4, 5]);
    await feed.close();
  });

  test('with "drop-oldest" loses its oldest values, and "dropped" counts them', async () => {
    const { slow, ofFast } = await afterSixValues("drop-oldest");
    expect(ofFast).toEqual([1, 2, 3, 4, 5, 6]);
    expect([slow.dropped, await all(slow)]).toEqual([4, [5, 6]]);
  });

  test('with "drop-newest" loses the new values, and "dropped" counts them', async () => {
    const { slow, ofFast } = await afterSixValues("drop-newest");
    expect(ofFast).toEqual([1, 2, 3, 4, 5, 6]);
    expect([slow.dropped, await all(slow)]).toEqual([4, [1, 2]]);
  });

  test('with "end" gets the values that wait, then ResourceExhausted, and its place is free', async () => {
    const { slow, ofFast, readersAfterThree } = await afterSixValues("end");
    expect(ofFast).toEqual([1, 2, 3, 4, 5, 6]);
    expect(readersAfterThree).toBe(1);
    expect(await take(slow, 2)).toEqual([1, 2]);
    const error = await errorOf(slow.next());
    expect([error.code, error.rawMessage]).toEqual([
      Code.ResourceExhausted,
      "the reader was too slow: 2 values waited, as many as its capacity: read faster, raise capacity, or choose another whenSlow",
    ]);
  });

  /** A reader with room for two values, of which it has read none, beside one that reads each value when it comes. */
  async function afterSixValues(whenSlow: "drop-oldest" | "drop-newest" | "end") {
    const source = createChannel<number>();
    const feed = broadcast(source, { capacity: 2, whenSlow });
    const [slow, fast] = [feed.subscribe(), feed.subscribe()];
    const ofFast: number[] = [];
    let readersAfterThree = 0;
    for (let i = 1; i <= 6; i++) {
      await source.send(i);
      ofFast.push(...(await take(fast, 1)));
      if (i === 3) readersAfterThree = feed.readers;
    }
    source.close();
    await turns(1);
    return { slow, ofFast, readersAfterThree };
  }

  test("may have a capacity and a policy of its own", async () => {
    const source = createChannel<number>();
    const feed = broadcast(source, { capacity: 8, whenSlow: "drop-newest" });
    const own = feed.subscribe({ capacity: 1, whenSlow: "drop-oldest" });
    const other = feed.subscribe();
    for (let i = 1; i <= 3; i++) await source.send(i);
    source.close();
    await turns(1);
    expect([await all(own), await all(other)]).toEqual([[3], [1, 2, 3]]);
  });

  test("doesn't stop the event loop, though the source is always ready and no reader holds it up", async () => {
    const { source, state } = numbers();
    const feed = broadcast(source, { whenSlow: "drop-oldest" });
    feed.subscribe();
    await turns(3);
    expect(state.given).toBeGreaterThan(100);
    await feed.close();
  });
});

test("broadcast refuses wrong options, and a source that is not iterable", () => {
  expect(() => broadcast([], { whenSlow: "drop" as never })).toThrow(
    'option whenSlow of broadcast is "drop": pass "wait", "drop-oldest", "drop-newest" or "end"',
  );
  expect(() => broadcast([], { capacity: 0 })).toThrow("capacity is 0");
  expect(() => broadcast([]).subscribe({ whenslow: "end" } as object)).toThrow('did you mean "whenSlow"?');
  expect(() => broadcast(7 as never)).toThrow("is not iterable");
});
