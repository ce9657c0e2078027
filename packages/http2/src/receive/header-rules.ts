// SPDX-License-Identifier: Apache-2.0

import { quote } from "../connection/quote.js";
import type { HeaderList } from "../hpack/header-list.js";

/** The kind of a header list, by its pseudo-headers (RFC 9113 §8.3). */
export const ListKind = { UNKNOWN: 0, REQUEST: 1, RESPONSE: 2, TRAILERS: 3 } as const;

/** RFC 9113 §8.2.2: fields of one HTTP/1.1 hop, which mean nothing here. */
const connectionSpecific = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Works out what a list is and whether it is malformed (RFC 9113 §8.1 to 8.3), once per list: the answer stays in its
 * slots `kind`, `malformed` (what is wrong, or null) and `contentLength`.
 */
export function classify(list: HeaderList): void {
  if (list.kind !== ListKind.UNKNOWN) return;
  const fields = list.fields;
  let method = "";
  let pseudo = 0;
  let regular = false;
  let malformed: string | null = null;
  for (let i = 0; i < fields.length && malformed === null; i += 2) {
    const name = fields[i]!;
    const value = trimmed(list, i + 1);
    if (name.charCodeAt(0) === 0x3a) {
      const bit = pseudoBit(name);
      if (regular) malformed = `pseudo-header ${quote(name)} after a regular field`;
      else if (bit === 0) malformed = `unknown pseudo-header ${quote(name)}`;
      else if ((pseudo & bit) !== 0) malformed = `pseudo-header ${quote(name)} twice`;
      else if (bit === PATH && value === "") malformed = `empty ":path"`;
      if (bit === METHOD) method = value;
      pseudo |= bit;
    } else {
      regular = true;
      malformed = checkName(name) ?? checkMeaning(list, name, value);
    }
    malformed ??= checkValue(name, value);
  }
  list.kind = kindOf(pseudo);
  // A list that was cut short may have lost its pseudo-headers.
  list.malformed = malformed ?? (list.tooLarge ? null : checkPseudo(pseudo, method));
}

const METHOD = 1;
const SCHEME = 2;
const PATH = 4;
const AUTHORITY = 8;
const STATUS = 16;

function pseudoBit(name: string): number {
  switch (name) {
    case ":method":
      return METHOD;
    case ":scheme":
      return SCHEME;
    case ":path":
      return PATH;
    case ":authority":
      return AUTHORITY;
    case ":status":
      return STATUS;
    default:
      return 0;
  }
}

function kindOf(pseudo: number): number {
  if (pseudo === 0) return ListKind.TRAILERS;
  return (pseudo & STATUS) !== 0 ? ListKind.RESPONSE : ListKind.REQUEST;
}

function checkPseudo(pseudo: number, method: string): string | null {
  if (pseudo === 0) return null;
  if ((pseudo & STATUS) !== 0) return pseudo === STATUS ? null : `":status" among a request's pseudo-headers`;
  if (method === "CONNECT") {
    if (pseudo === (METHOD | AUTHORITY)) return null;
    return `CONNECT with other pseudo-headers than ":method" and ":authority" (RFC 9113 §8.5)`;
  }
  const needed = METHOD | SCHEME | PATH;
  if ((pseudo & needed) === needed) return null;
  if ((pseudo & METHOD) === 0) return `no ":method"`;
  return (pseudo & PATH) === 0 ? `no ":path"` : `no ":scheme"`;
}

/** RFC 9113 §8.2.1: lower-case tokens. */
function checkName(name: string): string | null {
  if (name === "") return "a field with an empty name";
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c <= 0x20 || (c >= 0x41 && c <= 0x5a) || c >= 0x7f || c === 0x3a) {
      return `field name ${quote(name)} with byte 0x${c.toString(16)}`;
    }
  }
  return null;
}

/**
 * A value without white space at its edges. RFC 9113 §8.2.1 forbids that white space, every peer tolerates it, and no reader of a
 * value expects it.
 */
function trimmed(list: HeaderList, at: number): string {
  const value = list.fields[at]!;
  if (!isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1))) return value;
  let from = 0;
  let to = value.length;
  while (from < to && isSpace(value.charCodeAt(from))) from++;
  while (to > from && isSpace(value.charCodeAt(to - 1))) to--;
  const rest = value.slice(from, to);
  // The list is handed out only after this, so its fields may still change.
  (list.fields as string[])[at] = rest;
  return rest;
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x09;
}

/** RFC 9113 §8.2.1: no NUL, CR, LF. */
function checkValue(name: string, value: string): string | null {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c === 0 || c === 0x0a || c === 0x0d) return `value of ${quote(name)} with byte 0x${c.toString(16)}`;
  }
  return null;
}

function checkMeaning(list: HeaderList, name: string, value: string): string | null {
  if (connectionSpecific.has(name)) return `connection-specific field ${quote(name)}`;
  if (name === "te" && value.toLowerCase() !== "trailers")
    return `te is ${quote(value)}: only "trailers" allowed`;
  if (name !== "content-length") return null;
  const length = /^[0-9]{1,15}$/.test(value) ? Number(value) : -1;
  if (length < 0) return `content-length ${quote(value)}`;
  if (list.contentLength >= 0 && list.contentLength !== length) return "two different content-length fields";
  list.contentLength = length;
  return null;
}
