// SPDX-License-Identifier: Apache-2.0

import type { MessageFormat } from "../../protocol/message-format.js";

/** The content type that we send: dubbo-go and dubbo-java both send and take `+proto`. */
export const contentTypeOf: Readonly<Record<MessageFormat, string>> = {
  proto: "application/grpc+proto",
  json: "application/grpc+json",
};

/**
 * The serialisation that a gRPC content type names, or undefined if it is not one that is understood. Parameters such
 * as a charset are ignored.
 */
export function parseContentType(value: string): MessageFormat | undefined {
  const match = /^application\/grpc(?:\+(proto|json))?\s*(?:;.*)?$/i.exec(value);
  if (match === null) return undefined;
  return match[1]?.toLowerCase() === "json" ? "json" : "proto";
}
