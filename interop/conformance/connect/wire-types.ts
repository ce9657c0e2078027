// SPDX-License-Identifier: Apache-2.0
// What the suite calls headers and errors, to and from what Connect's API calls them.
import { create, createRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@tristream/node";
import type { Code as SuiteCode } from "./gen/connectrpc/conformance/v1/config_pb.js";
import type { HeaderSchema, Error as SuiteError } from "./gen/connectrpc/conformance/v1/service_pb.js";
import {
  ErrorSchema,
  file_connectrpc_conformance_v1_service,
} from "./gen/connectrpc/conformance/v1/service_pb.js";

type Header = { readonly name: string; readonly value: readonly string[] };

const typeUrlPrefix = "type.googleapis.com/";

/** The messages that an `Any` of the suite may hold: JSON needs them. */
export const registry = createRegistry(file_connectrpc_conformance_v1_service);

/** Appends the suite's headers to `Headers`. */
export function appendHeaders(to: Headers, headers: readonly Header[]): Headers {
  for (const { name, value } of headers) for (const each of value) to.append(name, each);
  return to;
}

/** `Headers` as the suite has them. */
export function fromHeaders(headers: Headers): MessageInitShape<typeof HeaderSchema>[] {
  return [...headers].map(([name, value]) => ({ name, value: [value] }));
}

/** The error that a test asks a handler to throw; `more` are details that the handler adds. */
export function toConnectError(error: SuiteError, more: readonly Any[] = []): ConnectError {
  const thrown = new ConnectError(error.message ?? "", error.code as number as Code);
  thrown.details = [...error.details, ...more].map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return thrown;
}

/** The error of a call, as the suite has it. */
export function fromConnectError(reason: unknown): SuiteError {
  const error = ConnectError.from(reason);
  return create(ErrorSchema, {
    code: error.code as number as SuiteCode,
    message: error.rawMessage,
    details: error.details.flatMap((detail) =>
      "type" in detail
        ? [create(AnySchema, { typeUrl: typeUrlPrefix + detail.type, value: detail.value })]
        : [],
    ),
  });
}
