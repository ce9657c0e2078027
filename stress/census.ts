// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { turn } from "./events.js";

/** Time in which all that is not used any more has to be collected. */
const limitMs = 10_000;

/** The objects that are still alive: by WeakRefs and a FinalizationRegistry, so that counting keeps no object alive. */
export class Census {
  private readonly alive = new Map<string, number>();
  private readonly registry = new FinalizationRegistry<string>((kind) => {
    this.alive.set(kind, (this.alive.get(kind) ?? 0) - 1);
  });

  /** Counts an object of a kind until it is collected. */
  track<T extends object>(kind: string, object: T): T {
    this.alive.set(kind, (this.alive.get(kind) ?? 0) + 1);
    this.registry.register(object, kind);
    return object;
  }

  /** Collects garbage until no object is left, and gives up in the end; returns the objects left, by kind. */
  async left(): Promise<Record<string, number>> {
    const ends = performance.now() + limitMs;
    for (;;) {
      collect();
      // Finalizers run in turns of their own.
      for (let i = 0; i < 5; i++) await turn();
      const left = [...this.alive].filter(([, n]) => n !== 0);
      if (left.length === 0 || performance.now() > ends) return Object.fromEntries(left);
    }
  }
}

/** Collects garbage. */
export function collect(): void {
  if (globalThis.gc === undefined) throw new Error("run it by npm run stress, which says --expose-gc");
  globalThis.gc();
}

/** Sockets that were ended in order are given up after a second (socket-link.ts): until then a timer refers to them. */
const lingerMs = 1200;

/** The heap in use, once garbage is collected; a few times over, as objects go in generations. */
export async function heapUsed(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  await delay(lingerMs);
  for (let i = 0; i < 4; i++) {
    collect();
    await turn();
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}

const kinds = ["TCPSocketWrap", "TCPServerWrap", "PipeServerWrap", "Timeout", "Immediate"] as const;

/** The handles that keep the process alive, by kind. */
export function resources(): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(kinds.map((kind) => [kind, 0]));
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind in counts) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
