// SPDX-License-Identifier: Apache-2.0
import { STATIC_LENGTH } from "./static-table.js";

/** The bytes that an entry of a dynamic table counts beside its name and value (RFC 7541 §4.1). */
export const ENTRY_OVERHEAD = 32;

const SMALLEST_RING = 16;

/**
 * The dynamic table of a decoder (RFC 7541 §2.3.2): a ring, in which the newest entry overwrites what was evicted long
 * ago, so inserting and evicting move nothing.
 */
export class DynamicTable {
  /** The names of the entries by {@link slot}. */
  names: string[] = new Array<string>(SMALLEST_RING).fill("");
  /** The values of the entries by {@link slot}. */
  values: string[] = new Array<string>(SMALLEST_RING).fill("");
  /** The bytes the entries take, 32 more than name and value each (RFC 7541 §4.1). */
  size = 0;
  /** The bytes they may take (RFC 7541 §4.2). */
  maxSize: number;
  /** The number of entries. */
  length = 0;
  /** Grows with every insertion and change of the maximum: while it is the same, so is what each index means. */
  generation = 0;

  private next = 0; // the slot of the next entry
  private mask = SMALLEST_RING - 1;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  /** Returns the place in `names` and `values` of an index, 62 being the newest entry; -1 when there is none. */
  slot(index: number): number {
    const age = index - STATIC_LENGTH;
    return age <= this.length ? (this.next - age) & this.mask : -1;
  }

  /**
   * Adds an entry of a size, evicting as many as it takes. One that is too large for the table only empties it, which
   * is no error (RFC 7541 §4.4).
   */
  insert(name: string, value: string, size: number): void {
    this.generation++;
    if (this.size + size > this.maxSize) this.evict(Math.max(0, this.maxSize - size));
    if (size > this.maxSize) return;
    if (this.length > this.mask) this.grow();
    this.names[this.next] = name;
    this.values[this.next] = value;
    this.next = (this.next + 1) & this.mask;
    this.length++;
    this.size += size;
  }

  /** Changes the maximum, evicting what no longer fits (RFC 7541 §4.3). */
  resize(maxSize: number): void {
    this.generation++;
    this.maxSize = maxSize;
    this.evict(maxSize);
  }

  private evict(room: number): void {
    while (this.size > room) {
      const oldest = (this.next - this.length) & this.mask;
      this.size -= this.names[oldest]!.length + this.values[oldest]!.length + ENTRY_OVERHEAD;
      this.names[oldest] = ""; // or the strings would live until the ring comes round
      this.values[oldest] = "";
      this.length--;
    }
  }

  private grow(): void {
    const oldest = this.next; // the ring is full
    const more = new Array<string>(this.length).fill("");
    this.names = [...this.names.slice(oldest), ...this.names.slice(0, oldest), ...more];
    this.values = [...this.values.slice(oldest), ...this.values.slice(0, oldest), ...more];
    this.next = this.length;
    this.mask = this.length * 2 - 1;
  }
}
