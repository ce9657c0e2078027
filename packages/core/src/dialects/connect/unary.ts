// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../carrier/byte-stream.js";
import { connectProtocol } from "../../connect-private.js";
import * as names from "../../protocol/headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { appendErrorMetadata, appendHeaders, headersFromFields, withField } from "../../protocol/metadata.js";
import { peerError } from "../../protocol/peer-error.js";
import { quote } from "../../protocol/quote.js";
import { headFields } from "../../protocol/request-fields.js";
import type {
  ClientDialect,
  Dialect,
  FormattedEnd,
  Metadata,
  ParsedHead,
  ParsedRequest,
  RequestToFormat,
  ResponseEnd,
  ServerDialect,
} from "../dialect.js";
import { fieldList } from "../field-list.js";
import { receivedError } from "../received-error.js";
import { acceptEncoding, connectVersion, contentEncoding, trailerPrefix } from "./headers.js";

const contentTypeOf: Readonly<Record<MessageFormat, string>> = {
  proto: connectProtocol.contentTypeUnaryProto,
  json: connectProtocol.contentTypeUnaryJson,
};
const { protocolVersion } = connectProtocol;
/** The most that the ten digits of a timeout can say. */
const longestTimeout = 9_999_999_999;
/** An error that a handler passes on from a call of its own has these in its metadata. */
const reservedInErrors: ReadonlySet<string> = new Set([contentEncoding]);
const noBytes = new Uint8Array(0);

const server: ServerDialect = {
  // The head of a bare response waits for its message, and the trailers stand in it.
  okTrailers: null,
  parseRequest,
  formatHead: (format) => [names.pseudoStatus, "200", names.contentType, contentTypeOf[format]],
  formatEnd,
};

const client: ClientDialect = {
  formatRequest,
  withTimeout: (fields, timeoutMs) => withField(fields, names.connectTimeout, formatTimeout(timeoutMs)),
  parseHead,
  parseTrailers: () => null,
  outcomeAtEnd: () => null,
  parseError,
};

/** The Connect protocol's unary calls by POST (https://connectrpc.com/docs/protocol). */
export const connectUnary: Dialect = {
  name: "connect",
  framing: "bare",
  verb: "POST",
  contentTypes: [contentTypeOf.proto, contentTypeOf.json],
  encodingHeader: contentEncoding,
  acceptEncodingHeader: acceptEncoding,
  reserved: [acceptEncoding, connectVersion, contentEncoding, names.connectTimeout],
  endName: "a message",
  server,
  client,
};

function parseRequest(list: HeaderList): ParsedRequest | null {
  const type = connectProtocol.parseContentType(list.get(names.contentType) ?? null);
  if (type === undefined || type.stream) return null;
  const timeout = list.get(names.connectTimeout);
  const { timeoutMs, error } = connectProtocol.parseTimeout(timeout ?? null, Number.POSITIVE_INFINITY);
  const version = list.get(connectVersion) ?? protocolVersion;
  return {
    format: type.binary ? "proto" : "json",
    path: list.get(names.pseudoPath) ?? "",
    timeoutMs,
    encoding: list.get(contentEncoding) ?? "identity",
    acceptEncoding: list.get(acceptEncoding),
    fault:
      version !== protocolVersion
        ? fault(connectVersion, version, `${quote(protocolVersion)} is allowed`)
        : error === undefined
          ? null
          : fault(names.connectTimeout, timeout!, "1 to 10 digits are allowed"),
  };
}

function fault(name: string, value: string, allowed: string): ConnectError {
  return peerError(`${name} is ${quote(value)}: ${allowed}`, Code.InvalidArgument);
}

