// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import { formatStatusDetails, parseStatusDetails } from "../../connect-private.js";
import { grpcMessage, grpcStatus, grpcStatusDetails } from "../../protocol/headers.js";
import { appendErrorMetadata, type Fields, headersFromFields } from "../../protocol/metadata.js";
import { quote } from "../../protocol/quote.js";
import { receivedError } from "../received-error.js";
import { decodePercent, encodePercent } from "./percent.js";

/** Trailers of a call that went well. */
export const okStatus: Fields = [grpcStatus, "0"];

/**
 * The code of dubbo-go's business errors: every handler error that carries no code of its own arrives with it. It is
 * kept as it is in {@link ConnectError.code}; we never send it unless a handler's error says so.
 */
export const CodeBizError = 17;

/**
 * Bytes of `grpc-message` that are sent at most: grpc-java and others refuse a header list of more than 8 KiB, and then the
 * error is lost.
 */
const longestText = 4096;

/**
 * Appends a status to trailers: metadata of the error, code, text, and the details if there are any.
 * `unsendable`: see {@link appendErrorMetadata}.
 */
export function appendStatus(
  fields: string[],
  error: ConnectError,
  unsendable: ((reason: ConnectError) => void) | null = null,
): void {
  appendErrorMetadata(fields, error, unsendable);
  fields.push(grpcStatus, String(sendableCode(error.code)));
  if (error.rawMessage !== "") fields.push(grpcMessage, encodeText(error.rawMessage));
  if (error.details.length > 0) {
    const details = formatStatusDetails(error);
    if (details !== undefined) fields.push(grpcStatusDetails, details);
  }
}

/** 0 would make a success of an error. */
function sendableCode(code: Code): Code {
  return Number.isInteger(code) && code > 0 ? code : Code.Unknown;
}

function encodeText(text: string): string {
  let encoded = encodePercent(text.slice(0, longestText));
  if (encoded.length <= longestText && text.length <= longestText) return encoded;
  for (let kept = Math.min(text.length, longestText); ; ) {
    encoded = `${encodePercent(text.slice(0, kept))}${encodePercent("…")}`;
    if (encoded.length <= longestText) return encoded;
    kept = Math.floor((kept * longestText) / (encoded.length + 1));
  }
}

/**
 * The outcome that a header list or trailers carry: undefined when there is no status, null when it is OK, else the
 * error. The details win over the two plain fields, as both Dubbo peers have it. The error's `message` holds no control characters, its
 * `rawMessage` is the peer's text.
 */
export function parseStatus(list: {
  readonly fields: Fields;
  get(name: string): string | undefined;
}): ConnectError | null | undefined {
  const status = list.get(grpcStatus);
  if (status === undefined) return undefined;
  if (status === "0") return null;
  const metadata = headersFromFields(list.fields);
  const bin = list.get(grpcStatusDetails);
  const detailed = bin === undefined ? undefined : parseStatusDetails(bin);
  const said = detailed?.rawMessage ?? decodePercent(list.get(grpcMessage) ?? "");
  const code = codeFrom(status);
  const odd = `${grpcStatus} is ${quote(status)}, which is not a code of gRPC's (0 to 16)`;
  const text = said === "" && code === undefined ? odd : said;
  const error = receivedError(text, code ?? Code.Unknown, metadata);
  if (detailed !== undefined) error.details = detailed.details;
  if (code === undefined) error.cause = new Error(odd);
  return error;
}

/** The code that a `grpc-status` says, undefined if gRPC has no such code. dubbo-go's business error keeps its number. */
function codeFrom(status: string): Code | undefined {
  const code = /^\d{1,2}$/.test(status) ? Number(status) : 0;
  if (code === CodeBizError) return code as Code;
  return code >= 1 && code <= 16 ? code : undefined;
}
