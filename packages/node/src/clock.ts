// SPDX-License-Identifier: Apache-2.0
import type { Connection } from "@tristream/http2";

const tickMs = 1000;
const connections = new Set<Connection>();
let timer: NodeJS.Timeout | undefined;

/** Lets time pass for a connection until the returned function is called. One timer serves all, and keeps nothing alive. */
export function keepTime(connection: Connection): () => void {
  connections.add(connection);
  timer ??= setInterval(() => {
    const now = performance.now();
    for (const each of connections) each.advance(now);
  }, tickMs).unref();
  return () => {
    connections.delete(connection);
    if (connections.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