/** Head, trailers and body at once: the message, or the error as JSON. */
function formatEnd({ head, header, trailer, error, body, encoding, leftOut }: ResponseEnd): FormattedEnd {
  const bytes = error === null ? (body ?? noBytes) : errorBody(error);
  const fields = error === null ? [...(head ?? [])] : errorHead(error);
  if (error === null && encoding !== null) fields.push(contentEncoding, encoding);
  if (header !== null) appendHeaders(fields, header);
  if (error !== null) appendErrorMetadata(fields, error, leftOut, reservedInErrors);
  if (trailer !== null) appendHeaders(fields, connectProtocol.trailerMux(new Headers(), trailer));
  fields.push(names.contentLength, String(bytes.length));
  return { fields, body: bytes };
}

function errorHead(error: ConnectError): string[] {
  return [
    names.pseudoStatus,
    String(connectProtocol.codeToHttpStatus(error.code)),
    names.contentType,
    contentTypeOf.json,
  ];
}

function errorBody(error: ConnectError): Uint8Array {
  try {
    return connectProtocol.errorToJsonBytes(error, undefined);
  } catch {
    // A detail can't be serialised: code and text matter more.
    return connectProtocol.errorToJsonBytes(new ConnectError(error.rawMessage, error.code), undefined);
  }
}

function formatRequest(request: RequestToFormat): string[] {
  const { format, timeoutMs, userAgent, encoding } = request;
  const fields = [...headFields("POST", request), names.contentType, contentTypeOf[format]];
  fields.push(connectVersion, protocolVersion);
  if (userAgent !== null) fields.push(names.userAgent, userAgent);
  if (timeoutMs !== undefined) fields.push(names.connectTimeout, formatTimeout(timeoutMs));
  if (encoding !== null) fields.push(contentEncoding, encoding);
  if (request.bodyLength !== null) fields.push(names.contentLength, String(request.bodyLength));
  if (request.acceptEncoding !== "") fields.push(acceptEncoding, request.acceptEncoding);
  return fields;
}

function formatTimeout(timeoutMs: number): string {
  return String(Math.min(longestTimeout, Math.max(0, Math.ceil(timeoutMs))));
}

function parseHead(list: HeaderList, _end: boolean, asked: MessageFormat, where: string): ParsedHead {
  const status = list.get(names.pseudoStatus);
  const given = list.get(names.contentType);
  const type = connectProtocol.parseContentType(given ?? null);
  const encoding = list.get(contentEncoding);
  if (status !== "200") {
    const text = `${where} answered HTTP ${status} without an error of Connect's: check the address, and any proxy before it`;
    const code = connectProtocol.codeFromHttpStatus(Number(status));
    // The error is JSON, whatever format the message would have had.
    if (type !== undefined && !type.binary && !type.stream)
      return { kind: "error", error: new ConnectError(text, code), encoding, metadata: split(list) };
    return { kind: "refused", error: new ConnectError(text, code, headersFromFields(list.fields)) };
  }
  if (type !== undefined && !type.stream && type.binary === (asked === "proto"))
    return { kind: "messages", encoding, metadata: split(list) };
  const error = new ConnectError(
    `${where} answered with ${given === undefined ? "no content-type" : `content-type ${quote(given)}`}: ${contentTypeOf[asked]} was asked for`,
    type === undefined ? Code.Unknown : Code.Internal,
    headersFromFields(list.fields),
  );
  return { kind: "refused", error };
}

/** Trailers are the headers whose names begin with `trailer-`. */
function split(list: HeaderList): Metadata {
  const header: string[] = [];
  const trailer: string[] = [];
  const { fields } = list;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.startsWith(trailerPrefix)) trailer.push(name.slice(trailerPrefix.length), fields[i + 1]!);
    else header.push(name, fields[i + 1]!);
  }
  return { header: fieldList(header), trailer: fieldList(trailer) };
}

function parseError(body: Uint8Array, fallback: ConnectError): ConnectError {
  let parsed: ConnectError;
  try {
    parsed = connectProtocol.errorFromJsonBytes(body, undefined, fallback);
  } catch {
    return fallback;
  }
  // Connect finds names of Object.prototype in its table of codes.
  const code = typeof parsed.code === "number" ? parsed.code : fallback.code;
  const error = receivedError(parsed.rawMessage, code, undefined);
  error.details = parsed.details;
  return error;
}
