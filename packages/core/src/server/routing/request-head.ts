// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../carrier/byte-stream.js";
import type { Compression } from "../../connect-private.js";
import { parseContentType } from "../../dialects/grpc/content-type.js";
import { parseTimeout } from "../../dialects/grpc/timeout.js";
import type { RequestHead } from "../../engine/call/server-call.js";
import type { WriteCompression } from "../../engine/message/message-writer.js";
import { describeRefusedEncoding } from "../../protocol/encoding.js";
import * as names from "../../protocol/headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { peerError } from "../../protocol/peer-error.js";
import { quote } from "../../protocol/quote.js";
import type { ResolvedServeOptions } from "./resolve-options.js";
import type { RouteTable } from "./route-table.js";

/** A request that is not gRPC: what HTTP status answers it, and why. */
export interface HttpRefusal {
  readonly httpStatus: number;
  readonly text: string;
  /** See {@link RequestHead.generation}. */
  readonly generation: number;
}

/**
 * Works out what a request's headers ask for. Done once per distinct header list: HTTP/2 gives the same list for the same
 * bytes, and the answer stays in its `memo`.
 */
export function requestHead(list: HeaderList, routes: RouteTable): RequestHead | HttpRefusal {
  const known = list.memo as RequestHead | HttpRefusal | undefined;
  // Routes may be added while connections are open.
  if (known !== undefined && known.generation === routes.generation) return known;
  const head = readHead(list, routes);
  list.memo = head;
  return head;
}

function readHead(list: HeaderList, routes: RouteTable): RequestHead | HttpRefusal {
  const type = list.get(names.contentType) ?? "";
  const format = parseContentType(type);
  if (format === undefined) {
    const got = type === "" ? "no content-type" : `content-type ${quote(type)}`;
    return {
      httpStatus: 415,
      text: `${got}: application/grpc, application/grpc+proto or application/grpc+json is needed`,
      generation: routes.generation,
    };
  }
  const method = list.get(names.pseudoMethod);
  if (method !== "POST") {
    return {
      httpStatus: 405,
      text: `method ${quote(method ?? "")}: POST is needed`,
      generation: routes.generation,
    };
  }
  const found = routes.resolve(list.get(names.pseudoPath) ?? "", {
    group: list.get(names.serviceGroup) ?? "",
    version: list.get(names.serviceVersion) ?? "",
  });
  if (found instanceof ConnectError) return refused(format, found, routes);
  const { options } = found;
  const timeout = list.get(names.grpcTimeout);
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    return refused(
      format,
      peerError(
        `${names.grpcTimeout} is ${quote(timeout)}: 1 to 8 digits and one of n u m S M H are allowed`,
        Code.InvalidArgument,
      ),
      routes,
    );
  }
  if (timeoutMs !== undefined && timeoutMs > options.maxTimeoutMs) {
    return refused(
      format,
      peerError(
        `the deadline of ${timeoutMs} ms that the client sent (the rest of its timeoutMs) is longer than the ${options.maxTimeoutMs} ms that this server allows: lower timeoutMs, or raise maxTimeoutMs of the server`,
        Code.InvalidArgument,
      ),
      routes,
    );
  }
  const encoding = list.get(names.grpcEncoding) ?? "identity";
  const readCompression =
    encoding === "identity" ? null : options.acceptCompression.find((c) => c.name === encoding);
  if (readCompression === undefined) return refused(format, unknownEncoding(encoding, options), routes);
  const offeredCompression = responseCompression(list, options);
  return {
    format,
    url: urlOf(list),
    method: found.served[format],
    refusal: null,
    timeoutMs,
    readCompression,
    writeCompression: options.compressResponses ? offeredCompression : null,
    offeredCompression,
    generation: routes.generation,
  };
}

function refused(format: MessageFormat, refusal: ConnectError, routes: RouteTable): RequestHead {
  return {
    format,
    url: "",
    method: null,
    refusal,
    timeoutMs: undefined,
    readCompression: null,
    writeCompression: null,
    offeredCompression: null,
    generation: routes.generation,
  };
}

function urlOf(list: HeaderList): string {
  const scheme = list.get(names.pseudoScheme) ?? "http";
  const authority = list.get(names.pseudoAuthority) ?? "localhost";
  return `${scheme}://${authority}${list.get(names.pseudoPath) ?? ""}`;
}

function unknownEncoding(encoding: string, options: ResolvedServeOptions): ConnectError {
  const known = acceptedNames(options.acceptCompression);
  return peerError(
    `${names.grpcEncoding} is ${describeRefusedEncoding(
      encoding,
      options.acceptCompression.map((c) => c.name),
    )}`,
    Code.Unimplemented,
    known === "" ? undefined : { [names.grpcAcceptEncoding]: known },
  );
}

/** The names of compressions, as `grpc-accept-encoding` has them. */
export function acceptedNames(compressions: readonly Compression[]): string {
  return compressions.map((c) => c.name).join(",");
}

/** Characters of `grpc-accept-encoding` that are read: a client lists a few names. */
const mostAccepted = 256;

/** The first of what the client accepts that the server has; null if there is none. */
function responseCompression(list: HeaderList, options: ResolvedServeOptions): WriteCompression | null {
  const given = list.get(names.grpcAcceptEncoding);
  if (given === undefined || options.acceptCompression.length === 0) return null;
  const accepted = given
    .slice(0, mostAccepted)
    .split(",")
    .map((name) => name.trim());
  const compression = accepted
    .map((name) => options.acceptCompression.find((c) => c.name === name))
    .find((c) => c !== undefined);
  const minBytes = options.compressResponses ? options.compressMinBytes : Number.POSITIVE_INFINITY;
  return compression === undefined ? null : { compression, minBytes };
}
