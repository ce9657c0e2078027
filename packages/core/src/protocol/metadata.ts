// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { isReserved } from "./headers.js";

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

/** Appends a user's metadata to `fields`, without the names that belong to the protocol. */
export function appendHeaders(fields: string[], headers: Headers): void {
  headers.forEach((value, name) => {
    if (isReserved(name)) return;
    // Headers joins repeated binary values with ", "; gRPC reads base64 lists joined by ",".
    appendField(fields, name, value);
  });
}

/** Appends one field, after a check that HTTP/2 allows it; throws `InvalidArgument` that names it. */
export function appendField(fields: string[], name: string, value: string): void {
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) {
    throw new ConnectError(
      `header name ${JSON.stringify(name)} is not allowed: use lower-case letters, digits and !#$%&'*+-.^_\`|~`,
      Code.InvalidArgument,
    );
  }
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if ((c >= 0x20 && c <= 0x7e) || c === 0x09) continue;
    throw new ConnectError(
      `value of header ${JSON.stringify(name)} has character U+${c.toString(16).padStart(4, "0")} at ${i}: ` +
        "only visible ASCII, space and tab are allowed; encode text (encodeURIComponent), or bytes under a name that ends in -bin (encodeBinaryHeader)",
      Code.InvalidArgument,
    );
  }
  fields.push(name, value);
}
