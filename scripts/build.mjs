// SPDX-License-Identifier: Apache-2.0
// Builds dist/ of every package and of gen/, from nothing: `tsc -b` alone would keep the output of deleted sources.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const packages = readdirSync("packages").map((name) => join("packages", name));
const projects = [...packages, "gen"].filter((folder) => existsSync(join(folder, "tsconfig.json")));
for (const project of projects) rmSync(join(project, "dist"), { recursive: true, force: true });

const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b", ...projects], {
  stdio: "inherit",
});
process.exit(status ?? 1);
