// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/mount/request-body.ts # this.cancelTimer = this.clock.after(lingerMs, close, { background: true });
// Mutant: core/src/mount/request-body.ts # if (result.done !== true) return result; => return result as never;
import { turns } from "../../tests/events.js";
import type { Clock } from "../runtime/clock.js";
import { RequestBody } from "./request-body.js";

/** A body whose chunks a test gives, and what became of it. */
function start() {
  const seen = { read: 0, closed: 0, timers: 0 };
  let fire = (): void => {};
  let give = (_result: IteratorResult<Uint8Array>): void => {};
  const source: AsyncIterableIterator<Uint8Array> = {
    next() {
      seen.read++;
      return new Promise((resolve) => {
        give = resolve;
      });
    },
    return() {
      seen.closed++;
      return Promise.reject(new Error("nobody wants to know"));
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  const clock: Clock = {
    now: () => 0,
    after(_ms, callback) {
      seen.timers++;
      fire = callback;
      let set = true;
      return () => {
        if (set) seen.timers--;
        set = false;
      };
    },
  };
  const body = new RequestBody(source, clock);
  const chunk = async (): Promise<void> => {
    give({ done: false, value: new Uint8Array(1) });
    await turns(1);
  };
  const end = async (): Promise<void> => {
    give({ done: true, value: undefined });
    await turns(1);
  };
  return { body, seen, chunk, end, fire: () => fire() };
}

describe("a request's body that its reader leaves", () => {
  test("is read and dropped to its end, and not closed", async () => {
    const { body, seen, chunk, end } = start();
    await body.return();
    await body.return();
    for (let i = 0; i < 3; i++) await chunk();
    expect(seen).toEqual({ read: 4, closed: 0, timers: 0 });
    await end();
    body.answered();
    expect(seen).toEqual({ read: 4, closed: 0, timers: 0 });
  });

  test("is closed when it has not ended some time after the answer", async () => {
    const { body, seen, chunk, fire } = start();
    body.answered();
    body.answered();
    await chunk();
    expect(seen).toEqual({ read: 2, closed: 0, timers: 1 });
    fire();
    await turns(1);
    expect(seen.closed).toBe(1);
    await chunk();
    expect(seen.read).toBe(2);
  });

  test("leaves no timer when it ends in time", async () => {
    const { body, seen, end } = start();
    body.answered();
    await end();
    expect(seen).toEqual({ read: 1, closed: 0, timers: 0 });
  });
});
