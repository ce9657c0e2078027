// SPDX-License-Identifier: Apache-2.0

/** Taken slots at the front of a list before the list is compacted. */
const compactAfter = 32;

/** Values in the order in which they came. Taking one costs the same however many wait; `Array.shift` moves all of a long array. */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  /** The values that wait. */
  get size(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** Takes the oldest value. Ask for `size` first: `undefined` may be a value. */
  shift(): T | undefined {
    const item = this.items[this.head];
    if (this.size === 0) return undefined;
    this.items[this.head++] = undefined;
    if (this.head > compactAfter && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  /** Takes all values. */
  takeAll(): T[] {
    const all = this.items.slice(this.head) as T[];
    this.items = [];
    this.head = 0;
    return all;
  }
}
