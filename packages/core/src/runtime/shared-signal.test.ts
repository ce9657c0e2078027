// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/runtime/shared-signal.ts # fault ??= { error }; => throw error;
import { getEventListeners } from "node:events";
import { type EndedBySignal, SharedSignal } from "./shared-signal.js";

/** A call that notes its end. */
function ending(order: string[], name: string, then: () => void = () => {}): EndedBySignal {
  return {
    signalFired() {
      order.push(name);
      then();
    },
  };
}

describe("a shared signal", () => {
  test("is one per signal, and has one listener while it has calls", () => {
    const { signal } = new AbortController();
    const shared = SharedSignal.of(signal);
    expect(SharedSignal.of(signal)).toBe(shared);
    expect(SharedSignal.of(new AbortController().signal)).not.toBe(shared);
    const calls = Array.from({ length: 20 }, () => ending([], ""));
    for (let again = 0; again < 2; again++) {
      for (const call of calls) shared.add(call);
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      for (const call of calls) {
        expect(getEventListeners(signal, "abort")).toHaveLength(1);
        shared.delete(call);
        shared.delete(call);
      }
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    }
  });

  test("tells its calls in the order in which they came, once each, but for those that end meanwhile", () => {
    const abort = new AbortController();
    const shared = SharedSignal.of(abort.signal);
    const order: string[] = [];
    const third = ending(order, "third");
    const added = ending(order, "added");
    for (const call of [
      ending(order, "first", () => shared.delete(third)),
      ending(order, "second", () => shared.add(added)),
      third,
      ending(order, "fourth"),
    ])
      shared.add(call);
    abort.abort();
    expect(order).toEqual(["first", "second", "fourth", "added"]);
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
  });

  test("tells all of them when some throw, and throws the first fault afterwards", () => {
    const order: string[] = [];
    let fire: () => void = () => {};
    let listeners = 0;
    // A real signal reports what a listener throws as an uncaught exception.
    const signal = {
      addEventListener(_type: string, listener: () => void) {
        fire = listener;
        listeners++;
      },
      removeEventListener: () => listeners--,
    } as unknown as AbortSignal;
    const shared = SharedSignal.of(signal);
    const fail = (text: string) => () => {
      throw new Error(text);
    };
    shared.add(ending(order, "first"));
    shared.add(ending(order, "second", fail("one")));
    shared.add(ending(order, "third", fail("two")));
    shared.add(ending(order, "fourth"));
    expect(fire).toThrow("one");
    expect(order).toEqual(["first", "second", "third", "fourth"]);
    expect(listeners).toBe(0);
    expect(fire).not.toThrow();
    expect(order).toHaveLength(4);
  });
});
