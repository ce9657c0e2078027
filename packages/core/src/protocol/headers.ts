// SPDX-License-Identifier: Apache-2.0

// Every header name of the wire, once. gRPC's are from grpc/grpc doc/PROTOCOL-HTTP2.md; the `tri-` ones from
// apache/dubbo TripleHeaderEnum.java and apache/dubbo-go triple_protocol/triple.go.

export const pseudoMethod = ":method";
export const pseudoScheme = ":scheme";
export const pseudoPath = ":path";
export const pseudoAuthority = ":authority";
export const pseudoStatus = ":status";

export const contentType = "content-type";
export const userAgent = "user-agent";
export const te = "te";
/** The bytes of a body, as they are on the wire (RFC 9110 §8.6). */
export const contentLength = "content-length";

/** Deadline of the call, as the client counts it. */
export const grpcTimeout = "grpc-timeout";
/** The deadline of the Connect protocol, in milliseconds. */
export const connectTimeout = "connect-timeout-ms";
/** Compression of the messages that follow. */
export const grpcEncoding = "grpc-encoding";
/** Compressions that the sender of this header can read. */
export const grpcAcceptEncoding = "grpc-accept-encoding";
/** Outcome of the call, a decimal code. */
export const grpcStatus = "grpc-status";
/** Percent-encoded text of the outcome. */
export const grpcMessage = "grpc-message";
/** base64 of google.rpc.Status. */
export const grpcStatusDetails = "grpc-status-details-bin";

/** Service group; sent by every Dubbo client that has one, only when it is not empty. */
export const serviceGroup = "tri-service-group";
/** Service version; as {@link serviceGroup}. */
export const serviceVersion = "tri-service-version";
/** dubbo-java: JSON `{"lower-case":"Original-Case"}` of attachment names, percent-encoded. */
export const headerConvert = "tri-header-convert";

/** Suffix of header names whose value is base64. */
export const binarySuffix = "-bin";

/**
 * Names that belong to the protocol: a user who sets one is refused. The `grpc-` and `tri-` prefixes are not reserved as a
 * whole, since services behind proxies use them.
 */
const reserved: ReadonlySet<string> = new Set([
  pseudoMethod,
  pseudoScheme,
  pseudoPath,
  pseudoAuthority,
  pseudoStatus,
  contentType,
  te,
  grpcTimeout,
  grpcEncoding,
  grpcAcceptEncoding,
  grpcStatus,
  grpcMessage,
  grpcStatusDetails,
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "host",
  contentLength,
]);

/** True if a name belongs to the protocol, and is not for users to set. */
export function isReserved(name: string): boolean {
  return reserved.has(name);
}
