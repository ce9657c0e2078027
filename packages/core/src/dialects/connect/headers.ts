// SPDX-License-Identifier: Apache-2.0
// The header names of the Connect protocol that no other dialect has (https://connectrpc.com/docs/protocol). Its deadline is in
// protocol/headers.ts, since mounts read it, too.

/** The version of the protocol, `1`. */
export const connectVersion = "connect-protocol-version";
/** The compression of a bare body. */
export const contentEncoding = "content-encoding";
/** The compressions that the sender of this header can read. */
export const acceptEncoding = "accept-encoding";
/** The prefix of a trailer's name among the headers of a unary response. */
export const trailerPrefix = "trailer-";
