// SPDX-License-Identifier: Apache-2.0
import { lstat, unlink } from "node:fs/promises";
import {
  type AddressInfo,
  connect,
  createServer as createSocketServer,
  type Server as SocketServer,
} from "node:net";
import { inspect } from "node:util";
import { getHeapStatistics } from "node:v8";
import { compressionGzip } from "@connectrpc/connect-node";
import {
  Code,
  ConnectError,
  checkServerOptions,
  createServer,
  type OptionKinds,
  optionKinds,
  type Server,
  type ServerOptions,
  type ShutdownReport,
  serverOptionKinds,
  systemClock,
} from "@tristream/core";
import type { Http2Options } from "@tristream/http2";
import { Acceptor } from "./acceptor.js";
import { checkSocketPath, socketUrl } from "./address.js";
import { http2Kind, http2Options } from "./http2-options.js";
import { listenError } from "./node-error.js";
import { type ServerTlsOptions, serverTlsKind } from "./tls/server-tls.js";
import { TlsListener } from "./tls/tls-listener.js";

/** Options of {@link serve}: a `port`, or a `socketPath`. */
export interface ServeOptions extends ServerOptions {
  /** TCP port; 0 for one that is free. */
  port?: number | undefined;
  /** Address to listen on. Default: all interfaces. */
  host?: string | undefined;
  /**
   * Path of a unix socket, at most 107 bytes (103 on macOS), instead of `port`. A socket file without a listening process
   * is replaced. Any other file stays, and is an error.
   */
  socketPath?: string | undefined;
  /** TLS: the port then takes no cleartext. Default: cleartext. */
  tls?: ServerTlsOptions | undefined;
  /** Limits of HTTP/2. `prefaceTimeoutMs` also is the time for a handshake of TLS. */
  http2?: Http2Options | undefined;
}

/**
 * Connections beyond `maxConnections` that get a GOAWAY with the reason, each for a second at most. Further ones are reset at once: a
 * flood of connections must not take all file descriptors.
 */
const refusedAtOnce = 100;

/** The kinds of {@link ServeOptions}; ports, hosts and the limits of HTTP/2 are checked where they are used. */
const serveKinds: OptionKinds<ServeOptions> = {
  ...serverOptionKinds,
  port: optionKinds.number,
  host: optionKinds.text,
  socketPath: optionKinds.text,
  tls: serverTlsKind,
  http2: http2Kind,
};

/** A server that listens. `await using` shuts it down. */
export interface ServerHandle extends AsyncDisposable {
  /** The TCP port that it listens on; 0 for a unix socket. */
  readonly port: number;
  /** An address for `createTransport` on this machine. */
  readonly url: string;
  /** Calls that run. */
  readonly activeCalls: number;
  /**
   * Replaces the key and certificates of a server that speaks TLS: new connections get them, open ones go on. Throws `InvalidArgument` for some
   * that can't be used, and changes nothing then; `FailedPrecondition` for a server that speaks cleartext. Files that were given
   * by their paths are read again without this call.
   */
  setTls(tls: ServerTlsOptions): void;
  /**
   * Stops listening, refuses new calls, lets running ones finish for `graceMs` (default 10,000), then cuts them with
   * `Unavailable`. Settles then at the latest, and never rejects; a second call with less time shortens the first. `Infinity`
   * waits for the calls as long as they take.
   */
  shutdown(options?: { graceMs?: number | undefined }): Promise<ShutdownReport>;
}

/**
 * Serves routes on a TCP port or a unix socket, and settles when it listens. Rejects with what `routes` throws, and with
 * a `ConnectError` that says why the port or path can't be listened on, or which option can't be.
 */
export async function serve(options: ServeOptions): Promise<ServerHandle> {
  checkServerOptions("serve", options, serveKinds);
  const { port, host, socketPath, http2, tls, ...rest } = options;
  if ((port === undefined) === (socketPath === undefined)) {
    const given = port === undefined ? "neither port nor socketPath" : "both port and socketPath";
    throw new ConnectError(`serve was given ${given}: pass one of them`, Code.InvalidArgument);
  }
  if (socketPath !== undefined) checkSocketPath(socketPath);
  const resolved = http2Options("serve", http2, "server");
  const server = createServer({
    ...rest,
    acceptCompression: rest.acceptCompression ?? [compressionGzip],
    maxHeldBytes: rest.maxHeldBytes ?? Math.floor(getHeapStatistics().heap_size_limit / 2),
  });
  await server.ready;
  const clock = options.clock ?? systemClock;
  const acceptor = new Acceptor(server, socketPath, resolved, clock);
  const secure = tls && new TlsListener(tls, acceptor, clock, resolved.prefaceTimeoutMs);
  const most = (options.maxConnections ?? Number.POSITIVE_INFINITY) + refusedAtOnce;
  const sockets = createSocketServer({ noDelay: true }, (socket) => {
    if (acceptor.open >= most) {
      // A unix socket has no reset.
      if (socketPath === undefined) socket.resetAndDestroy();
      else socket.destroy();
      return;
    }
    acceptor.open++;
    if (secure === undefined) acceptor.accept(socket);
    else secure.accept(socket);
  });
  try {
    if (socketPath !== undefined) await removeStale(socketPath);
    await listen(
      sockets,
      socketPath === undefined
        ? { port: port!, ...(host === undefined ? {} : { host }) }
        : { path: socketPath },
    );
  } catch (error) {
    secure?.close();
    throw error;
  }
  return handle(server, sockets, secure, host, socketPath);
}

function listen(
  sockets: SocketServer,
  where: { port: number; host?: string } | { path: string },
): Promise<void> {
  const name =
    "path" in where
      ? `unix:${where.path}`
      : `${where.host === undefined ? "port " : `${where.host}:`}${where.port}`;
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void => reject(listenError(name, cause));
    sockets.once("error", failed);
    try {
      sockets.listen(where, () => {
        sockets.off("error", failed);
        resolve();
      });
    } catch (cause) {
      failed(cause);
    }
  });
}

/** Removes a socket file without a listening process: a killed server leaves one. Throws for a file that is not a socket. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) {
    throw new ConnectError(
      `can't listen on unix:${path}: a file that is not a socket is there: choose another path, or remove it`,
      Code.AlreadyExists,
    );
  }
  const stale = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
  if (stale) await unlink(path).catch(() => {});
}

function handle(
  server: Server,
  sockets: SocketServer,
  secure: TlsListener | undefined,
  host: string | undefined,
  socketPath: string | undefined,
): ServerHandle {
  const bound = socketPath === undefined ? (sockets.address() as AddressInfo) : null;
  const reachable = host === undefined || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const scheme = secure === undefined ? "tri" : "https";
  const shutdown = (options?: { graceMs?: number | undefined }): Promise<ShutdownReport> => {
    if (sockets.listening) sockets.close();
    secure?.close();
    return server.shutdown(options);
  };
  return {
    port: bound?.port ?? 0,
    url:
      bound === null
        ? socketUrl(socketPath!)
        : `${scheme}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${bound.port}`,
    get activeCalls() {
      return server.activeCalls;
    },
    setTls(tls) {
      if (secure === undefined) {
        throw new ConnectError(
          "the server speaks cleartext: give serve the option tls, whose certificates setTls replaces",
          Code.FailedPrecondition,
        );
      }
      secure.replace(tls);
    },
    shutdown,
    async [Symbol.asyncDispose]() {
      await shutdown();
    },
    [inspect.custom]() {
      const state = sockets.listening ? "listening" : "shut down";
      return `Server(${this.url}: ${state}, running calls: ${server.activeCalls})`;
    },
  } as ServerHandle;
}
