// SPDX-License-Identifier: Apache-2.0
import { type Clock, systemClock } from "../../runtime/clock.js";

/** A connection that needs the time: one of `@tristream/http2`, which keeps no timer itself. */
export interface TimedConnection {
  /** Enforces the times within which the peer has to act. `now` is by the connection's clock. */
  advance(now: number): void;
}

const tickMs = 1000;
const keepers = new WeakMap<Clock, TimeKeeper>();

/**
 * Ticks a connection once a second, until the returned function is called. Time in which the process was too busy to read
 * is left out. One timer serves all connections of a clock, and doesn't keep the process alive.
 */
export function keepTime(connection: TimedConnection, clock: Clock = systemClock): () => void {
  let keeper = keepers.get(clock);
  if (keeper === undefined) {
    keeper = new TimeKeeper(clock);
    keepers.set(clock, keeper);
  }
  return keeper.add(connection);
}

class TimeKeeper {
  private readonly clock: Clock;
  /** The connections, each with the value of `lost` when it was added. */
  private readonly connections = new Map<TimedConnection, number>();
  private stop: (() => void) | null = null;
  private lastTick = 0;
  private wasLate = false;
  /** Time that counts for no connection. */
  private lost = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(connection: TimedConnection): () => void {
    this.connections.set(connection, this.lost);
    if (this.stop === null) {
      this.lastTick = this.clock.now();
      this.wasLate = false;
      this.arm();
    }
    return () => {
      this.connections.delete(connection);
      if (this.connections.size > 0) return;
      this.stop?.();
      this.stop = null;
    };
  }

  private arm(): void {
    this.stop = this.clock.after(tickMs, this.tick, { background: true });
  }

  /**
   * After a pause (a busy loop, a suspended process), timers fire before the input that arrived meanwhile is read. Enforced then,
   * timeouts would end connections whose peers have answered in time. So a late tick counts for nothing. One late tick after another
   * counts for one tick: the peer's answer may need several turns of both ends, but an always busy process must not wait for ever.
   */
  private readonly tick = (): void => {
    this.arm();
    const now = this.clock.now();
    const passed = now - this.lastTick;
    const isLate = passed > 2 * tickMs;
    this.lastTick = now;
    if (isLate) this.lost += passed - (this.wasLate ? tickMs : 0);
    this.wasLate = isLate;
    for (const [each, lostBefore] of this.connections) each.advance(now - (this.lost - lostBefore));
  };
}
