// SPDX-License-Identifier: Apache-2.0
import { type Code, ConnectError } from "@connectrpc/connect";
import { checkField } from "./check-field.js";
import { CheckedHeaders } from "./checked-headers.js";

/** Name, value, name, value …: header fields as the wire has them, repeated names as repeated fields. */
export type Fields = readonly string[];

/**
 * Metadata as `Headers`: what a peer sent, without the protocol's own pseudo-headers. Values that `Headers` refuses
 * (octets that no field may carry) are left out.
 */
export function headersFromFields(fields: Fields): Headers {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.charCodeAt(0) === 0x3a) continue;
    try {
      headers.append(name, fields[i + 1]!);
    } catch {
      // A peer's odd value must not cost the call.
    }
  }
  return headers;
}

/** Appends a user's metadata to `fields`. Throws an `InvalidArgument` that names a header which can't be sent. */
export function appendHeaders(fields: string[], headers: Headers): void {
  // Checked when it was set: once is enough.
  const checked = headers instanceof CheckedHeaders;
  headers.forEach((value, name) => {
    // Headers joins repeated binary values with ", "; gRPC reads base64 lists joined by ",".
    if (checked) fields.push(name, value);
    else appendField(fields, name, value);
  });
}

/** Appends one field, after {@link checkField}. */
export function appendField(fields: string[], name: string, value: string): void {
  checkField(name, value);
  fields.push(name, value);
}

/**
 * Throws an error of the given code when a header list is larger than the peer takes. It would be refused with all of its
 * call, and by some with all of its connection. `what` names the list, in the plural.
 */
export function checkListSize(what: string, fields: Fields, most: number, code: Code): void {
  const size = listSize(fields);
  if (size > most) {
    throw new ConnectError(
      `${what} of ${size} bytes are larger than the ${most} that the peer takes: send less, or raise maxHeaderListSize there`,
      code,
    );
  }
}

/** As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2). */
function listSize(fields: Fields): number {
  let size = fields.length * 16;
  for (let i = 0; i < fields.length; i++) size += fields[i]!.length;
  return size;
}
