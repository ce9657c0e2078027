// SPDX-License-Identifier: Apache-2.0
import { until } from "./events.js";
import type { LinkKind, Running, StartOptions } from "./every-link.js";
import { Wire } from "./wire.js";

/** A server and a transport to it, and whether what happened has left anything behind. */
export interface Watched extends Running {
  /** Settles when no call runs and no stream is open; then there must have been one connection that has not ended. */
  leftClean(): Promise<void>;
}

/** Starts a link whose frames are seen. */
export async function startWatched(link: LinkKind, options: StartOptions): Promise<Watched> {
  const wire = new Wire();
  const end = await link.start({ ...options, tap: wire.tap });
  return {
    ...end,
    async leftClean() {
      await until(() => end.server.activeCalls === 0 && wire.openStreams === 0);
      const sent = wire.all("client-to-server");
      const all = [...sent, ...wire.all("server-to-client")];
      expect(all.filter((line) => line.startsWith("GOAWAY"))).toEqual([]);
      expect(sent.filter((line) => line === "SETTINGS").length).toBeLessThanOrEqual(1);
    },
  };
}
