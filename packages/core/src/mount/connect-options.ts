// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import type { Compression } from "../connect-private.js";
import { decompressions } from "../engine/message/compression-queue.js";
import { decompress } from "../engine/message/decompress.js";
import { formatOptions } from "../engine/message/format-options.js";
import type { ServerLog } from "../log/server-log.js";
import { thrownConnectError } from "../log/thrown.js";
import type { MessageFormat } from "../protocol/message-format.js";
import { givenOptions } from "../protocol/or-undefined.js";
import type { TripleRouteOptions } from "../server/routing/create-router.js";
import type { ResolvedServeOptions } from "../server/routing/resolve-options.js";
import { countRuns, guardInterceptor } from "./guard-interceptor.js";
import { countBinary, countingDecoder } from "./limit-messages.js";

/** The options of Connect's router for a service. */
export type ConnectRouteOptions = NonNullable<Parameters<ConnectRouter["service"]>[2]>;

/** Connect compresses messages of at least this size if the client accepts it, unless another option forbids it. */
export const neverCompressed = 4_294_967_295;

/** The options for Connect's own handlers that parse requests of one format. `maxHeldBytes`: see `ServerOptions`. */
export function connectOptions(
  given: TripleRouteOptions,
  resolved: ResolvedServeOptions,
  log: ServerLog,
  desc: DescMethod,
  format: MessageFormat,
  maxHeldBytes: number,
): ConnectRouteOptions {
  const {
    group: _group,
    version: _version,
    interface: _interface,
    compressResponses: _responses,
    readMaxElements: _elements,
    ...connect
  } = given;
  const method = `${desc.parent.typeName}/${desc.name}`;
  const { readMaxElements } = resolved;
  const count = (bytes: Uint8Array): void => {
    if (format === "proto") countBinary(desc, bytes, readMaxElements);
  };
  const formats = formatOptions(resolved);
  // Connect takes the decoder of JSON from these options, and counts nothing by itself.
  const jsonOptions = { ...formats.jsonOptions, textDecoder: countingDecoder(desc, readMaxElements) };
  return {
    ...givenOptions(connect),
    ...formats,
    jsonOptions,
    interceptors: [guardInterceptor(log, maxHeldBytes), ...resolved.interceptors, countRuns],
    readMaxBytes: resolved.readMaxBytes,
    writeMaxBytes: resolved.writeMaxBytes,
    acceptCompression: resolved.acceptCompression.map((each) => guardedCompression(each, log, method, count)),
    compressMinBytes: resolved.compressResponses ? resolved.compressMinBytes : neverCompressed,
    ...(Number.isFinite(resolved.maxTimeoutMs) ? { maxTimeoutMs: resolved.maxTimeoutMs } : {}),
  };
}

/**
 * A compression that fails as in the engine. A message that can't be decompressed is the client's fault, where Connect reports some as
 * `Internal`. A message that can't be compressed is logged, with an id that the client sees, where Connect logs nothing.
 */
function guardedCompression(
  compression: Compression,
  log: ServerLog,
  method: string,
  count: (bytes: Uint8Array) => void,
): Compression {
  return {
    name: compression.name,
    // Connect doesn't name the connection: all requests of mounts share one place in the order.
    async decompress(bytes, maxBytes) {
      const run = () => decompress(compression, bytes, maxBytes, Code.InvalidArgument);
      const decompressed = await decompressions.run(log, run);
      count(decompressed);
      return decompressed;
    },
    async compress(bytes) {
      try {
        return await compression.compress(bytes);
      } catch (error) {
        throw thrownConnectError(error) ?? log.unexpected({ method, peer: "unknown" }, error);
      }
    },
  };
}
