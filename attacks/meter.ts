// SPDX-License-Identifier: Apache-2.0

/** How often the process is looked at. */
const everyMs = 5;

/** Watches the memory of this process, and how much CPU time passes without a turn of the event loop. */
export class Meter {
  private timer: NodeJS.Timeout | undefined;
  private readonly rssAtFirst = process.memoryUsage.rss();
  private readonly cpuAtFirst = cpuMs();
  private rss = this.rssAtFirst;
  private stall = 0;
  private lastTurn = this.cpuAtFirst;

  start(): void {
    const turn = (): void => {
      const now = cpuMs();
      this.stall = Math.max(this.stall, now - this.lastTurn);
      this.lastTurn = now;
    };
    this.timer = setInterval(() => {
      turn();
      this.rss = Math.max(this.rss, process.memoryUsage.rss());
      this.lastTurn = cpuMs();
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
