// SPDX-License-Identifier: Apache-2.0

/**
 * The header fields of one block, in order. Only the slots may be written. For a later block of the same bytes the decoder returns the
 * same list, so a reader can keep its results in a slot.
 */
export class HeaderList {
  /** Name, value, name, value, as received: a char code of 0 to 255 stands for a byte, nothing is checked. */
  readonly fields: readonly string[];
  /** The size that SETTINGS_MAX_HEADER_LIST_SIZE limits: name, value and 32 bytes a field (RFC 9113 §6.5.2). */
  readonly size: number;
  /** True if the list passed the decoder's limit; `fields` then ends before the first field that did not fit. */
  readonly tooLarge: boolean;

  /** Slot of the HTTP rules: what makes the message malformed (RFC 9113 §8.1.1), `null` if nothing is known to. */
  malformed: string | null;
  /** Slot of the HTTP rules: their number for the kind of message, 0 when they have not read the list. */
  kind: number;
  /** Slot of the HTTP rules: the value of `content-length`, -1 when there is none. */
  contentLength: number;
  /** The application's slot: a result that it derived from the fields. */
  memo: unknown;

  // All fields are set here, in one order: one hidden class, so reading a list stays monomorphic.
  constructor(fields: readonly string[], size: number, tooLarge: boolean) {
    this.fields = fields;
    this.size = size;
    this.tooLarge = tooLarge;
    this.malformed = null;
    this.kind = 0;
    this.contentLength = -1;
    this.memo = undefined;
  }

  /** Returns the first value of a name, spelled as on the wire: lower case. */
  get(name: string): string | undefined {
    const fields = this.fields;
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
    return undefined;
  }
}
