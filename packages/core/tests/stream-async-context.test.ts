// SPDX-License-Identifier: Apache-2.0
// Promise 13: the code of a source runs in the context of the call that gave the source to a stream helper, whichever call reads it.
// Mutant: core/src/stream/source.ts # new ContextIterator(openIterator(source as AsyncIterable<T>)) => openIterator(source as AsyncIterable<T>) as never
// Mutant: core/src/stream/create-channel.ts # signalContext!.runInAsyncScope(controller.abort, controller, error); => controller.abort(error);
import "@tristream/node";
import { broadcast, createChannel, idleTimeout, merge, withTimeout } from "@tristream/core";
import { createClock } from "@tristream/testing";
import { errorOf, fired, turns } from "./events.js";
import { Stores } from "./stores.js";

/** Three values; each piece of the generator's code is visited. */
async function* source(stores: Stores, own: string | undefined): AsyncGenerator<number> {
  try {
    for (let i = 0; i < 3; i++) {
      stores.visit("before yield", own);
      yield i;
      stores.visit("after yield", own);
      await turns(1);
      stores.visit("after await", own);
    }
  } finally {
    stores.visit("finally", own);
  }
}

const places = ["before yield", "after yield", "after await", "finally"];

test.each([
  ["merge", (from: AsyncIterable<number>) => merge(from, [7])],
  ["withTimeout", (from: AsyncIterable<number>) => withTimeout(from, 60_000)],
  ["idleTimeout", (from: AsyncIterable<number>) => idleTimeout(from, 60_000)],
] as const)("%s runs the source in the context in which it was called", async (_name, wrap) => {
  const stores = new Stores();
  const wrapped = stores.storage.run("owner", () => wrap(source(stores, "owner")));
  await stores.storage.run("reader", async () => {
    for await (const _ of wrapped) stores.visit("reader", "reader");
  });
  stores.expectOwn(...places, "reader");
  const left = stores.storage.run("owner", () => wrap(source(stores, "owner")));
  await stores.storage.run("leaver", async () => {
    for await (const _ of left) break;
  });
  stores.expectOwn(...places);
});

test("broadcast runs the source in its own context, and each reader in the reader's", async () => {
  const stores = new Stores();
  const { storage } = stores;
  const feed = storage.run("owner", () => broadcast(source(stores, "owner"), { capacity: 1 }));
  const read = (own: string): Promise<void> =>
    storage.run(own, async () => {
      for await (const _ of feed) stores.visit("reader", own);
    });
  await Promise.all(["a", "b", "c"].map(read));
  stores.expectOwn(...places, "reader");
  const other = storage.run("owner", () => broadcast(source(stores, "owner")));
  await storage.run("a", async () => {
    for await (const _ of other) break;
  });
  await storage.run("b", () => other.close());
  stores.expectOwn(...places);
});

test("a source is closed in its own context when a time passes", async () => {
  const stores = new Stores();
  const clock = createClock();
  async function* waits(): AsyncGenerator<number> {
    try {
      yield 1;
    } finally {
      stores.visit("finally", "owner");
    }
  }
  const limited = stores.storage.run("owner", () => withTimeout(waits(), 10, { clock }));
  await stores.storage.run("reader", () => limited.next());
  await stores.storage.run("clock", () => clock.advance(10));
  await errorOf(limited.next());
  stores.expectOwn("finally");
});

test("both ends of a channel stay in their own contexts, and so do the listeners of its signal", async () => {
  const stores = new Stores();
  const { storage } = stores;
  const channel = createChannel<number>({ capacity: 1 });
  const sender = storage.run("sender", async () => {
    channel.closedSignal.addEventListener("abort", () => stores.visit("listener", "sender"));
    for (let i = 0; i < 5; i++) {
      await channel.send(i);
      stores.visit("sender", "sender");
    }
    await fired(channel.closedSignal);
    stores.visit("told", "sender");
  });
  await storage.run("reader", async () => {
    for await (const value of channel) {
      stores.visit("reader", "reader");
      if (value === 4) break;
    }
  });
  await sender;
  stores.expectOwn("listener", "sender", "told", "reader");
});
