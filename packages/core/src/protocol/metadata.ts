// SPDX-License-Identifier: Apache-2.0
import { type Code, ConnectError } from "@connectrpc/connect";
import { checkField } from "./check-field.js";
import { CheckedHeaders } from "./checked-headers.js";
import { binarySuffix, isReserved } from "./headers.js";

/** Name, value, name, value …: header fields as the wire has them, repeated names as repeated fields. */
export type Fields = readonly string[];

/**
 * Metadata as `Headers`: what a peer sent, without the protocol's own pseudo-headers. Values that `Headers` refuses
 * (bytes that no field may carry) are left out. Binary values of one name are joined by ",", as gRPC joins them.
 */
export function headersFromFields(fields: Fields): Headers {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.charCodeAt(0) === 0x3a) continue;
    try {
      const value = fields[i + 1]!;
      const before = name.endsWith(binarySuffix) ? headers.get(name) : null;
      if (before === null) headers.append(name, value);
      else headers.set(name, `${before},${value}`);
    } catch {
      // A peer's odd value must not cost the call.
    }
  }
  return headers;
}

/** The fields with another value of a name; null if they have that value, or no such name. */
export function withField(fields: Fields, name: string, value: string): Fields | null {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) return fields[i + 1] === value ? null : fields.with(i + 1, value);
  }
  return null;
}

/** Appends a user's metadata to `fields`. Throws an `InvalidArgument` that names a header which can't be sent. */
export function appendHeaders(fields: string[], headers: Headers): void {
  // Checked when it was set: once is enough.
  const checked = headers instanceof CheckedHeaders;
  headers.forEach((value, name) => {
    if (checked) pushField(fields, name, value);
    else appendField(fields, name, value);
  });
}

/**
 * Appends the metadata of an error.
 *
 * The error itself matters more than its metadata: entries that can't be sent are left out, and `unsendable` hears of them. The
 * protocol's own names are left out in silence, since an error that a handler passes on from another call carries them. `reserved`:
 * the own names of one dialect, beside those of all dialects.
 */
export function appendErrorMetadata(
  fields: string[],
  error: ConnectError,
  unsendable: ((reason: ConnectError) => void) | null,
  reserved?: ReadonlySet<string>,
): void {
  error.metadata.forEach((value, name) => {
    if (isReserved(name) || reserved?.has(name) === true) return;
    try {
      appendField(fields, name, value);
    } catch (reason) {
      unsendable?.(reason as ConnectError);
    }
  });
}

/** Appends a field, after {@link checkField}. */
export function appendField(fields: string[], name: string, value: string): void {
  checkField(name, value);
  pushField(fields, name, value);
}

/**
 * Each binary value gets a field of its own: `Headers` joins values of one name by ", ", and gRPC C-core refuses a space in
 * base64.
 */
function pushField(fields: string[], name: string, value: string): void {
  if (!name.endsWith(binarySuffix) || !value.includes(",")) {
    fields.push(name, value);
    return;
  }
  for (const one of binaryValues(value)) fields.push(name, one);
}

/** The base64 values that a binary header lists. */
export function binaryValues(value: string): string[] {
  return value.split(",").map((one) => one.trim());
}

/** Joins the binary values of headers as gRPC reads them, for Connect's transports and adapters, which send headers as they are. */
export function joinBinaryValues(headers: Headers): void {
  // A copy: iteration would visit a header again that is set meanwhile.
  for (const name of [...headers.keys()]) {
    if (!name.endsWith(binarySuffix)) continue;
    const value = headers.get(name)!;
    if (/,\s/.test(value)) headers.set(name, binaryValues(value).join(","));
  }
}

/** Replaces the headers of the same names, with all values of each, as `set-cookie` has them. */
export function replaceHeaders(headers: Headers, by: Headers): void {
  for (const name of new Set(by.keys())) headers.delete(name);
  by.forEach((value, name) => {
    headers.append(name, value);
  });
}

/**
 * Throws an error of the given code when a header list is larger than the peer takes. The peer would refuse the whole call for such a
 * list, and some peers the whole connection. `what` names the list, in the plural. The error's `listSize` is the list's size.
 */
export function checkListSize(what: string, fields: Fields, most: number, code: Code): void {
  const size = listSize(fields);
  if (size > most) {
    const text = `${what} of ${size} bytes are larger than the ${most} that the peer takes: send less, or raise maxHeaderListSize there`;
    throw Object.assign(new ConnectError(text, code), { listSize: size });
  }
}

/** As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2). */
function listSize(fields: Fields): number {
  let size = fields.length * 16;
  for (let i = 0; i < fields.length; i++) size += fields[i]!.length;
  return size;
}
