// SPDX-License-Identifier: Apache-2.0
import { compressionGzip } from "@connectrpc/connect-node";
import {
  Code,
  ConnectError,
  type ConnectionProvider,
  type TransportOptions as CoreTransportOptions,
  checkOptions,
  createTransport as createCoreTransport,
  type OptionKinds,
  type TripleTransport,
  transportOptionKinds,
  wrongArgument,
} from "@tristream/core";
import { http2Kind } from "./http2-options.js";
import {
  type ConnectOptions,
  connectTimeoutKind,
  reconnectDelayKind,
  SocketConnector,
} from "./socket-connector.js";
import { clientTlsKind } from "./tls/client-tls.js";

/** Options of {@link createTransport}. */
export interface TransportOptions extends CoreTransportOptions, ConnectOptions {}

const transportKinds: OptionKinds<TransportOptions> = {
  ...transportOptionKinds,
  connectTimeoutMs: connectTimeoutKind,
  maxReconnectDelayMs: reconnectDelayKind,
  http2: http2Kind,
  tls: clientTlsKind,
};

function isProvider(given: unknown): boolean {
  return typeof given === "object" && given !== null && ("pick" in given || "open" in given);
}

/**
 * Makes a transport to `tri://host:port`, `http://host:port`, `https://host:port` or `unix:path`; several with `;` between are tried in order.
 * `?group=` and `?version=` hold for every client that names none. The transport connects with the first call, and again after a
 * loss. An idle connection does not keep the process alive.
 *
 * Throws `InvalidArgument` for an address or an option that can't be read. Calls reject with `Unavailable` when nothing can be reached.
 */
export function createTransport(
  address: string | ConnectionProvider,
  options: TransportOptions = {},
): TripleTransport {
  checkOptions("createTransport", options, transportKinds);
  if (typeof address !== "string" && !isProvider(address)) {
    throw wrongArgument(
      "the address of createTransport",
      address,
      "tri://host:port, http://host:port, https://host:port or unix:path",
    );
  }
  const { connectTimeoutMs, maxReconnectDelayMs, http2, tls, ...rest } = options;
  const connect: ConnectOptions = {
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(maxReconnectDelayMs === undefined ? {} : { maxReconnectDelayMs }),
    ...(http2 === undefined ? {} : { http2 }),
    ...(tls === undefined ? {} : { tls }),
  };
  if (typeof address !== "string" && tls !== undefined) {
    throw new ConnectError(
      "createTransport got a connection provider, which makes the connections itself, and option tls: give the provider its TLS, and leave tls out",
      Code.InvalidArgument,
    );
  }
  const provider = typeof address === "string" ? new SocketConnector(address, connect, rest.clock) : address;
  return createCoreTransport(provider, {
    ...rest,
    acceptCompression: rest.acceptCompression ?? [compressionGzip],
  });
}
