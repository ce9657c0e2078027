// SPDX-License-Identifier: Apache-2.0
// Makes of every package and of gen/ what npm would publish: dist/, from nothing, since `tsc -b` alone would keep the output of
// deleted sources, and the licence, since npm packs nothing from above a package's folder.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const packages = readdirSync("packages").map((name) => join("packages", name));
const projects = [...packages, "gen"].filter((folder) => existsSync(join(folder, "tsconfig.json")));
for (const project of projects) {
  rmSync(join(project, "dist"), { recursive: true, force: true });
  copyFileSync("LICENSE", join(project, "LICENSE"));
}

const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b", ...projects], {
  stdio: "inherit",
});
if (status === 0) console.log(`built ${projects.map((project) => join(project, "dist")).join(", ")}`);
process.exit(status ?? 1);
