// SPDX-License-Identifier: Apache-2.0
import type { DeadlineEntry, DeadlineWheel } from "../../engine/call/deadline.js";
import type { ServerCall } from "../../engine/call/server-call.js";
import type { LoggedCall, ServerLog } from "../../log/server-log.js";

/**
 * The handlers that still run though their calls have ended. JavaScript can't end such a handler, since an await of its own blocks
 * it. The log names it once, and again when it ends.
 */
export class StuckHandlers {
  /** How many there are. */
  size = 0;
  private readonly log: ServerLog;
  private readonly patienceMs: number;
  private readonly deadlines: DeadlineWheel;

  /** Reports a handler to `log` that has not settled `patienceMs` after its call, by the clock of `deadlines`. */
  constructor(log: ServerLog, patienceMs: number, deadlines: DeadlineWheel) {
    this.log = log;
    this.patienceMs = patienceMs;
    this.deadlines = deadlines;
  }

  /** A call is over, and its handler runs on. */
  add(call: ServerCall): void {
    this.size++;
    call.stuck = new StuckHandler(call, this.log, this.patienceMs, this.deadlines);
  }

  /** The handler of such a call has settled; `error` is what it threw, undefined if nothing. */
  settled(call: ServerCall, error: unknown): void {
    this.size--;
    const { stuck } = call;
    call.stuck = null;
    if (stuck instanceof StuckHandler) stuck.settled();
    if (error !== undefined && !followsFrom(error, call)) this.log.late(logged(call), error);
  }
}

class StuckHandler implements DeadlineEntry {
  dueAt = 0;
  deadlineNext: DeadlineEntry | null = null;
  deadlinePrevious: DeadlineEntry | null = null;
  deadlineSet = false;
  private readonly call: ServerCall;
  private readonly log: ServerLog;
  private readonly deadlines: DeadlineWheel;
  private readonly since: number;
  private reported = false;

  constructor(call: ServerCall, log: ServerLog, patienceMs: number, deadlines: DeadlineWheel) {
    this.call = call;
    this.log = log;
    this.deadlines = deadlines;
    this.since = deadlines.now();
    deadlines.add(this, patienceMs);
  }

  onDeadline(): void {
    this.reported = this.log.stuck(logged(this.call), this.deadlines.now() - this.since, this.call.outcome);
  }

  settled(): void {
    this.deadlines.remove(this);
    if (this.reported) this.log.ended(logged(this.call), this.deadlines.now() - this.since);
  }
}

/** The method and the peer of a call, for the log. */
export function logged(call: ServerCall): LoggedCall {
  return { method: call.method.name, peer: call.host.peer.address, asyncContext: call.asyncContext };
}

/** True if an error only says that the call has ended: its outcome, any other status, an aborted wait. */
function followsFrom(error: unknown, call: ServerCall): boolean {
  if (error === call.outcome || error === call.outcome?.cause) return true;
  try {
    const name = (error as { name?: unknown } | null)?.name;
    return name === "ConnectError" || name === "AbortError" || name === "TimeoutError";
  } catch {
    // A thrown value may be anything, also an object whose properties throw.
    return false;
  }
}
