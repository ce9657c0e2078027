// SPDX-License-Identifier: Apache-2.0
import { decodeBinaryHeader } from "@connectrpc/connect";
import { binarySuffix, headerConvert, isReserved } from "./headers.js";

/** Dubbo's attachments: strings, and bytes for what was sent under a name that ends in `-bin`. */
export type Attachments = Record<string, string | Uint8Array>;

/**
 * Reads Dubbo attachments from request headers, response headers or trailers.
 *
 * Names that belong to the protocol are left out. `-bin` values are decoded and lose the suffix; names get the case
 * back that dubbo-java says in `tri-header-convert`. Values and hints that are malformed are taken as they are.
 */
export function readAttachments(headers: Headers): Attachments {
  const original = originalNames(headers.get(headerConvert));
  const out: Attachments = {};
  headers.forEach((value, name) => {
    if (isReserved(name) || name === headerConvert) return;
    const bytes = name.endsWith(binarySuffix) ? decodeBytes(value) : undefined;
    const key = bytes === undefined ? name : name.slice(0, -binarySuffix.length);
    out[original[key] ?? original[name] ?? key] = bytes ?? value;
  });
  return out;
}

function decodeBytes(value: string): Uint8Array | undefined {
  try {
    return decodeBinaryHeader(value);
  } catch {
    return undefined;
  }
}

function originalNames(hint: string | null): Record<string, string> {
  if (hint === null) return {};
  try {
    const parsed: unknown = JSON.parse(decodeURIComponent(hint.replaceAll("+", " ")));
    if (typeof parsed !== "object" || parsed === null) return {};
    return Object.fromEntries(
      Object.entries(parsed).filter((e): e is [string, string] => typeof e[1] === "string"),
    );
  } catch {
    return {};
  }
}
