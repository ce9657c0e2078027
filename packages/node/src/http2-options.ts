// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, checkOptions, type OptionKind, optionKinds } from "@tristream/core";
import { type Http2Options, type ResolvedHttp2Options, resolveHttp2Options } from "@tristream/http2";

const names = Object.keys(resolveHttp2Options());

/** HTTP/2 itself checks the values. */
const kinds = Object.fromEntries(names.map((name) => [name, optionKinds.anyValue]));

/** The option `http2` of a server or a transport. */
export const http2Kind: OptionKind = { ...optionKinds.object, names };

/**
 * HTTP/2's options with all defaults, worked out before there is a connection. Throws `InvalidArgument` for an invalid
 * option. `owner` takes the options: `serve`, say.
 */
export function http2Options(
  owner: string,
  given: Http2Options | undefined,
  role: "client" | "server",
): ResolvedHttp2Options {
  if (given !== undefined) checkOptions(`http2 of ${owner}`, given, kinds);
  try {
    return resolveHttp2Options(given, role);
  } catch (error) {
    throw error instanceof RangeError ? invalid(owner, error) : error;
  }
}

/** The error begins with the option's name. */
function invalid(owner: string, cause: RangeError): ConnectError {
  const text = cause.message.replace(
    /^option \w+/,
    (option) => `${option.replace(" ", " http2.")} of ${owner}`,
  );
  return new ConnectError(text, Code.InvalidArgument, undefined, undefined, cause);
}
