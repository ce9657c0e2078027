// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";

/**
 * The code of a response without gRPC status, by its HTTP status. The table is gRPC's, row by row
 * (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md): each status outside the table is Unknown.
 */
export function codeFromHttpStatus(status: number): Code {
  switch (status) {
    case 400:
      return Code.Internal;
    case 401:
      return Code.Unauthenticated;
    case 403:
      return Code.PermissionDenied;
    case 404:
      return Code.Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code.Unavailable;
    default:
      return Code.Unknown;
  }
}
