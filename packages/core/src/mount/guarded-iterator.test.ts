// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/mount/guarded-iterator.ts # for (const end of this.pending.values()) end();
import { GuardedIterator } from "./guarded-iterator.js";

test("a read that waits ends when the iterator is left, though its source never settles", async () => {
  const source = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const iterator = new GuardedIterator(source, new AbortController().signal, {});
  const reads = [iterator.next(), iterator.next()];
  expect(await iterator.return()).toEqual({ done: true, value: undefined });
  expect(await Promise.all(reads)).toEqual([
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
});
