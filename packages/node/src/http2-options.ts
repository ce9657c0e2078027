// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@tristream/core";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "@tristream/http2";

/** HTTP/2's options with all defaults, worked out before there is a connection. Throws `InvalidArgument` for one that can't be. */
export function http2Options(
  given: Http2Options | undefined,
  role: "client" | "server",
): ResolvedHttp2Options {
  try {
    return resolveHttp2Options(given, role);
  } catch (error) {
    throw error instanceof RangeError ? invalid(error) : error;
  }
}

function invalid(cause: RangeError): ConnectError {
  return new ConnectError(`http2: ${cause.message}`, Code.InvalidArgument, undefined, undefined, cause);
}
