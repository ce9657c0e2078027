// SPDX-License-Identifier: Apache-2.0
// node client.js PEER SCENARIO PORT SECONDS WARMUP: measures, prints one line of JSON and ends.
import { isPeerName, loadPeer, peerNames } from "./load-peer.js";
import { measure } from "./measure.js";
import { scenarios } from "./scenarios.js";

const [name, scenarioName, port, seconds, warmup] = process.argv.slice(2);
if (!isPeerName(name)) throw new Error(`peer "${name}" is unknown: use one of ${peerNames.join(", ")}`);
const scenario = scenarios.find((known) => known.name === scenarioName);
if (scenario === undefined) {
  throw new Error(
    `scenario "${scenarioName}" is unknown: use one of ${scenarios.map((s) => s.name).join(", ")}`,
  );
}

// The orchestrator is gone, or we have let it go: nothing is left to do.
process.on("disconnect", () => process.exit());

const client = await (await loadPeer(name)).connect(Number(port));
const duration = { seconds: Number(seconds), warmup: Number(warmup) };
const measurement = await measure(scenario, client, duration, (moment) => process.send?.(moment));
console.log(JSON.stringify(measurement));
await client.close();
process.disconnect?.();
