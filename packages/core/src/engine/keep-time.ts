// SPDX-License-Identifier: Apache-2.0
import { type Clock, systemClock } from "./clock.js";

/** A connection that has to be told the time: one of `@tristream/http2`, which keeps no timer itself. */
export interface TimedConnection {
  /** Enforces what the peer has to do within a time. `now` is by the connection's clock. */
  advance(now: number): void;
}

const tickMs = 1000;
const keepers = new WeakMap<Clock, TimeKeeper>();

/**
 * Tells a connection the time, once a second, until the returned function is called. One timer serves all connections of a
 * clock, and doesn't keep the process alive.
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
  private readonly connections = new Set<TimedConnection>();
  private stop: (() => void) | null = null;
  private lastTick = 0;
  private wasLate = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(connection: TimedConnection): () => void {
    this.connections.add(connection);
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
   * A process that was busy, or asleep, for seconds finds its timers due before it has read what came meanwhile: it would end
   * connections whose peers have done all they had to. So a tick that comes late is left out; not two in a row, or a process
   * that is always busy would wait for ever.
   */
  private readonly tick = (): void => {
    this.arm();
    const now = this.clock.now();
    const isLate = now - this.lastTick > 2 * tickMs;
    this.lastTick = now;
    if (isLate && !this.wasLate) {
      this.wasLate = true;
      return;
    }
    this.wasLate = false;
    for (const each of this.connections) each.advance(now);
  };
}
