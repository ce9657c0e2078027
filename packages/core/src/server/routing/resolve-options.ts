// SPDX-License-Identifier: Apache-2.0
import type { Interceptor } from "@connectrpc/connect";
import type { Compression } from "../../connect-private.js";
import { type FormatOptions, formatOptionKinds, formatOptions } from "../../engine/message/format-options.js";
import { compressions, flag, interceptors, type OptionKinds } from "../../options/check-options.js";
import { defaultMaxElements, largestMessage, size, sizeOrZero, time } from "../../options/number-options.js";
import type { Resolved } from "../../protocol/or-undefined.js";

/** How calls are served; for all routes, or for one registration. Sizes in bytes, times in milliseconds. */
export interface ServeOptions extends FormatOptions {
  /** Connect's server interceptors, outermost first. Interceptors of a registration replace the router's, as in Connect. */
  interceptors?: Interceptor[] | undefined;
  /** Largest message that is received, after decompression. Default 4,194,304 (4 MiB). Pair it with the client's `writeMaxBytes`. */
  readMaxBytes?: number | undefined;
  /**
   * Most elements of a message that is received: messages in it, strings and bytes in lists, entries of maps, unknown fields, and a
   * quarter of the 64-bit numbers in lists. Each takes an object of up to 200 bytes. A message with more ends its call with `ResourceExhausted`. Default: `readMaxBytes` / 32, at
   * least 1000, so 131,072.
   */
  readMaxElements?: number | undefined;
  /** Largest message that is sent, before compression. Default 4,294,967,295. */
  writeMaxBytes?: number | undefined;
  /** Longest deadline that a client may set. A longer one is refused with `InvalidArgument`. Default: none. */
  maxTimeoutMs?: number | undefined;
  /** Compressions that requests may come with. Default none here; `@tristream/node` adds gzip. */
  acceptCompression?: Compression[] | undefined;
  /** Compresses responses, with the first of what the client accepts that is in `acceptCompression`. Default false. */
  compressResponses?: boolean | undefined;
  /** Responses below this size are not compressed. Default 1024. */
  compressMinBytes?: number | undefined;
}

/** The kinds of {@link ServeOptions}. */
export const serveOptionKinds: OptionKinds<ServeOptions> = {
  ...formatOptionKinds,
  interceptors,
  readMaxBytes: size,
  readMaxElements: size,
  writeMaxBytes: size,
  maxTimeoutMs: time,
  acceptCompression: compressions,
  compressResponses: flag,
  compressMinBytes: sizeOrZero,
};

/** {@link ServeOptions} with every default filled in. */
export interface ResolvedServeOptions
  extends Resolved<Omit<ServeOptions, keyof FormatOptions>>,
    Readonly<FormatOptions> {
  /** The `readMaxElements` that was given, if one was: registrations inherit it. Its default they don't: that follows their `readMaxBytes`. */
  readonly givenMaxElements: number | undefined;
}

const fourMiB = 4_194_304;

/** Fills in defaults: of `base` if there is one, else of the product. The options were checked by {@link serveOptionKinds}. */
export function resolveServeOptions(
  options: ServeOptions,
  base?: ResolvedServeOptions,
): ResolvedServeOptions {
  const readMaxBytes = options.readMaxBytes ?? base?.readMaxBytes ?? fourMiB;
  const givenMaxElements = options.readMaxElements ?? base?.givenMaxElements;
  return {
    ...formatOptions(base),
    ...formatOptions(options),
    interceptors: options.interceptors ?? base?.interceptors ?? [],
    readMaxBytes,
    readMaxElements: givenMaxElements ?? defaultMaxElements("requests", readMaxBytes),
    givenMaxElements,
    writeMaxBytes: options.writeMaxBytes ?? base?.writeMaxBytes ?? largestMessage,
    maxTimeoutMs: options.maxTimeoutMs ?? base?.maxTimeoutMs ?? Number.POSITIVE_INFINITY,
    acceptCompression: options.acceptCompression ?? base?.acceptCompression ?? [],
    compressResponses: options.compressResponses ?? base?.compressResponses ?? false,
    compressMinBytes: options.compressMinBytes ?? base?.compressMinBytes ?? 1024,
  };
}
