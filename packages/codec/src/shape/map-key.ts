// SPDX-License-Identifier: Apache-2.0
import { ScalarType } from "@bufbuild/protobuf";
import { needsFallback } from "../wire/needs-fallback.js";

/** The key of a map's entry, of the name that it has as a property: `"7"` is 7 of an int32. */
export function mapKeyValue(name: string, type: ScalarType): unknown {
  switch (type) {
    case ScalarType.STRING:
      return name;
    case ScalarType.BOOL:
      if (name === "true") return true;
      if (name === "false") return false;
      throw needsFallback;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      // A string of digits is taken for what it says.
      return name;
    default: {
      const number = Number(name);
      if (String(number) !== name) throw needsFallback;
      return number;
    }
  }
}

/** Puts an entry into a map. `__proto__` is a key like others, but assigning to it would set the prototype. */
export function putEntry(map: object, key: string | number, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (map as Record<string, unknown>)[key] = value;
  }
}
