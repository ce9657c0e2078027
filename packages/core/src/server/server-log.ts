// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { AsyncContext } from "../engine/async-context.js";
import type { Logger } from "./logger.js";

/** Whose call it is, for a line of the log. */
export interface LoggedCall {
  /** `package.Service/Method`. */
  readonly method: string;
  /** The client's address. */
  readonly peer: string;
  /** The context in which the logger is called: the one of the call's code. Default: the current one. */
  readonly asyncContext?: AsyncContext;
}

/** What a server tells its owner: one place for the words, and a logger that fails harms nobody. */
export class ServerLog {
  private readonly logger: Logger;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** A handler threw what is no `ConnectError`: logs it, and returns what the client may see of it. */
  unexpected(call: LoggedCall, error: unknown): ConnectError {
    const id = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
    this.write(
      "error",
      `internal error (id ${id}) in ${call.method}, called by ${call.peer}: ${describeThrown(error)}`,
      call,
    );
    return new ConnectError(`internal error (id ${id})`, Code.Internal, undefined, undefined, error);
  }

  /** The error that a call ended with has metadata that can't be sent, and went without. */
  metadataLeftOut(call: LoggedCall, reason: ConnectError): void {
    this.write(
      "warn",
      `the error of ${call.method}, called by ${call.peer}, was sent without some of its metadata: ${reason.rawMessage}`,
      call,
    );
  }

  /** A handler threw after its call had ended: nobody but the log is left to be told. */
  late(call: LoggedCall, error: unknown): void {
    this.write(
      "warn",
      `${call.method}, called by ${call.peer}, threw after its call had ended: ${describeThrown(error)}`,
      call,
    );
  }

  /** A handler is still running though its call is over. */
  parked(call: LoggedCall, sinceMs: number, outcome: ConnectError | null): void {
    const how = outcome === null ? "" : ` (${outcome.message})`;
    this.write(
      "warn",
      `the handler of ${call.method}, called by ${call.peer}, still runs ${Math.round(sinceMs)} ms after its call ended${how}: ` +
        "it awaits something that does not end with the call; pass context.signal to what it awaits",
      call,
    );
  }

  /** A handler that was reported as parked has settled. */
  unparked(call: LoggedCall, afterMs: number): void {
    this.write(
      "warn",
      `the handler of ${call.method}, called by ${call.peer}, has ended, ${Math.round(afterMs)} ms after its call`,
      call,
    );
  }

  /**
   * A connection ended by an error. What passed a limit, whose option the error names, or speaks another protocol, is worth a
   * warning: somebody has to change something.
   */
  connectionEnded(peer: string, error: Error): void {
    const { limit, foreign } = error as { limit?: unknown; foreign?: unknown };
    if (typeof limit === "string") {
      this.write("warn", `connection with ${peer} ended, since it passed a limit: ${error.message}`);
    } else if (foreign === true) {
      this.write("warn", `connection with ${peer} refused: ${error.message}`);
    } else {
      this.write("debug", `connection with ${peer} ended: ${error.message}`);
    }
  }

  private write(level: keyof Logger, message: string, call?: LoggedCall): void {
    if (call?.asyncContext !== undefined) call.asyncContext.runInAsyncScope(this.tell, this, level, message);
    else this.tell(level, message);
  }

  private tell(level: keyof Logger, message: string): void {
    try {
      this.logger[level](message);
    } catch {
      // A logger that fails must not take a connection, or the process, with it.
    }
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
