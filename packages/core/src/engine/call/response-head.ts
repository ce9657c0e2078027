// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../carrier/byte-stream.js";
import type { Compression } from "../../connect-private.js";
import { contentTypeOf, parseContentType } from "../../dialects/grpc/content-type.js";
import { codeFromHttpStatus } from "../../dialects/grpc/http-status.js";
import { describeRefusedEncoding } from "../../protocol/encoding.js";
import * as names from "../../protocol/headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { headersFromFields } from "../../protocol/metadata.js";
import { quote } from "../../protocol/quote.js";

const checkAddress = "check the address, and any proxy before it";

/**
 * Why a response that begins with these headers is none of gRPC, or not in the serialisation that was asked for; null if it
 * is. `where` is the peer.
 */
export function refusalOfHead(list: HeaderList, asked: MessageFormat, where: string): ConnectError | null {
  const httpStatus = list.get(names.pseudoStatus);
  const type = list.get(names.contentType);
  if (httpStatus !== "200") {
    return new ConnectError(
      `${where} answered HTTP ${httpStatus} without ${names.grpcStatus}: ${checkAddress}`,
      codeFromHttpStatus(Number(httpStatus)),
      headersFromFields(list.fields),
    );
  }
  const got = type === undefined ? undefined : parseContentType(type);
  // A bare application/grpc stands for the format that was asked for.
  if (got === asked || (got !== undefined && !type!.includes("+"))) return null;
  if (got !== undefined) {
    return new ConnectError(
      `${where} answered with content-type ${quote(type!)}: ${contentTypeOf[asked]} was asked for`,
      Code.Internal,
      headersFromFields(list.fields),
    );
  }
  const what = type === undefined ? "no content-type" : `content-type ${quote(type)}`;
  return new ConnectError(
    `${where} answered with ${what}: application/grpc is needed, ${checkAddress}`,
    Code.Unknown,
    headersFromFields(list.fields),
  );
}

/** The compression that a response's messages may come with; null for none; the error of one that is not accepted. */
export function compressionOfHead(
  list: HeaderList,
  accepted: readonly Compression[],
  where: string,
): Compression | ConnectError | null {
  const encoding = list.get(names.grpcEncoding);
  if (encoding === undefined || encoding === "identity") return null;
  const compression = accepted.find((c) => c.name === encoding);
  if (compression !== undefined) return compression;
  const what = describeRefusedEncoding(
    encoding,
    accepted.map((c) => c.name),
  );
  const text = `${where} answered with ${names.grpcEncoding} ${what}`;
  return new ConnectError(text, Code.Internal, headersFromFields(list.fields));
}
