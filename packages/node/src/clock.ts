// SPDX-License-Identifier: Apache-2.0
import type { Connection } from "@tristream/http2";

const tickMs = 1000;
const connections = new Set<Connection>();
let timer: NodeJS.Timeout | undefined;
let lastTick = 0;
let wasLate = false;

/** Lets time pass for a connection until the returned function is called. One timer serves all, and keeps nothing alive. */
export function keepTime(connection: Connection): () => void {
  connections.add(connection);
  if (timer === undefined) {
    lastTick = performance.now();
    wasLate = false;
    timer = setInterval(tick, tickMs).unref();
  }
  return () => {
    connections.delete(connection);
    if (connections.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/**
 * A process that was busy, or asleep, for seconds finds its timers due before it has read what came meanwhile: it would end
 * connections whose peers have done all they had to. So a tick that comes late is left out; not two in a row, or a process that
 * is always busy would wait for ever.
 */
function tick(): void {
  const now = performance.now();
  const isLate = now - lastTick > 2 * tickMs;
  lastTick = now;
  if (isLate && !wasLate) {
    wasLate = true;
    return;
  }
  wasLate = false;
  for (const each of connections) each.advance(now);
}
