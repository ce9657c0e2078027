// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** A relay on 127.0.0.1 to a port. Its faults are those of the connections that are open; later ones are whole. */
export async function startRelay(port) {
  const pairs = new Set();
  const relay = createServer((near) => {
    const pair = { near, far: connect(port, "127.0.0.1"), isDark: false };
    pairs.add(pair);
    const { far } = pair;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on("data", (bytes) => pair.isDark || to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => pair.isDark || to.destroy());
    }
  });
  await once(relay.listen(0, "127.0.0.1"), "listening");
  return {
    port: relay.address().port,
    /** "black hole": bytes are taken and dropped. "client gone" and "server gone": that end is reset, too, and the other one hears nothing. */
    fail(fault) {
      for (const pair of pairs) {
        pair.isDark = true;
        if (fault === "client gone") pair.near.resetAndDestroy();
        if (fault === "server gone") pair.far.resetAndDestroy();
      }
      pairs.clear();
    },
    close: () => relay.close(),
  };
}
