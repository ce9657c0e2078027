// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { printable } from "../protocol/printable.js";
import { type AsyncContext, captureContext, contextFrom } from "../runtime/async-context.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import { describeThrown } from "./describe-thrown.js";
import { LineLimits, leftOutText } from "./line-limits.js";
import type { Logger } from "./logger.js";

/** The method and the client of a call, for a line of the log. */
export interface LoggedCall {
  /** `package.Service/Method`. */
  readonly method: string;
  /** The client's address. */
  readonly peer: string;
  /** The context in which the logger is called: the one of the call's code. Default: the current one. */
  readonly asyncContext?: AsyncContext;
}

type Level = keyof Logger;

/**
 * Bytes of a header list that popular peers take (grpc-java: 8 KiB). A peer that takes less has chosen so: the server's owner need
 * not hear of its answers that don't fit.
 */
const usualListSize = 8192;

/**
 * The lines that a server logs: one place for their words, their kinds, and the limits on their number. A
 * logger that fails harms nothing. Lines hold no control characters: a peer's text can't forge a line.
 */
export class ServerLog {
  private readonly logger: Logger;
  private readonly limits: LineLimits<Level>;
  private readonly asyncContext: AsyncContext = captureContext();

  /** The limits on lines count by `clock`. */
  constructor(logger: Logger, clock: Clock = systemClock) {
    this.logger = logger;
    this.limits = new LineLimits(clock, (level, left) => {
      contextFrom(this.asyncContext).runInAsyncScope(this.logLine, this, level, leftOutText(left));
    });
  }

  /** A handler threw a value that is not a `ConnectError`: logs it, and returns what the client may see of it. */
  unexpected(call: LoggedCall, error: unknown): ConnectError {
    const id = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
    this.write("error", `internal errors in ${call.method}`, call, () => [
      `internal error (id ${id}) in ${call.method}, called by ${call.peer}: `,
      describeThrown(error),
    ]);
    return new ConnectError(`internal error (id ${id})`, Code.Internal, undefined, undefined, error);
  }

  /** The error that a call ended with has metadata that can't be sent, and went without. */
  metadataLeftOut(call: LoggedCall, reason: ConnectError): void {
    const { listSize } = reason as { listSize?: unknown };
    const level = typeof listSize === "number" && listSize <= usualListSize ? "debug" : "warn";
    this.write(level, `errors of ${call.method} without some of their metadata`, call, () => [
      `the error of ${call.method}, called by ${call.peer}, was sent without some of its metadata: ${reason.rawMessage}`,
    ]);
  }

  /** A handler threw after its call had ended: the error can only go to the log. */
  late(call: LoggedCall, error: unknown): void {
    this.write("warn", `errors of ${call.method} after its call had ended`, call, () => [
      `${call.method}, called by ${call.peer}, threw after its call had ended: `,
      describeThrown(error),
    ]);
  }

  /** A handler is still running though its call is over. Returns whether the log had room for that. */
  stuck(call: LoggedCall, sinceMs: number, outcome: ConnectError | null): boolean {
    const how = outcome === null ? "" : ` (${outcome.message})`;
    return this.write("warn", `handlers of ${call.method} that still run after their calls`, call, () => [
      `the handler of ${call.method}, called by ${call.peer}, still runs ${Math.round(sinceMs)} ms after its call ended${how}: ` +
        "it awaits something that does not end with the call: pass context.signal to what it awaits (option stuckHandlerMs)",
    ]);
  }

  /** A handler that was reported as stuck has settled. */
  ended(call: LoggedCall, afterMs: number): void {
    this.write("warn", `handlers of ${call.method} that ended after their calls`, call, () => [
      `the handler of ${call.method}, called by ${call.peer}, has ended, ${Math.round(afterMs)} ms after its call`,
    ]);
  }

  /**
   * A connection ended by an error. A peer that passed a limit, whose option the error names, or speaks another protocol, is worth a
   * warning: the peer or an option has to change.
   */
  connectionEnded(peer: string, error: Error): void {
    const { limit, otherProtocol } = error as { limit?: unknown; otherProtocol?: unknown };
    const { message } = error;
    if (typeof limit === "string") {
      this.write("warn", `connections that passed the limit ${limit}`, { peer }, () => [
        `connection with ${peer} ended, since it passed a limit: ${message}`,
      ]);
    } else if (otherProtocol === true) {
      this.write("warn", "connections refused", { peer }, () => [
        `connection with ${peer} refused: ${message}`,
      ]);
    } else {
      this.write("debug", "connections that ended by an error", { peer }, () => [
        `connection with ${peer} ended: ${message}`,
      ]);
    }
  }

  /** A call, a message or a stream of a peer was refused or ended for a limit that does not end the connection; `message` names the option. */
  limited(peer: string, message: string): void {
    this.write("warn", "calls that passed a limit of their connection", { peer }, () => [
      `connection with ${peer} passed a limit: ${message}`,
    ]);
  }

  /** A client failed before it had a connection. */
  connectFailed(peer: string, error: Error): void {
    this.write("debug", "clients that failed to connect", { peer }, () => [
      `${peer} failed to connect: ${error.message}`,
    ]);
  }

  /** The key and certificates were read again, or can't be used. */
  certificatesReloaded(error: Error | undefined): void {
    const peer = "this server";
    if (error === undefined) {
      this.write("info", "certificates that were read", { peer }, () => [
        "the key and certificates have changed: new connections get the new ones",
      ]);
    } else {
      this.write("warn", "certificates that can't be used", { peer }, () => [
        `the key and certificates have changed, but can't be used: ${error instanceof ConnectError ? error.rawMessage : error.message}; those before stay`,
      ]);
    }
  }

  /** A connection was refused: the server has as many as it may, or does not trust the client. */
  connectionRefused(peer: string, message: string): void {
    this.write("warn", "connections that were refused", { peer }, () => [
      `connection with ${peer} refused: ${message}`,
    ]);
  }

  /** The options of a shutdown are wrong; `message` names the fault. */
  wrongShutdown(message: string): void {
    this.write("warn", "wrong options of shutdown", { peer: "this server" }, () => [
      `${message}; the server shuts down with the default graceMs`,
    ]);
  }

  /** Reports the lines that were left out: nothing else may come. */
  flush(): void {
    this.limits.flush();
  }

  /**
   * Writes a line, unless there were too many of its kind from its peer. `parts`: what stands on the line, and what may go on behind it
   * on lines of its own (a stack, which is printable already).
   */
  private write(
    level: Level,
    kind: string,
    { peer, asyncContext }: Omit<LoggedCall, "method">,
    parts: () => [line: string, stack?: string],
  ): boolean {
    if (!this.limits.admit(level, kind, peer)) return false;
    const [line, stack = ""] = parts();
    const message = printable(line) + stack;
    if (asyncContext !== undefined) asyncContext.runInAsyncScope(this.logLine, this, level, message);
    else this.logLine(level, message);
    return true;
  }

  private logLine(level: Level, message: string): void {
    try {
      this.logger[level](message);
    } catch {
      // A logger that fails must not take a connection, or the process, with it.
    }
  }
}
