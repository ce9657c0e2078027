// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../carrier/byte-stream.js";
import type { Compression } from "../../connect-private.js";
import type { Dialect, ParsedRequest } from "../../dialects/dialect.js";
import type { RequestHead } from "../../engine/call/request-head.js";
import type { ResponseBlocks } from "../../engine/call/response-blocks.js";
import type { WriteCompression } from "../../engine/message/message-writer.js";
import { describeRefusedEncoding } from "../../protocol/encoding.js";
import * as names from "../../protocol/headers.js";
import { peerError } from "../../protocol/peer-error.js";
import { quote } from "../../protocol/quote.js";
import type { ResolvedServeOptions } from "./resolve-options.js";
import type { RouteTable } from "./route-table.js";

/** A request in none of the server's dialects: the HTTP status that answers it, and why. */
export interface HttpRefusal {
  readonly httpStatus: number;
  readonly text: string;
  /** Further header fields of the answer. */
  readonly fields: readonly string[];
  /** See {@link RequestHead.generation}. */
  readonly generation: number;
}

/** The server, as it looks requests up. */
export interface RequestLookup {
  readonly routes: RouteTable;
  /** The dialects that the server answers, in the order in which they are asked for a request. */
  readonly dialects: readonly Dialect[];
}

/** The connection of a request. */
export interface RequestScope {
  readonly owner: RequestLookup;
  /** The ready header blocks of a dialect, on the connection. */
  blocksOf(dialect: Dialect): ResponseBlocks;
}

/**
 * Works out what a request's headers ask for. Done once per distinct header list: HTTP/2 gives the same list for the same
 * bytes of one connection, and the answer stays in its `memo`.
 */
export function requestHead(list: HeaderList, scope: RequestScope): RequestHead | HttpRefusal {
  const known = list.memo as RequestHead | HttpRefusal | undefined;
  const { routes } = scope.owner;
  // Routes may be added while connections are open.
  if (known !== undefined && known.generation === routes.generation) return known;
  const head = readHead(list, scope);
  list.memo = head;
  return head;
}

function readHead(list: HeaderList, scope: RequestScope): RequestHead | HttpRefusal {
  const verb = list.get(names.pseudoMethod);
  let other: Dialect | null = null;
  for (const dialect of scope.owner.dialects) {
    const request = dialect.server.parseRequest(list);
    if (request === null) continue;
    if (dialect.verb === verb) return routed(list, dialect, request, scope);
    other ??= dialect;
  }
  const { generation } = scope.owner.routes;
  if (other !== null) {
    const text = `method ${quote(verb ?? "")}: ${other.verb} is needed`;
    return { httpStatus: 405, text, fields: ["allow", other.verb], generation };
  }
  const type = list.get(names.contentType) ?? "";
  const got = type === "" ? "no content-type" : `content-type ${quote(type)}`;
  const types = scope.owner.dialects.flatMap((dialect) => dialect.contentTypes);
  const text = `${got}: ${types.slice(0, -1).join(", ")} or ${types.at(-1)} is needed`;
  return { httpStatus: 415, text, fields: [], generation };
}

function routed(
  list: HeaderList,
  dialect: Dialect,
  request: ParsedRequest,
  scope: RequestScope,
): RequestHead | HttpRefusal {
  const { routes } = scope.owner;
  const { format, timeoutMs, encoding, fault } = request;
  const refused = (refusal: ConnectError): RequestHead => ({
    dialect,
    format,
    blocks: scope.blocksOf(dialect),
    url: "",
    method: null,
    refusal,
    timeoutMs: undefined,
    readCompression: null,
    writeCompression: null,
    offeredCompression: null,
    generation: routes.generation,
  });
  const found = routes.resolve(request.path, {
    group: list.get(names.serviceGroup) ?? "",
    version: list.get(names.serviceVersion) ?? "",
  });
  if (found instanceof ConnectError) return refused(found);
  if (dialect.framing === "bare" && found.desc.methodKind !== "unary") {
    const text = `${request.path} has streams, which ${dialect.contentTypes.join(" and ")} don't carry`;
    return { httpStatus: 415, text, fields: [], generation: routes.generation };
  }
  if (fault !== null) return refused(fault);
  const { options } = found;
  if (timeoutMs !== undefined && timeoutMs > options.maxTimeoutMs) {
    return refused(
      peerError(
        `the deadline of ${timeoutMs} ms that the client sent (the rest of its timeoutMs) is longer than the ${options.maxTimeoutMs} ms that this server allows: lower timeoutMs, or raise maxTimeoutMs of the server`,
        Code.InvalidArgument,
      ),
    );
  }
  const readCompression =
    encoding === "identity" ? null : options.acceptCompression.find((c) => c.name === encoding);
  if (readCompression === undefined) return refused(unknownEncoding(encoding, dialect, options));
  const offeredCompression = responseCompression(request, options);
  return {
    dialect,
    format,
    blocks: scope.blocksOf(dialect),
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

function urlOf(list: HeaderList): string {
  const scheme = list.get(names.pseudoScheme) ?? "http";
  const authority = list.get(names.pseudoAuthority) ?? "localhost";
  return `${scheme}://${authority}${list.get(names.pseudoPath) ?? ""}`;
}

function unknownEncoding(encoding: string, dialect: Dialect, options: ResolvedServeOptions): ConnectError {
  const known = acceptedNames(options.acceptCompression);
  return peerError(
    `${dialect.encodingHeader} is ${describeRefusedEncoding(
      encoding,
      options.acceptCompression.map((c) => c.name),
    )}`,
    Code.Unimplemented,
    known === "" ? undefined : { [dialect.acceptEncodingHeader]: known },
  );
}

/** The names of compressions, as a header lists them. */
export function acceptedNames(compressions: readonly Compression[]): string {
  return compressions.map((c) => c.name).join(",");
}

/** Characters of a client's list of compressions that are read: a client lists a few names. */
const mostAccepted = 256;

/** The first compression of the client's list that the server has; null without one. */
function responseCompression(request: ParsedRequest, options: ResolvedServeOptions): WriteCompression | null {
  const given = request.acceptEncoding;
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
