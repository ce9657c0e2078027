// SPDX-License-Identifier: Apache-2.0

// All that is imported from Connect's subpaths, in this one file, so that an upgrade is checked in one place.
import { ConnectError } from "@connectrpc/connect";
import {
  codeFromHttpStatus,
  codeToHttpStatus,
  contentTypeUnaryJson,
  contentTypeUnaryProto,
  errorFromJsonBytes,
  errorToJsonBytes,
  parseContentType,
  parseTimeout,
  protocolVersion,
  trailerMux,
} from "@connectrpc/connect/protocol-connect";
// Private ("does not follow semantic versioning"); both names have been stable from 1.7.0 to 2.2.0. They carry the
// schema of google.rpc.Status, which Connect does not export.
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { grpcStatusDetails } from "./protocol/headers.js";

export type { Compression, UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";

const field = grpcStatusDetails;

/** google.rpc.Status of an error, as the value of its header; undefined if it can't be serialised. */
export function formatStatusDetails(error: ConnectError): string | undefined {
  try {
    // Connect encodes the message by `encodeURIComponent` on the way, which throws for a lone surrogate.
    const text = new TextDecoder().decode(new TextEncoder().encode(error.rawMessage));
    const plain = new ConnectError(text, error.code);
    plain.details = error.details;
    return setTrailerStatus(new Headers(), plain).get(field)?.replace(/=+$/, "");
  } catch {
    return undefined;
  }
}

/** The error in such a value; undefined if it is malformed, or says OK. */
export function parseStatusDetails(value: string): ConnectError | undefined {
  try {
    const error = findTrailerError(new Headers([[field, value]]));
    // The values are views of one array, each of which would keep the whole array.
    if (error !== undefined) error.details = error.details.map(withOwnValue);
    return error;
  } catch {
    return undefined;
  }
}

function withOwnValue(detail: ConnectError["details"][number]): ConnectError["details"][number] {
  return "desc" in detail ? detail : { ...detail, value: new Uint8Array(detail.value) };
}

/** The Connect protocol's own tables, JSON and header values. Private in Connect as well, and as stable. */
export const connectProtocol = {
  codeFromHttpStatus,
  codeToHttpStatus,
  contentTypeUnaryJson,
  contentTypeUnaryProto,
  errorFromJsonBytes,
  errorToJsonBytes,
  parseContentType,
  parseTimeout,
  protocolVersion,
  trailerMux,
} as const;
