// SPDX-License-Identifier: Apache-2.0
import type { HeaderList } from "../carrier/byte-stream.js";
import type { Fields } from "../protocol/metadata.js";

/** A header list made of some fields of a received one. */
export function fieldList(fields: Fields): HeaderList {
  return {
    fields,
    memo: undefined,
    get(name) {
      for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
      return undefined;
    },
  };
}
