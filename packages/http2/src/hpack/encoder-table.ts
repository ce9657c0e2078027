// SPDX-License-Identifier: Apache-2.0
// Hot path: see encoder.ts. Fields are found by name in a map and by value in the name's own list, so that nothing is
// concatenated or hashed but names, which mostly are constants whose hash is known.
import { INDEXED, INDEXING_RULES, type IndexingRule, NEVER_INDEXED } from "./indexing.js";
import { STATIC_LENGTH, STATIC_TABLE } from "./static-table.js";
import { stringLiteral } from "./string-literal.js";

/** A field name and where to find it: in the static table, in the dynamic table, or neither. */
export interface TableName {
  readonly name: string;
  /** Its first index in the static table, 0 if it has none; the same name's next values follow (RFC 7541 appendix A). */
  readonly staticIndex: number;
  readonly staticValues: readonly string[];
  readonly rule: IndexingRule;
  /** The name as a string literal, ready to be copied, if that is known to be needed. */
  readonly literal: Uint8Array | null;
  /** True if the table keeps it with no entry; of these there are as many as there are well-known and secret names. */
  readonly lasting: boolean;
  newest: TableEntry | null;
  oldest: TableEntry | null;
  /** The number of its entries. */
  count: number;
}

/** An entry of the encoder's dynamic table. */
export interface TableEntry {
  readonly owner: TableName;
  readonly value: string;
  readonly size: number;
  /** The number of entries inserted before it. */
  readonly serial: number;
  /** The neighbours among the entries of the same name. */
  older: TableEntry | null;
  newer: TableEntry | null;
  /** The entry inserted after it, of any name. */
  next: TableEntry | null;
}

/** The dynamic table as the encoder keeps it: what the peer's decoder has, found by name and value (RFC 7541 §2.3.2). */
export class EncoderTable {
  /** The bytes the entries take. */
  size = 0;
  /** The bytes they may take (RFC 7541 §4.2). */
  maxSize: number;
  /** Grows with every change; while it is the same, so is what each index means. */
  generation = 0;

  private readonly names = new Map<string, TableName>();
  private readonly sensitive: ReadonlySet<string> | undefined;
  private first: TableEntry | null = null; // the oldest
  private last: TableEntry | null = null;
  private inserted = 0;

  constructor(maxSize: number, sensitive?: ReadonlySet<string>) {
    this.maxSize = maxSize;
    this.sensitive = sensitive;
  }

  /** Returns what is known of a name. */
  name(name: string): TableName {
    return this.names.get(name) ?? this.meet(name);
  }

  /** Returns the index of a name together with a value, 0 if neither table has it. */
  index(owner: TableName, value: string): number {
    const values = owner.staticValues;
    for (let i = 0; i < values.length; i++) if (values[i] === value) return owner.staticIndex + i;
    for (let entry = owner.newest; entry !== null; entry = entry.older) {
      if (entry.value === value) return STATIC_LENGTH + this.inserted - entry.serial;
    }
    return 0;
  }

  /** Returns an index of a name whatever the value, 0 if neither table has it. */
  nameIndex(owner: TableName): number {
    if (owner.staticIndex !== 0 || owner.newest === null) return owner.staticIndex;
    return STATIC_LENGTH + this.inserted - owner.newest.serial;
  }

  /** Adds an entry that is not larger than the table, evicting as many as it takes (RFC 7541 §4.4). */
  insert(owner: TableName, value: string, size: number): void {
    this.evict(this.maxSize - size);
    const older = owner.newest;
    const entry: TableEntry = { owner, value, size, serial: this.inserted++, older, newer: null, next: null };
    if (older === null) {
      owner.oldest = entry;
      if (!owner.lasting) this.names.set(owner.name, owner);
    } else older.newer = entry;
    owner.newest = entry;
    owner.count++;
    if (this.last === null) this.first = entry;
    else this.last.next = entry;
    this.last = entry;
    this.size += size;
    this.generation++;
  }

  /** Changes the maximum, evicting what no longer fits (RFC 7541 §4.3). */
  resize(maxSize: number): void {
    this.maxSize = maxSize;
    this.evict(maxSize);
    this.generation++;
  }

  private evict(room: number): void {
    while (this.size > room && this.first !== null) {
      const entry = this.first;
      const owner = entry.owner;
      this.first = entry.next;
      if (this.first === null) this.last = null;
      this.size -= entry.size;
      owner.count--;
      owner.oldest = entry.newer;
      if (entry.newer !== null) entry.newer.older = null;
      else {
        owner.newest = null;
        if (!owner.lasting) this.names.delete(owner.name);
      }
    }
  }

  private meet(name: string): TableName {
    const secret = this.sensitive?.has(name) === true;
    const known = WELL_KNOWN.get(name);
    const rule = secret ? NEVER_INDEXED : (known?.rule ?? INDEXED);
    const staticIndex = known?.staticIndex ?? 0;
    const literal = known?.literal ?? (secret ? stringLiteral(name) : null);
    const lasting = secret || known !== undefined;
    const staticValues = known?.staticValues ?? NO_VALUES;
    const owner = {
      name,
      staticIndex,
      staticValues,
      rule,
      literal,
      lasting,
      newest: null,
      oldest: null,
      count: 0,
    };
    if (lasting) this.names.set(name, owner);
    return owner;
  }
}

const NO_VALUES: readonly string[] = [];

type WellKnown = Pick<TableName, "staticIndex" | "staticValues" | "rule" | "literal">;

/** The names of the static table and those with a rule of their own. */
const WELL_KNOWN: ReadonlyMap<string, WellKnown> = wellKnownNames();

function wellKnownNames(): Map<string, WellKnown> {
  const known = new Map<string, WellKnown>();
  for (const name of [...STATIC_TABLE.map(([name]) => name), ...INDEXING_RULES.keys()]) {
    const staticIndex = STATIC_TABLE.findIndex(([other]) => other === name) + 1;
    const staticValues = STATIC_TABLE.filter(([other]) => other === name).map(([, value]) => value);
    const rule = INDEXING_RULES.get(name) ?? INDEXED;
    known.set(name, {
      staticIndex,
      staticValues,
      rule,
      literal: staticIndex === 0 ? stringLiteral(name) : null,
    });
  }
  return known;
}
