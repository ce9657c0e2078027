// SPDX-License-Identifier: Apache-2.0
// Mutant: services/src/health/watchers.ts # if (this.fresh) return; => if (false) return;
// Mutant: services/src/health/watchers.ts # signal.removeEventListener("abort", this.tell);
// Mutant: services/src/health/watchers.ts # all.delete(watcher);
import { Watchers } from "./watchers.js";

test("a change between a look and the wait for it is not lost", async () => {
  const watchers = new Watchers();
  using watcher = watchers.add("a", []);
  watcher.seen();
  watchers.tell("b");
  watchers.tell("a");
  await watcher.changed();
  watcher.seen();
  const changed = watcher.changed();
  watchers.tell("a");
  await changed;
});

test("a signal that fires counts as a change, and a disposed watcher hears nothing more", async () => {
  const watchers = new Watchers();
  const controller = new AbortController();
  const listeners: unknown[] = [];
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: never) => {
    listeners.push(listener);
    add(type, listener);
  };
  signal.removeEventListener = (type: string, listener: never) => {
    listeners.splice(listeners.indexOf(listener), 1);
    remove(type, listener);
  };
  const watcher = watchers.add("a", [signal]);
  const changed = watcher.changed();
  controller.abort();
  await changed;
  watcher.seen();
  watcher[Symbol.dispose]();
  expect(listeners).toEqual([]);
  watchers.tell("a");
  using other = watchers.add("a", []);
  const next = Promise.race([watcher.changed(), Promise.resolve("nothing")]);
  watchers.tell("a");
  await other.changed();
  expect(await next).toBe("nothing");
});
