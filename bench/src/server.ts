// SPDX-License-Identifier: Apache-2.0
// node server.js PEER: serves, says READY and its port, and answers the orchestrator's three messages.
import { isPeerName, loadPeer, peerNames } from "./load-peer.js";
import { cpuMs } from "./measure.js";
import { Served } from "./served.js";

/** The orchestrator's messages: the measured run begins, has ended, the client is gone. */
export type ServerOrder = "begin" | "end" | "stop";

/** The server's last message before it stops. */
export interface ServerReport {
  /** Messages received since the start, warm-up included. */
  readonly received: number;
  /** CPU time of the server's process in the measured run. */
  readonly serverCpuMs: number;
}

const [name] = process.argv.slice(2);
if (!isPeerName(name)) throw new Error(`peer "${name}" is unknown: use one of ${peerNames.join(", ")}`);

const served = new Served();
const server = await (await loadPeer(name)).startServer(served);
console.log(`READY ${server.port}`);

let cpuBefore = 0;
let serverCpuMs = 0;
process.on("message", (order: ServerOrder) => {
  switch (order) {
    case "begin":
      cpuBefore = cpuMs();
      return;
    case "end":
      serverCpuMs = cpuMs() - cpuBefore;
      return;
    case "stop": {
      const report: ServerReport = { received: served.received, serverCpuMs };
      // The report goes first: the orchestrator does not wait for a close() that hangs.
      process.send?.(report);
      server.close().then(
        () => process.exit(),
        (error) => {
          throw error;
        },
      );
    }
  }
});
// The orchestrator is gone: nothing else would end this process.
process.on("disconnect", () => process.exit());
