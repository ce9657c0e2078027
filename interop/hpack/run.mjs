// SPDX-License-Identifier: Apache-2.0
// node interop/hpack/run.mjs [--lists N] [--seed S]: see ../README.md
import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { buildGoTools } from "../rig/go-tools.mjs";
import { spawnOptions } from "../rig/peers.mjs";

const { values: options } = parseArgs({
  options: { lists: { type: "string", default: "100000" }, seed: { type: "string", default: "7541" } },
});

try {
  const { "hpack-go": go } = await buildGoTools("hpack/go", { "hpack-go": "." });
  const { lists, seed } = options;
  if (!(Number(lists) > 0) || !Number.isInteger(Number(seed)))
    throw new Error(`--lists ${lists} --seed ${seed}: give two numbers`);
  const tristream = ["--conditions=@tristream/source", "--import", "tsx"];
  const args = [...tristream, "interop/hpack/compare.ts", go, lists, seed];
  const child = spawn(process.execPath, args, { ...spawnOptions, stdio: "inherit" });
  process.on("exit", () => child.kill());
  const [code] = await once(child, "close");
  process.exitCode = code ?? 1;
} catch (error) {
  console.log(`hpack: FAILED: ${error.message}`);
  process.exitCode = 1;
}
