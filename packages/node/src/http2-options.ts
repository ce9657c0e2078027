// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, checkOptions, optionKinds } from "@tristream/core";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "@tristream/http2";

/** HTTP/2 itself checks the values. */
const kinds = Object.fromEntries(
  Object.keys(resolveHttp2Options()).map((name) => [name, optionKinds.anyValue]),
);

/** HTTP/2's options with all defaults, worked out before there is a connection. Throws `InvalidArgument` for one that can't be. */
export function http2Options(
  given: Http2Options | undefined,
  role: "client" | "server",
): ResolvedHttp2Options {
  if (given !== undefined) checkOptions("http2", given, kinds);
  try {
    return resolveHttp2Options(given, role);
  } catch (error) {
    throw error instanceof RangeError ? invalid(error) : error;
  }
}

function invalid(cause: RangeError): ConnectError {
  return new ConnectError(`http2: ${cause.message}`, Code.InvalidArgument, undefined, undefined, cause);
}
