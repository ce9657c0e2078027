// SPDX-License-Identifier: Apache-2.0
// compare.ts GO-PROGRAM LISTS SEED: see ../README.md
import { Random } from "./codec.js";
import { GoCodec } from "./go-codec.js";
import { brokenBlocks, goToOurs, oursToGo } from "./with-go.js";
import { oursAndNode } from "./with-node.js";

const [program = "", lists = "", seedText = ""] = process.argv.slice(2);
const count = Number(lists);
const seed = Number(seedText);
const go = new GoCodec(program);

try {
  await leg("ours -> Go", () => oursToGo(go, new Random(seed), count));
  await leg("Go -> ours", () => goToOurs(go, new Random(seed + 1), count));
  await leg("ours -> node:http2 -> ours", () => oursAndNode(new Random(seed + 2), count));
  await leg("broken blocks, ours and Go", async () => {
    const { bothAccept, bothRefuse, tolerated } = await brokenBlocks(go, new Random(seed + 3), count);
    return `${bothRefuse} refused by both, ${bothAccept} read alike, ${tolerated} differ by known rules`;
  });
  console.log(`hpack: ${count} lists each way, with Go and with node:http2, all agree (seed ${seed})`);
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  console.log(`hpack: FAILED; the same again: npm run hpack -- --lists ${count} --seed ${seed}`);
  process.exitCode = 1;
}
go.end();

async function leg(name: string, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  const more = await run();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${name}: ${count} in ${seconds} s${typeof more === "string" ? `, ${more}` : ""}`);
}
