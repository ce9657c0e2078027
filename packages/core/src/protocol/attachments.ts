// SPDX-License-Identifier: Apache-2.0
import { decodeBinaryHeader } from "@connectrpc/connect";
import { binarySuffix, headerConvert, isReserved } from "./headers.js";
import { binaryValues } from "./metadata.js";

/** Dubbo's attachments: strings, and bytes for what was sent under a name that ends in `-bin`. */
export type Attachments = Record<string, string | Uint8Array>;

/**
 * Reads Dubbo attachments from request headers, response headers or trailers.
 *
 * Names that belong to the protocol are left out. `-bin` values are decoded and lose the suffix; names get the case
 * back that dubbo-java says in `tri-header-convert`. Values and hints that are malformed are taken as they are. If a `-bin` name
 * comes several times, the last value counts, as in dubbo-java; {@link readBinaryHeader} gives all values.
 */
export function readAttachments(headers: Headers): Attachments {
  const original = originalNames(headers.get(headerConvert));
  const out: Attachments = {};
  headers.forEach((value, name) => {
    if (isReserved(name) || name === headerConvert) return;
    const bytes = name.endsWith(binarySuffix) ? decodeBytes(value) : undefined;
    const key = bytes === undefined ? name : name.slice(0, -binarySuffix.length);
    const attachment = original.get(key) ?? original.get(name) ?? key;
    // An assignment would set the prototype for `__proto__`.
    Object.defineProperty(out, attachment, {
      value: bytes ?? value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  });
  return out;
}

/**
 * Reads all values of a binary header or trailer, whose name ends in `-bin`, in the order in which they came. Empty without
 * values. A name may come several times, and a peer may join values by commas. Throws the `ConnectError` of Connect's
 * `decodeBinaryHeader` for a value that is not base64.
 */
export function readBinaryHeader(headers: Headers, name: string): Uint8Array[] {
  const value = headers.get(name);
  return value === null ? [] : binaryValues(value).map((one) => decodeBinaryHeader(one));
}

function decodeBytes(value: string): Uint8Array | undefined {
  try {
    return binaryValues(value)
      .map((one) => decodeBinaryHeader(one))
      .at(-1);
  } catch {
    return undefined;
  }
}

function originalNames(hint: string | null): ReadonlyMap<string, string> {
  if (hint === null) return new Map();
  try {
    const parsed: unknown = JSON.parse(decodeURIComponent(hint.replaceAll("+", " ")));
    if (typeof parsed !== "object" || parsed === null) return new Map();
    return new Map(Object.entries(parsed).filter((e): e is [string, string] => typeof e[1] === "string"));
  } catch {
    return new Map();
  }
}
