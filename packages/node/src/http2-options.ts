// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, checkOptions, type OptionKind, optionKinds } from "@tristream/core";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "@tristream/http2";

const names = Object.keys(resolveHttp2Options());

/** HTTP/2 itself checks the values. */
const kinds = Object.fromEntries(names.map((name) => [name, optionKinds.anyValue]));

/** The option `http2` of a server or a transport. */
export const http2Kind: OptionKind = { ...optionKinds.object, names };

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
