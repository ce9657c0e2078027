// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import * as names from "./headers.js";
import { quote } from "./quote.js";

/** The option to use in place of a header of the protocol. */
const instead: ReadonlyMap<string, string> = new Map([
  [names.grpcTimeout, "use timeoutMs"],
  [names.grpcEncoding, "use sendCompression, or compressResponses of a server"],
  [names.grpcAcceptEncoding, "use acceptCompression"],
  [names.grpcStatus, "throw a ConnectError"],
  [names.grpcMessage, "throw a ConnectError"],
  [names.grpcStatusDetails, "throw a ConnectError with details"],
]);

/**
 * Checks a field that a user sets, by its lower-case name. Throws an error of the given code that names it if it
 * belongs to the protocol, or HTTP/2 can't carry it (RFC 9113 §8.2).
 */
export function checkField(name: string, value: string, code: Code = Code.InvalidArgument): void {
  if (names.isReserved(name)) {
    const advice = instead.get(name) ?? "leave it out";
    throw refused(`header ${quote(name)} belongs to the protocol and can't be set: ${advice}`, code);
  }
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) {
    throw refused(
      `header name ${quote(name)} is not allowed: use lower-case letters, digits and !#$%&'*+-.^_\`|~`,
      code,
    );
  }
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if ((c >= 0x20 && c <= 0x7e) || c === 0x09) continue;
    throw refused(
      `value of header ${quote(name)} has character U+${c.toString(16).toUpperCase().padStart(4, "0")} at ${i}: ` +
        "only visible ASCII, space and tab are allowed; encode text (encodeURIComponent), or bytes under a name that ends in -bin (encodeBinaryHeader)",
      code,
    );
  }
}

/** Throws an error of the given code that names the first of these headers which belongs to a dialect, by the dialect's list. */
export function checkReserved(headers: Headers, reserved: readonly string[], code: Code): void {
  for (const name of reserved) {
    if (headers.has(name))
      throw refused(`header ${quote(name)} belongs to the protocol and can't be set: leave it out`, code);
  }
}

function refused(message: string, code: Code): ConnectError {
  return new ConnectError(message, code);
}
