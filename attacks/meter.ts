// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

/** How often the process is looked at. */
const everyMs = 5;

/** Watches the memory of this process, and how much CPU time its event loop's thread uses without a turn. */
export class Meter {
  private timer: NodeJS.Timeout | undefined;
  private readonly rssAtFirst = process.memoryUsage.rss();
  private readonly cpuAtFirst = cpuMs();
  private rss = this.rssAtFirst;
  private stall = 0;
  private lastTurn = threadMs();

  start(): void {
    const turn = (): void => {
      const now = threadMs();
      this.stall = Math.max(this.stall, now - this.lastTurn);
      this.lastTurn = now;
    };
    this.timer = setInterval(() => {
      turn();
      this.rss = Math.max(this.rss, process.memoryUsage.rss());
      this.lastTurn = threadMs();
    }, everyMs);
  }

  stop(): { rssMiB: number; stallMs: number; cpuMs: number } {
    clearInterval(this.timer);
    return {
      rssMiB: (this.rss - this.rssAtFirst) / 2 ** 20,
      stallMs: this.stall,
      cpuMs: cpuMs() - this.cpuAtFirst,
    };
  }
}

/** CPU time of this process so far: another process's work doesn't count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** CPU time of this thread so far: those that decompress or collect garbage hold up no turn. Only Linux gives it per thread. */
function threadMs(): number {
  try {
    return Number.parseInt(readFileSync("/proc/thread-self/schedstat", "latin1"), 10) / 1e6;
  } catch {
    return cpuMs();
  }
}
