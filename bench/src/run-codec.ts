// SPDX-License-Identifier: Apache-2.0
// npm run bench:codec [-- --rounds N]: builds, as the bench does, and measures the codec alone.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildChildren, buildPackages, childFolder } from "./build.js";
import { describeMachine } from "./machine.js";

buildPackages();
await buildChildren();
const { node, cores, cpu, versions } = describeMachine();
console.log(
  `Node ${node}, ${cores} x ${cpu}, protobuf-es ${versions["@bufbuild/protobuf"]}; nanoseconds, medians\n`,
);
const script = fileURLToPath(new URL("codec.js", childFolder()));
const { status } = spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = status ?? 1;
