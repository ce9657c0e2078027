// SPDX-License-Identifier: Apache-2.0

/** The watchers of statuses, by service. */
export class Watchers {
  private readonly byService = new Map<string, Set<Watcher>>();

  /** Adds one, who also hears when one of the signals fires. Dispose it. */
  add(service: string, signals: readonly AbortSignal[]): Watcher {
    const all = this.byService.get(service) ?? new Set();
    this.byService.set(service, all);
    const watcher = new Watcher(signals, () => {
      all.delete(watcher);
      if (all.size === 0 && this.byService.get(service) === all) this.byService.delete(service);
    });
    all.add(watcher);
    return watcher;
  }

  /** The status of a service has changed. */
  tell(service: string): void {
    for (const watcher of this.byService.get(service) ?? []) watcher.tell();
  }

  /** The status of any service may have changed. */
  tellAll(): void {
    for (const service of this.byService.keys()) this.tell(service);
  }
}

/** Waits for changes of one service's status. */
export class Watcher implements Disposable {
  private readonly signals: readonly AbortSignal[];
  private readonly left: () => void;
  private fresh = false;
  private wake: (() => void) | null = null;
  /** A change happened. */
  readonly tell = (): void => {
    this.fresh = true;
    this.wake?.();
  };

  constructor(signals: readonly AbortSignal[], left: () => void) {
    this.signals = signals;
    this.left = left;
    for (const signal of signals) signal.addEventListener("abort", this.tell);
  }

  /** What has changed so far is known. */
  seen(): void {
    this.fresh = false;
  }

  /** Settles at the next change; at once if one came since {@link Watcher.seen}. */
  async changed(): Promise<void> {
    if (this.fresh) return;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    this.wake = null;
  }

  [Symbol.dispose](): void {
    for (const signal of this.signals) signal.removeEventListener("abort", this.tell);
    this.left();
  }
}
