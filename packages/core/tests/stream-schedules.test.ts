// SPDX-License-Identifier: Apache-2.0
// Promise 11 for the stream helpers: under random schedules of senders, sources and readers, nothing is lost, doubled or reordered
// that was not dropped by name. A title has its seed.
// Mutant: core/src/stream/fifo.ts # this.items = this.items.slice(this.head); => this.items = this.items.slice(this.head + 1);
// Mutant: core/src/stream/fifo.ts # this.items[this.head++] = undefined; => this.items[this.head++] = undefined; if (this.head % 5 === 0) this.items.reverse();
// Mutant: core/src/stream/create-channel.ts # this.queue.push(next.value); => void 0;
// Mutant: core/src/stream/merge.ts # this.idle.push(first.source); => this.idle.push(first.source, first.source);
// Mutant: core/src/stream/broadcast-reader.ts # if (this.whenSlow === "wait" && this.queue.size >= this.capacity) this.setBlocking(true);
import { broadcast, createChannel, idleTimeout, merge, type WhenSlow, withTimeout } from "@tristream/core";
import { Random, seeds } from "../../http2/tests/random.js";
import { turns } from "./events.js";

type Value = readonly [name: string, i: number];

const runs = seeds(40);

/** A pause of a few promise jobs or event-loop turns, or none. */
async function pause(random: Random): Promise<void> {
  const kind = random.int(0, 9);
  if (kind < 4) for (let i = random.int(0, 6); i > 0; i--) await null;
  else if (kind < 6) await turns(random.int(1, 2));
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A generator of `[name, 0]`, `[name, 1]`, … with pauses. */
async function* source(name: string, n: number, random: Random): AsyncGenerator<Value> {
  for (let i = 0; i < n; i++) {
    await pause(random);
    yield [name, i];
  }
}

/** The numbers of each name, in the order in which they came. */
function byName(values: readonly Value[]): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const [name, i] of values) (found[name] ??= []).push(i);
  return found;
}

test.each(runs)(
  "a channel gives each sender's values in order, to a loop and to workers (seed %d)",
  async (seed) => {
    const random = new Random(seed);
    const n = random.int(1, 120);
    const channel = createChannel<Value>({ capacity: random.int(1, 5) });
    const sent: Value[] = [];
    const send = async (name: string): Promise<void> => {
      const unawaited: Promise<void>[] = [];
      for (let i = 0; i < n; i++) {
        await pause(random);
        sent.push([name, i]);
        if (random.oneIn(5) && channel.trySend([name, i])) continue;
        const promise = channel.send([name, i]);
        if (random.oneIn(3)) unawaited.push(promise);
        else await promise;
      }
      await Promise.all(unawaited);
    };
    const senders = ["a", "b", "c"].map(send);
    const closed = Promise.all(senders).then(() => channel.close());
    const work = async (): Promise<Value[]> => {
      const read: Value[] = [];
      for (let next = await channel.receive(); next !== undefined; next = await channel.receive()) {
        read.push(next);
        expect(channel.size).toBeLessThanOrEqual(5);
        await pause(random);
      }
      return read;
    };
    const loop = async (): Promise<Value[]> => {
      const read: Value[] = [];
      for await (const value of channel) {
        read.push(value);
        await pause(random);
      }
      return read;
    };
    const readers = [work(), ...(random.oneIn(2) ? [loop()] : []), ...(random.oneIn(2) ? [work()] : [])];
    const [all] = await Promise.all([Promise.all(readers), closed]);
    const place = new Map(sent.map(([name, i], at) => [`${name} ${i}`, at]));
    const places = all.map((read) => read.map(([name, i]) => place.get(`${name} ${i}`)!));
    for (const each of places) expect(each).toEqual([...each].sort((a, b) => a - b));
    expect(places.flat().sort((a, b) => a - b)).toEqual(upTo(3 * n));
  },
);

test.each(runs)(
  "merge, withTimeout and idleTimeout keep the order of each source (seed %d)",
  async (seed) => {
    const random = new Random(seed);
    const counts = { a: random.int(0, 60), b: random.int(0, 60), c: random.int(0, 60), d: random.int(0, 60) };
    const wrapped = Object.entries(counts).map(([name, n]) => {
      const from = source(name, n, random);
      return random.oneIn(3) ? withTimeout(from, 60_000) : random.oneIn(2) ? idleTimeout(from, 60_000) : from;
    });
    const merged = merge(...wrapped);
    const read: Value[] = [];
    const readers = upTo(random.int(1, 3)).map(async () => {
      for (;;) {
        const next = await merged.next();
        if (next.done === true) return;
        read.push(next.value);
        await pause(random);
      }
    });
    await Promise.all(readers);
    const expected = Object.entries(counts).filter(([, n]) => n > 0);
    expect(byName(read)).toEqual(Object.fromEntries(expected.map(([name, n]) => [name, upTo(n)])));
  },
);

test.each(runs)(
  "a broadcast gives each reader the values in order, or counts what it dropped (seed %d)",
  async (seed) => {
    const random = new Random(seed);
    const n = random.int(1, 150);
    const feed = broadcast(source("a", n, random), { capacity: random.int(1, 4) });
    const read = async (whenSlow: WhenSlow, leaves: boolean) => {
      for (let i = random.int(0, 20); i > 0; i--) await pause(random);
      const reader = feed.subscribe({ whenSlow, capacity: random.int(1, 6) });
      const values: number[] = [];
      let outcome = "ended";
      try {
        for await (const [, i] of reader) {
          values.push(i);
          if (leaves && random.oneIn(30)) {
            outcome = "left";
            break;
          }
          await pause(random);
        }
      } catch {
        outcome = "too slow";
      }
      return { whenSlow, values, outcome, dropped: reader.dropped };
    };
    const readers = [
      read("wait", false),
      read("wait", true),
      read("wait", true),
      read("drop-oldest", false),
      read("drop-newest", false),
      read("end", false),
    ];
    for (const { whenSlow, values, outcome, dropped } of await Promise.all(readers)) {
      expect(values).toEqual([...values].sort((a, b) => a - b));
      expect(new Set(values).size).toBe(values.length);
      const first = values[0] ?? 0;
      // A reader has no gap, except where its policy drops, and then it counts each value that is missing.
      const drops = whenSlow === "drop-oldest" || whenSlow === "drop-newest";
      expect(values).toEqual(drops ? values : upTo(values.length).map((i) => i + first));
      expect(drops || dropped === 0).toBe(true);
      const toTheEnd = values.length === 0 || values.at(-1) === n - 1;
      expect(toTheEnd || whenSlow !== "wait" || outcome !== "ended").toBe(true);
      const whole = whenSlow === "drop-oldest" && dropped === 0 && values.length > 0;
      expect(values).toEqual(whole ? upTo(n - first).map((i) => i + first) : values);
      expect(dropped === 0 || values.length + dropped <= n).toBe(true);
    }
    expect(feed.readers).toBe(0);
  },
);
