// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { Link } from "../engine/link.js";
import type { ServerCall } from "../engine/server-call.js";
import { CallList } from "./call-list.js";
import { createTripleRouter, type TripleRouter } from "./create-router.js";
import { defaultLogger, type Logger } from "./logger.js";
import { acceptedNames } from "./request-head.js";
import { resolveServeOptions, type ServeOptions } from "./resolve-options.js";
import { ServerConnection, type ServerConnectionOwner } from "./server-connection.js";

/** Options of {@link createServer}. */
export interface ServerOptions extends ServeOptions {
  /** Registers the services. */
  routes: (router: TripleRouter) => unknown;
  /** Where unexpected errors are told. Default: `console`, without its `debug`. */
  logger?: Logger;
}

/** How a shutdown went. */
export interface ShutdownReport {
  /** Calls that ended by themselves. */
  readonly finished: number;
  /** Calls that were cut when the grace time was over. */
  readonly cut: number;
}

/** A server without a runtime: it serves whatever links it is given. */
export interface Server {
  readonly router: TripleRouter;
  /** Settles when asynchronous `routes` have; rejects with their error. */
  readonly ready: Promise<void>;
  /** Calls that run. */
  readonly activeCalls: number;
  /** Serves a link, from the server's end of it, until it closes. Before {@link Server.ready} nothing is registered. */
  accept(link: Link): void;
  /**
   * Refuses new calls, lets running ones finish for `graceMs` (default 10,000), cuts what is left with `Unavailable`,
   * closes every link. Always settles, and never rejects; a second call with less time shortens the first.
   */
  shutdown(options?: { graceMs?: number }): Promise<ShutdownReport>;
}

/** Makes a server of routes. Throws what `routes` throws: a service that is registered twice, for one. */
export function createServer(options: ServerOptions): Server {
  return new LinkServer(options);
}

class LinkServer implements Server, ServerConnectionOwner {
  readonly router: TripleRouter;
  readonly ready: Promise<void>;
  readonly calls: CallList = new CallList();
  readonly acceptEncoding: string;
  private readonly logger: Logger;
  private readonly connections = new Set<ServerConnection>();
  private readonly shutdownController = new AbortController();
  private stopping: Promise<ShutdownReport> | null = null;
  private stopped: ((report: ShutdownReport) => void) | null = null;
  private graceTimer: ReturnType<typeof setTimeout> | undefined;
  private graceEnds = Number.POSITIVE_INFINITY;
  private finished = 0;
  private cut = 0;

  constructor(options: ServerOptions) {
    this.logger = options.logger ?? defaultLogger;
    this.acceptEncoding = acceptedNames(resolveServeOptions(options).acceptCompression);
    this.router = createTripleRouter(options, { shutdownSignal: this.shutdownController.signal });
    const registered: unknown = options.routes(this.router);
    this.ready = Promise.resolve(registered).then(() => {});
    // Whoever awaits it sees the error; nobody has to.
    this.ready.catch(() => {});
  }

  get routes(): TripleRouter["routes"] {
    return this.router.routes;
  }

  get activeCalls(): number {
    return this.calls.size;
  }

  accept(link: Link): void {
    const connection = new ServerConnection(link, this);
    this.connections.add(connection);
    link.start(connection);
    if (this.stopping !== null) link.shutdown();
  }

  shutdown({ graceMs = 10_000 }: { graceMs?: number } = {}): Promise<ShutdownReport> {
    this.stopping ??= new Promise((resolve) => {
      this.stopped = resolve;
      this.shutdownController.abort(new ConnectError("the server is shutting down", Code.Unavailable));
      for (const connection of this.connections) connection.link.shutdown();
    });
    const ends = performance.now() + graceMs;
    if (ends < this.graceEnds) {
      this.graceEnds = ends;
      clearTimeout(this.graceTimer);
      this.graceTimer = setTimeout(() => this.cutAll(), graceMs);
    }
    this.checkStopped();
    return this.stopping;
  }

  callEnded(call: ServerCall): void {
    this.calls.delete(call);
    if (this.stopping === null) return;
    this.finished++;
    this.checkStopped();
  }

  connectionClosed(connection: ServerConnection, error: Error | undefined): void {
    this.connections.delete(connection);
    if (error !== undefined)
      this.log("debug", `connection with ${connection.peer.address} ended: ${error.message}`);
    this.checkStopped();
  }

  unexpected(call: ServerCall, error: unknown): ConnectError {
    const id = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
    this.log(
      "error",
      `internal error (id ${id}) in ${call.method.name}, called by ${call.host.peer.address}: ${describeThrown(error)}`,
    );
    return new ConnectError(`internal error (id ${id})`, Code.Internal, undefined, undefined, error);
  }

  private log(level: keyof Logger, message: string): void {
    try {
      this.logger[level](message);
    } catch {
      // A logger that fails must not take a connection, or the process, with it.
    }
  }

  private cutAll(): void {
    const error = new ConnectError("the server is shutting down", Code.Unavailable);
    for (const call of this.calls.values()) {
      this.cut++;
      this.finished--;
      call.stop(error, true);
    }
    for (const connection of [...this.connections]) connection.link.abort(0, "the server has shut down");
    this.connections.clear();
    this.checkStopped();
  }

  private checkStopped(): void {
    if (this.stopped === null || this.calls.size > 0 || this.connections.size > 0) return;
    clearTimeout(this.graceTimer);
    this.stopped({ finished: this.finished, cut: this.cut });
    this.stopped = null;
  }
}

/** What a handler threw, for the log. It may be anything, also what has no text. */
function describeThrown(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : `thrown value ${String(error)}`;
  } catch {
    return `a thrown ${typeof error} that has no text`;
  }
}
