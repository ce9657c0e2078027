// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { type ConnectError, createConnectRouter, type MethodImpl } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "../connect-private.js";
import { prefixLength, writePrefix } from "../protocol/envelope.js";
import { type ConnectRouteOptions, neverCompressed } from "./connect-options.js";

type UniversalServerResponse = Awaited<ReturnType<UniversalHandler>>;

/** Answers a request of Connect's with an error, in the protocol that the request is in. */
export type ErrorAnswer = (
  req: UniversalServerRequest,
  error: ConnectError,
) => Promise<UniversalServerResponse>;

/** The headers that describe the request's own body, in place of which Connect gets another. */
const ofTheBody = ["content-encoding", "content-length"];

/**
 * Has Connect answer with an error, uncompressed and without reading the request: for calls whose own answer can't be
 * written.
 */
export function errorAnswer(method: DescMethod, options: ConnectRouteOptions): ErrorAnswer {
  const plain = { ...options, interceptors: [], compressMinBytes: neverCompressed };
  return (req, error) => {
    const fail = ((): never => {
      throw error;
    }) as unknown as MethodImpl<DescMethod>;
    const handler = createConnectRouter(plain).rpc(method, fail).handlers[0]!;
    const header = new Headers(req.header);
    for (const name of ofTheBody) header.delete(name);
    return handler({ ...req, header, body: oneChunk(emptyMessage(header)) });
  };
}

/** A message without fields, as the body of a request of this content type. */
function emptyMessage(header: Headers): Uint8Array {
  const type = header.get("content-type") ?? "";
  const message = new TextEncoder().encode(type.includes("json") ? "{}" : "");
  // Only the bodies of Connect's unary calls have no prefix.
  if (!/^application\/(grpc|connect\+)/.test(type)) return message;
  const enveloped = new Uint8Array(prefixLength + message.length);
  writePrefix(enveloped, 0, 0, message.length);
  enveloped.set(message, prefixLength);
  return enveloped;
}

async function* oneChunk(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
