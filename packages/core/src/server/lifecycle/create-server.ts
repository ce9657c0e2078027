// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { Connection } from "../../carrier/connection.js";
import { serverDialects } from "../../dialects/default.js";
import type { Dialect } from "../../dialects/dialect.js";
import { type DeadlineWheel, deadlinesOf } from "../../engine/call/deadline.js";
import type { ServerCall } from "../../engine/call/server-call.js";
import { inspect, inspectLine } from "../../log/inspect.js";
import { defaultLogger, type Logger } from "../../log/logger.js";
import { ServerLog } from "../../log/server-log.js";
import {
  checkOptions,
  clock as clockKind,
  faultOfOptions,
  func,
  logger as loggerKind,
  number,
  type OptionKind,
  type OptionKinds,
  wrongArgument,
} from "../../options/check-options.js";
import { defaultHeldBytes, memory, size, time } from "../../options/number-options.js";
import { type AsyncContext, captureContext, contextFrom } from "../../runtime/async-context.js";
import { type Clock, longestDelay, systemClock } from "../../runtime/clock.js";
import { allowManyListeners } from "../../runtime/many-listeners.js";
import { afterInput, nextTurn } from "../../runtime/turns.js";
import { logged, StuckHandlers } from "../call/stuck-handlers.js";
import { createTripleRouter, type TripleRouter } from "../routing/create-router.js";
import { acceptedNames } from "../routing/request-head.js";
import { resolveServeOptions, type ServeOptions, serveOptionKinds } from "../routing/resolve-options.js";
import { CallList } from "./call-list.js";
import { ServerConnection, type ServerConnectionOwner } from "./server-connection.js";

/** Options of {@link createServer}. */
export interface ServerOptions extends ServeOptions {
  /** Registers the services. */
  routes: (router: TripleRouter) => unknown;
  /** The logger of unexpected errors. Default: `console`, without its `debug`. */
  logger?: Logger | undefined;
  /**
   * A handler that has not settled so many milliseconds after its call ended is logged, and again when it ends. The handler awaits
   * something that does not heed `context.signal`, and JavaScript can't end it. Default 5000.
   */
  stuckHandlerMs?: number | undefined;
  /**
   * Connections that may be open at once. A further one is refused: its GOAWAY says why, its calls fail with `Unavailable`, and the log
   * says so. Default: none.
   */
  maxConnections?: number | undefined;
  /**
   * Most memory in bytes that request messages may take in this process, those of its other servers included: of each call that runs, the
   * message that its handler took last, estimated as its bytes after decompression and 100 for each element. A request that would take
   * more fails with `ResourceExhausted`. Default: 1 GiB here; in `@tristream/node` half of V8's heap limit. Infinity for no limit.
   */
  maxHeldBytes?: number | undefined;
  /**
   * The clock of deadlines, of a shutdown's grace time and of `stuckHandlerMs`. Default: the runtime's, which a test's
   * fake timers don't stop. For tests: `createClock` of `@tristream/testing`.
   */
  clock?: Clock | undefined;
}

/** The kinds of {@link ServerOptions}. */
export const serverOptionKinds: OptionKinds<ServerOptions> = {
  ...serveOptionKinds,
  routes: { accepts: func.accepts, wanted: "(router) => router.service(…)" },
  logger: loggerKind,
  stuckHandlerMs: time,
  maxConnections: size,
  maxHeldBytes: memory,
  clock: clockKind,
};

/** How a shutdown went. */
export interface ShutdownReport {
  /** Calls that ended by themselves. */
  readonly finished: number;
  /** Calls that were cut when the grace time was over. */
  readonly cut: number;
}

/** A server without a runtime: it serves whatever connections it is given. */
export interface Server {
  readonly router: TripleRouter;
  /** Settles when asynchronous `routes` have; rejects with their error. */
  readonly ready: Promise<void>;
  /** Calls that run. */
  readonly activeCalls: number;
  /** Serves a connection, from the server's end of it, until it closes. Before {@link Server.ready} nothing is registered. */
  accept(connection: Connection): void;
  /** Ends a connection that must not be served with a GOAWAY that says `why`, and logs a warning. */
  refuse(connection: Connection, why: string): void;
  /** Logs, as `debug`, that a client at `address` failed before it had a connection: its TLS, say. */
  connectFailed(address: string, error: Error): void;
  /** Logs that key and certificates were read again from their files, or why they can't be used. */
  certificatesReloaded(error?: Error): void;
  /**
   * Refuses new calls, and lets running ones finish for `graceMs` (default 10,000). Then cuts the remaining calls with `Unavailable`,
   * gives their handlers a moment for their `finally`, and closes every connection. Settles then at the latest, and never rejects:
   * wrong options are logged, and the default counts. A second call with less time shortens the first. `Infinity` waits for the calls as
   * long as they take.
   */
  shutdown(options?: { graceMs?: number | undefined }): Promise<ShutdownReport>;
}

