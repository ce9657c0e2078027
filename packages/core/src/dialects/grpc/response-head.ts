// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../carrier/byte-stream.js";
import * as names from "../../protocol/headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { headersFromFields } from "../../protocol/metadata.js";
import { quote } from "../../protocol/quote.js";
import { contentTypeOf, parseContentType } from "./content-type.js";
import { codeFromHttpStatus } from "./http-status.js";

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
