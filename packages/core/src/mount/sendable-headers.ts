// SPDX-License-Identifier: Apache-2.0
import * as names from "../protocol/headers.js";
import { joinBinaryValues } from "../protocol/metadata.js";

/** Names that belong to the protocol and that Connect's own handlers set. */
const ofConnect: ReadonlySet<string> = new Set([
  names.contentType,
  names.grpcEncoding,
  names.grpcStatus,
  names.grpcMessage,
  names.grpcStatusDetails,
  "content-length",
]);

/**
 * Takes out of a response's headers or trailers what Node refuses to send: names of the connection, and values with control
 * characters. A stock adapter would leave such a call without any answer. Binary values are joined as gRPC reads them.
 */
export function leaveOutUnsendable(headers: Headers): void {
  joinBinaryValues(headers);
  // A copy: deleting a header during the loop would skip the next one.
  for (const [name, value] of [...headers]) {
    const ofProtocol = names.isReserved(name) && !ofConnect.has(name);
    if (ofProtocol || /[^\t\x20-\x7e\x80-\xff]/.test(value)) headers.delete(name);
  }
}