const shutdownOptionKinds: OptionKinds<{ graceMs?: number | undefined }> = { graceMs: number };
const defaultGraceMs = 10_000;
/** Time that cut handlers get to settle before the shutdown does. A stuck handler may never settle. */
const settleMs = 100;

/** Throws `InvalidArgument` for options of a server that can't be, or without routes. `owner` takes the options. */
export function checkServerOptions(
  owner: string,
  options: ServerOptions,
  kinds: Readonly<Record<string, OptionKind>> = serverOptionKinds,
): void {
  checkOptions(owner, options, kinds);
  if (options.routes !== undefined) return;
  throw wrongArgument(`option routes of ${owner}`, options.routes, serverOptionKinds.routes.wanted);
}

/**
 * Makes a server of routes. Throws what `routes` throws: a service that is registered twice, for one. Throws `InvalidArgument` for an
 * option that can't be.
 */
export function createServer(options: ServerOptions): Server {
  checkServerOptions("createServer", options);
  return createServerOf(options, serverDialects);
}

/** Makes a server that answers in the given dialects. */
export function createServerOf(options: ServerOptions, dialects: readonly Dialect[]): Server {
  return new EngineServer(options, dialects);
}

class EngineServer implements Server, ServerConnectionOwner {
  readonly router: TripleRouter;
  readonly ready: Promise<void>;
  readonly calls: CallList = new CallList();
  readonly acceptEncoding: string;
  readonly dialects: readonly Dialect[];
  readonly deadlines: DeadlineWheel;
  /** The context of `createServer`: each call begins with a copy of it, whatever opened its connection. */
  readonly asyncContext: AsyncContext = captureContext();
  readonly maxHeldBytes: number;
  private readonly clock: Clock;
  private readonly log: ServerLog;
  private readonly stuck: StuckHandlers;
  private readonly connections = new Set<ServerConnection>();
  private readonly maxConnections: number;
  private readonly shutdownController = new AbortController();
  private stopping: Promise<ShutdownReport> | null = null;
  private stopped: ((report: ShutdownReport) => void) | null = null;
  private cancelGrace: (() => void) | null = null;
  private cancelSettle: (() => void) | null = null;
  private graceEnds = Number.POSITIVE_INFINITY;
  private finished = 0;
  private cut = 0;

  constructor(options: ServerOptions, dialects: readonly Dialect[]) {
    this.dialects = dialects;
    this.clock = options.clock ?? systemClock;
    this.deadlines = deadlinesOf(this.clock);
    this.log = new ServerLog(options.logger ?? defaultLogger, this.clock);
    this.stuck = new StuckHandlers(this.log, options.stuckHandlerMs ?? 5000, this.deadlines);
    this.maxHeldBytes = options.maxHeldBytes ?? defaultHeldBytes;
    this.maxConnections = options.maxConnections ?? Number.POSITIVE_INFINITY;
    this.acceptEncoding = acceptedNames(resolveServeOptions(options).acceptCompression);
    allowManyListeners(this.shutdownController.signal);
    this.router = createTripleRouter(options, {
      shutdownSignal: this.shutdownController.signal,
      log: this.log,
      clock: this.clock,
    });
    const registered: unknown = options.routes(this.router);
    this.ready = Promise.resolve(registered).then(() => {});
    // A caller that awaits `ready` sees the error. An unread rejection must not end the process.
    this.ready.catch(() => {});
  }

  /** One line for `console.log`: the calls that run. */
  [inspect](): string {
    const state = this.stopping === null ? "accepts" : this.stopped === null ? "shut down" : "shutting down";
    return inspectLine("Server", state, `running calls: ${this.activeCalls}`);
  }

  get routes(): TripleRouter["routes"] {
    return this.router.routes;
  }

  get activeCalls(): number {
    return this.calls.size;
  }

