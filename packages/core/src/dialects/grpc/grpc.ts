// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../carrier/byte-stream.js";
import * as names from "../../protocol/headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { appendHeaders } from "../../protocol/metadata.js";
import { peerError } from "../../protocol/peer-error.js";
import { quote } from "../../protocol/quote.js";
import { headFields } from "../../protocol/request-fields.js";
import type {
  ClientDialect,
  Dialect,
  FormattedEnd,
  ParsedHead,
  ParsedRequest,
  RequestToFormat,
  ResponseEnd,
  ServerDialect,
} from "../dialect.js";
import { contentTypeOf, parseContentType } from "./content-type.js";
import { refusalOfHead } from "./response-head.js";
import { appendStatus, okStatus, parseStatus } from "./status.js";
import { formatTimeout, parseTimeout, withTimeout } from "./timeout.js";

const server: ServerDialect = {
  okTrailers: okStatus,
  parseRequest,
  formatHead(format, acceptEncoding) {
    const fields = [names.pseudoStatus, "200", names.contentType, contentTypeOf[format]];
    return acceptEncoding === "" ? fields : [...fields, names.grpcAcceptEncoding, acceptEncoding];
  },
  formatEnd,
};

const client: ClientDialect = {
  formatRequest,
  withTimeout,
  parseHead,
  parseTrailers: parseStatus,
  // A status in HEADERS counts if no message followed: messages may have been cut.
  outcomeAtEnd: (head, messages) => (messages === 0 ? parseStatus(head) : undefined),
  parseError: (_body, fallback) => fallback,
};

/** gRPC over HTTP/2, which Dubbo's Triple speaks (grpc/grpc doc/PROTOCOL-HTTP2.md). */
export const grpc: Dialect = {
  name: "grpc",
  framing: "enveloped",
  verb: "POST",
  contentTypes: ["application/grpc", contentTypeOf.proto, contentTypeOf.json],
  encodingHeader: names.grpcEncoding,
  acceptEncodingHeader: names.grpcAcceptEncoding,
  reserved: [],
  endName: names.grpcStatus,
  server,
  client,
};

function parseRequest(list: HeaderList): ParsedRequest | null {
  const format = parseContentType(list.get(names.contentType) ?? "");
  if (format === undefined) return null;
  const timeout = list.get(names.grpcTimeout);
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  return {
    format,
    path: list.get(names.pseudoPath) ?? "",
    timeoutMs,
    encoding: list.get(names.grpcEncoding) ?? "identity",
    acceptEncoding: list.get(names.grpcAcceptEncoding),
    fault: timeout !== undefined && timeoutMs === undefined ? timeoutFault(timeout) : null,
  };
}

function timeoutFault(timeout: string): ConnectError {
  return peerError(
    `${names.grpcTimeout} is ${quote(timeout)}: 1 to 8 digits and one of n u m S M H are allowed`,
    Code.InvalidArgument,
  );
}

/** Trailers, or with the head in one list (Trailers-Only) if that has not left. */
function formatEnd({ head, header, trailer, error, leftOut }: ResponseEnd): FormattedEnd {
  const fields = head === null ? [] : [...head];
  if (header !== null) appendHeaders(fields, header);
  if (trailer !== null) appendHeaders(fields, trailer);
  if (error === null) fields.push(...okStatus);
  else appendStatus(fields, error, leftOut);
  return { fields, body: null };
}

function formatRequest(request: RequestToFormat): string[] {
  const { format, timeoutMs, userAgent, encoding, acceptEncoding } = request;
  const fields = [
    ...headFields("POST", request),
    names.contentType,
    contentTypeOf[format],
    names.te,
    "trailers",
  ];
  if (userAgent !== null) fields.push(names.userAgent, userAgent);
  if (timeoutMs !== undefined) fields.push(names.grpcTimeout, formatTimeout(timeoutMs));
  if (encoding !== null) fields.push(names.grpcEncoding, encoding);
  if (acceptEncoding !== "") fields.push(names.grpcAcceptEncoding, acceptEncoding);
  return fields;
}

function parseHead(list: HeaderList, end: boolean, asked: MessageFormat, where: string): ParsedHead {
  // A proxy's error: its status stands in HEADERS that are not a gRPC response, and an error page may follow. dubbo-java answers
  // errors with a :status that is not 200 and a grpc-status all the same: that one counts.
  const outcome = end || list.get(names.pseudoStatus) !== "200" ? parseStatus(list) : undefined;
  const encoding = list.get(names.grpcEncoding);
  if (outcome instanceof ConnectError || (end && outcome === null))
    return { kind: "ended", outcome, encoding };
  const refusal = refusalOfHead(list, asked, where);
  if (refusal !== null) return { kind: "refused", error: refusal };
  if (end) return { kind: "ended", outcome: undefined, encoding };
  return { kind: "messages", encoding, metadata: null };
}
