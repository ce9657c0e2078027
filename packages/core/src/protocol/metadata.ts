// SPDX-License-Identifier: Apache-2.0
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
