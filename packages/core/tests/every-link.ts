// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  Logger,
  ServerOptions,
  ShutdownReport,
  TransportOptions,
  TripleTransport,
} from "@tristream/core";
import type { Http2Options } from "@tristream/http2";
import { createTransport, serve } from "@tristream/node";
import { loopback } from "@tristream/testing";
import { type Relay, startRelay, type Tap } from "./relay.js";

/** The parts that a test starts: the server's options, and its taps on the link. */
export interface StartOptions extends ServerOptions {
  transport?: TransportOptions;
  http2?: Http2Options;
  /** Sees all bytes of both directions. */
  tap?: Tap;
  /** Makes {@link Running.cut} possible. */
  cuttable?: boolean;
}

/** A server and a transport to it. `await using` ends both. */
export interface Running extends AsyncDisposable {
  readonly server: {
    readonly activeCalls: number;
    shutdown(options?: { graceMs?: number }): Promise<ShutdownReport>;
  };
  readonly transport: TripleTransport;
  /** Cuts the link as a crash does: no goodbye of either side. */
  cut(): void;
}

/** One carrier of bytes. */
export interface LinkKind {
  readonly name: "tcp" | "unix" | "memory";
  start(options: StartOptions): Promise<Running>;
}

/** A logger that keeps quiet: tests that expect log lines bring their own. */
export const quiet: Logger = { error() {}, warn() {}, info() {}, debug() {} };

/** The links that make a new connection after a loss. */
export const socketLinks: readonly LinkKind[] = [
  { name: "tcp", start: (options) => startSockets(options, false) },
  { name: "unix", start: (options) => startSockets(options, true) },
];

const memory: LinkKind = { name: "memory", start: startMemory };

/** All links. */
export const allLinks: readonly LinkKind[] = [...socketLinks, memory];

/**
 * The links that a behaviour has to hold over, for `describe.each`: memory alone, which is quick, or all of them if the environment has
 * TRISTREAM_LINKS=all.
 */
export const everyLink: readonly LinkKind[] = process.env.TRISTREAM_LINKS === "all" ? allLinks : [memory];

async function startMemory({ tap, cuttable: _, ...options }: StartOptions): Promise<Running> {
  const end = loopback({
    logger: quiet,
    ...options,
    ...(tap === undefined
      ? {}
      : {
          hook: (bytes, direction) => {
            tap(bytes, direction);
            return bytes;
          },
        }),
  });
  await end.server.ready;
  return {
    server: end.server,
    transport: end.transport,
    cut: () => end.pair.cut(),
    [Symbol.asyncDispose]: () => end[Symbol.asyncDispose](),
  };
}

async function startSockets(options: StartOptions, unix: boolean): Promise<Running> {
  const { tap, cuttable = false, transport: transportOptions, http2, ...serverOptions } = options;
  const limits = http2 === undefined ? {} : { http2 };
  const folder = unix ? await mkdtemp(join(tmpdir(), "tristream-")) : undefined;
  const server = await serve({
    logger: quiet,
    ...serverOptions,
    ...limits,
    ...(folder === undefined ? { host: "127.0.0.1", port: 0 } : { socketPath: join(folder, "server") }),
  });
  let relay: Relay | undefined;
  if (tap !== undefined || cuttable) {
    relay = await startRelay(
      folder === undefined ? { host: "127.0.0.1", port: server.port } : { path: join(folder, "server") },
      folder === undefined ? undefined : join(folder, "relay"),
      tap,
    );
  }
  const transport = createTransport(relay?.url ?? server.url, {
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...transportOptions,
    ...limits,
  });
  return {
    server,
    transport,
    cut() {
      if (relay === undefined) throw new Error("start it with cuttable: true");
      relay.cut();
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.shutdown({ graceMs: 0 });
      await relay?.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
