// SPDX-License-Identifier: Apache-2.0
// Hot path: one call a header block. Copying a ready one takes 10 ns, a request of 8 known fields and a new timeout
// 0.25 µs, of which the timeout is 0.1.
import { ENTRY_OVERHEAD } from "./dynamic-table.js";
import { EncoderTable, type TableName } from "./encoder-table.js";
import type { HeaderBlock } from "./header-block.js";
import { Indexing } from "./indexing.js";
import { writeInteger } from "./integer.js";
import { writeStringLiteral } from "./string-literal.js";

// A name with so many values in the table gets no more of them: it would drive out all others, and searching the
// values of a name takes time in proportion. That keeps the table still under metadata that differs for every call.
const MOST_VALUES = 32;
// The size until SETTINGS set another one (RFC 9113 §6.5.2).
const DEFAULT_TABLE_SIZE = 4096;
// Two table size updates: a 0 and an integer.
const UPDATES_BOUND = 7;
// A new name: the first byte, and a length of at most 5 bytes before the name and before the value.
const FIELD_BOUND = 11;

/** The application's options for a {@link HpackEncoder}. */
export interface HpackEncoderOptions {
  /** Names, in lower case, of fields that are secret besides the usual ones; none by default. Read when one is first met. */
  readonly sensitive?: ReadonlySet<string>;
}

/**
 * Encodes the header blocks of one connection (RFC 7541). Blocks must be sent in the order in which they are encoded,
 * and each one that is encoded must be sent, as it may count on the ones before it.
 *
 * Strings are bytes, a char code of 0 to 255 each, names in lower case: nothing else is checked here.
 */
export class HpackEncoder {
  /** The dynamic table, to look at. */
  readonly table: EncoderTable;

  private readonly maxTableSize: number;
  private updateDue = false; // the peer is to learn another table size
  private knownSize = DEFAULT_TABLE_SIZE; // the table size that the peer knows
  private lowest = DEFAULT_TABLE_SIZE; // of that one and those it was to learn since
  private flushDue = false; // it is to empty its table before

  /** With a table of at most `maxTableSize` bytes, 4096 by default; never more than the peer allows. */
  constructor(maxTableSize = DEFAULT_TABLE_SIZE, options: HpackEncoderOptions = {}) {
    this.maxTableSize = maxTableSize;
    this.table = new EncoderTable(DEFAULT_TABLE_SIZE, options.sensitive);
    if (maxTableSize < DEFAULT_TABLE_SIZE) this.setPeerTableSize(maxTableSize);
  }

  /** Grows with every change of the table; while it is the same, the same fields give the same bytes. */
  get generation(): number {
    return this.table.generation;
  }

  /**
   * Applies the SETTINGS_HEADER_TABLE_SIZE of the peer, whose every value must pass here, in order. More than our own
   * maximum is not used: a peer could ask for 4 GiB. The next block starts by telling the peer (RFC 7541 §4.2).
   */
  setPeerTableSize(size: number): void {
    const next = Math.min(size, this.maxTableSize);
    if (next === this.table.maxSize) return;
    this.updateDue = true;
    this.lowest = Math.min(this.lowest, next);
    // The size fell and rose again: two updates are due, the lowest and the last. Go's decoder takes a second one only while
    // its table is empty (golang/net http2/hpack/hpack.go), so the lowest is sent as 0 and the table starts afresh.
    if (this.lowest < this.knownSize && next > this.lowest) {
      this.flushDue = true;
      this.table.resize(0);
    }
    this.table.resize(next);
  }

  /** Returns how many bytes the block of these fields takes at most, with the table size updates that may be due. */
  maxLength(fields: readonly string[]): number {
    let length = UPDATES_BOUND;
    for (let i = 0; i < fields.length; i += 2)
      length += fields[i]!.length + fields[i + 1]!.length + FIELD_BOUND;
    return length;
  }

  /**
   * Writes the block of the fields (name, value, name, value) at an offset of `out`, which has room for
   * {@link maxLength}, and returns the offset behind it. Throws a `RangeError` for a character above U+00FF and for
   * lack of room: that block must not be sent, the next ones are right.
   */
  encode(fields: readonly string[], out: Uint8Array, at: number): number {
    try {
      if (this.updateDue) at = this.writeUpdates(out, at);
      for (let i = 0; i < fields.length; i += 2) at = this.writeField(fields[i]!, fields[i + 1]!, out, at);
      if (at > out.length) throw new RangeError(`a header block ends at ${at} of ${out.length} bytes`);
      return at;
    } catch (error) {
      // The fields before the error may be in our table, but will not be in the peer's: both start afresh.
      this.flushDue = this.updateDue = true;
      const maxSize = this.table.maxSize;
      this.table.resize(0);
      this.table.resize(maxSize);
      throw error;
    }
  }

  /** Like {@link encode}; the bytes of a block that were made at the same generation are copied. */
  encodeBlock(block: HeaderBlock, out: Uint8Array, at: number): number {
    const generation = this.table.generation;
    if (block.owner === this && block.generation === generation) {
      const bytes = block.bytes;
      const length = bytes.length;
      if (length > 64 || at + length > out.length)
        out.set(bytes, at); // which throws if there is no room
      else for (let i = 0; i < length; i++) out[at + i] = bytes[i]!;
      return at + length;
    }
    const end = this.encode(block.fields, out, at);
    if (this.table.generation === generation) {
      block.owner = this;
      block.generation = generation;
      block.bytes = out.slice(at, end);
    }
    return end;
  }

  private writeUpdates(out: Uint8Array, at: number): number {
    if (this.flushDue) at = writeInteger(0, 0x1f, 0x20, out, at);
    at = writeInteger(this.table.maxSize, 0x1f, 0x20, out, at);
    this.updateDue = this.flushDue = false;
    this.knownSize = this.lowest = this.table.maxSize;
    this.table.generation++; // the next block does not start like this one
    return at;
  }

  private writeField(name: string, value: string, out: Uint8Array, at: number): number {
    const table = this.table;
    const owner = table.name(name);
    const rule = owner.rule;
    if (value.length < rule.indexedFrom) return this.writeLiteral(owner, value, rule.literal, out, at);
    const index = table.index(owner, value);
    if (index !== 0) return writeInteger(index, 0x7f, 0x80, out, at);
    const size = name.length + value.length + ENTRY_OVERHEAD;
    if (owner.count >= MOST_VALUES || size > table.maxSize * 0.75) {
      return this.writeLiteral(owner, value, Indexing.Without, out, at);
    }
    at = this.writeLiteral(owner, value, Indexing.Incremental, out, at);
    table.insert(owner, value, size);
    return at;
  }

  private writeLiteral(
    owner: TableName,
    value: string,
    indexing: Indexing,
    out: Uint8Array,
    at: number,
  ): number {
    // The index is the one before the insertion, though that may evict the very entry it names (RFC 7541 §4.4).
    const index = this.table.nameIndex(owner);
    const mask = indexing === Indexing.Incremental ? 0x3f : 0x0f;
    at = writeInteger(index, mask, indexing, out, at);
    if (index === 0) {
      const literal = owner.literal;
      if (literal === null) at = writeStringLiteral(owner.name, out, at);
      else for (let i = 0; i < literal.length; i++) out[at++] = literal[i]!;
    }
    return writeStringLiteral(value, out, at);
  }
}
