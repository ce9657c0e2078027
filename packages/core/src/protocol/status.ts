// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { formatStatusDetails, parseStatusDetails } from "../connect-private.js";
import { grpcMessage, grpcStatus, grpcStatusDetails, isReserved } from "./headers.js";
import { appendField, type Fields, headersFromFields } from "./metadata.js";
import { decodePercent, encodePercent } from "./percent.js";

/** Trailers of a call that went well. */
export const okStatus: Fields = [grpcStatus, "0"];

/**
 * The code of dubbo-go's business errors: every handler error that carries no code of its own arrives with it. It is
 * kept as it is in {@link ConnectError.code}; we never send it unless a handler's error says so.
 */
export const CodeBizError = 17;

/** Appends a status to trailers: metadata of the error, code, text, and the details if there are any. */
export function appendStatus(fields: string[], error: ConnectError): void {
  error.metadata.forEach((value, name) => {
    if (isReserved(name)) return;
    try {
      appendField(fields, name, value);
    } catch {
      // The error itself matters more than metadata that HTTP/2 can't carry.
    }
  });
  fields.push(grpcStatus, String(error.code));
  if (error.rawMessage !== "") fields.push(grpcMessage, encodePercent(error.rawMessage));
  if (error.details.length > 0) {
    const details = formatStatusDetails(error);
    if (details !== undefined) fields.push(grpcStatusDetails, details);
  }
}

/**
 * The outcome that a header list or trailers carry: undefined when there is no status, null when it is OK, else the
 * error. The details win over the two plain fields, as both Dubbo peers have it.
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
  if (!/^\d{1,10}$/.test(status)) {
    return new ConnectError(
      `grpc-status is ${JSON.stringify(status)}: a decimal number is allowed`,
      Code.Unknown,
      metadata,
    );
  }
  const text = detailed?.rawMessage ?? decodePercent(list.get(grpcMessage) ?? "");
  const error = new ConnectError(text, codeFrom(Number(status)), metadata);
  if (detailed !== undefined) error.details = detailed.details;
  if (codeFrom(Number(status)) !== Number(status)) error.cause = new Error(`grpc-status ${status}`);
  return error;
}

/** Codes that gRPC doesn't define become `Unknown`; dubbo-go's business error keeps its number. */
function codeFrom(status: number): Code {
  if (status === CodeBizError) return status as Code;
  return status >= 1 && status <= 16 ? (status as Code) : Code.Unknown;
}