  accept(connection: Connection): void {
    if (this.stopping !== null && this.stopped === null) {
      connection.start({});
      connection.abort("the server has shut down");
      return;
    }
    if (this.connections.size >= this.maxConnections) {
      const most = this.maxConnections;
      this.refuse(
        connection,
        `the server has ${most} of at most ${most} connections (option maxConnections)`,
      );
      return;
    }
    const served = new ServerConnection(connection, this);
    this.connections.add(served);
    connection.start(served);
    if (this.stopping !== null) connection.shutdown();
  }

  shutdown(options?: { graceMs?: number | undefined }): Promise<ShutdownReport> {
    this.stopping ??= new Promise((resolve) => {
      this.stopped = resolve;
      // Not in the context of the caller of `shutdown`, which may be a call's handler.
      const { shutdownController } = this;
      contextFrom(this.asyncContext).runInAsyncScope(
        shutdownController.abort,
        shutdownController,
        new ConnectError("the server is shutting down", Code.Unavailable),
      );
      for (const { connection } of this.connections) connection.shutdown();
    });
    const delay = this.graceOf(options);
    const ends = this.clock.now() + delay;
    if (ends < this.graceEnds) {
      this.graceEnds = ends;
      this.cancelGrace?.();
      // The longest delay of a timer is some weeks: a longer grace time ends then.
      const cut = (): void => this.cutAll();
      if (delay > 0) this.cancelGrace = this.clock.after(Math.min(delay, longestDelay), cut);
      else nextTurn(cut);
    }
    this.checkStopped();
    return this.stopping;
  }

  /** The grace time of a shutdown. A shutdown never rejects, so wrong options are logged. */
  private graceOf(options: unknown): number {
    const fault = options === undefined ? null : faultOfOptions("shutdown", options, shutdownOptionKinds);
    if (fault !== null) this.inContext(() => this.log.wrongShutdown(fault.rawMessage));
    const given = (options as { graceMs?: unknown } | null | undefined)?.graceMs;
    return typeof given === "number" && !Number.isNaN(given) ? given : defaultGraceMs;
  }

  callEnded(call: ServerCall, running: boolean): void {
    this.calls.delete(call);
    if (running) this.stuck.add(call);
    if (this.stopping === null) return;
    this.finished++;
    this.checkStopped();
  }

  settledLate(call: ServerCall, error: unknown): void {
    this.stuck.settled(call, error);
    this.checkStopped();
  }

  connectionClosed(connection: ServerConnection, error: Error | undefined): void {
    this.connections.delete(connection);
    if (error !== undefined) this.inContext(() => this.log.connectionEnded(connection.peer.address, error));
    this.checkStopped();
  }

  limited(connection: ServerConnection, message: string): void {
    this.inContext(() => this.log.limited(connection.peer.address, message));
  }

  metadataLeftOut(call: ServerCall, reason: ConnectError): void {
    this.log.metadataLeftOut(logged(call), reason);
  }

  unexpected(call: ServerCall, error: unknown): ConnectError {
    return this.log.unexpected(logged(call), error);
  }

  refuse(connection: Connection, why: string): void {
    connection.start({});
    connection.abortForLimit(why);
    this.inContext(() => this.log.connectionRefused(connection.peer.address, why));
  }

  connectFailed(address: string, error: Error): void {
    this.inContext(() => this.log.connectFailed(address, error));
  }

  certificatesReloaded(error?: Error): void {
    this.inContext(() => this.log.certificatesReloaded(error));
  }

  /** Calls the logger in the server's context, not in the one of the connection or call that caused the line. */
  private inContext(write: () => void): void {
    contextFrom(this.asyncContext).runInAsyncScope(write, undefined);
  }

  private cutAll(): void {
    const error = new ConnectError("the server is shutting down", Code.Unavailable);
    for (const call of this.calls.values()) {
      this.cut++;
      this.finished--;
      call.stop(error, true);
    }
    for (const { connection } of [...this.connections]) connection.abort("the server has shut down");
    this.connections.clear();
    this.checkStopped();
  }

  private checkStopped(): void {
    if (this.stopped === null || this.calls.size > 0 || this.connections.size > 0) return;
    this.cancelGrace?.();
    if (this.stuck.size === 0) this.settleStopped();
    // By real time: a test's clock that stands must not hold up the end of a server.
    // A busy process may find the timer due at once: a handler that awaits input gets two turns that read some.
    else this.cancelSettle ??= systemClock.after(settleMs, () => afterInput(() => this.settleStopped()));
  }

  private settleStopped(): void {
    this.cancelSettle?.();
    if (this.stopped !== null) this.log.flush();
    this.stopped?.({ finished: this.finished, cut: this.cut });
    this.stopped = null;
  }
}
