// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const benchFolder = new URL("../", import.meta.url);

/** Where the children are, as plain JavaScript. */
export const childFolder = new URL(".cache/", benchFolder);

/** Builds the packages by the repository's own build, so that tristream is measured as it would be published. */
export function buildPackages(): void {
  // stdout is for the result.
  const { status } = spawnSync(process.execPath, ["scripts/build.mjs"], {
    cwd: fileURLToPath(new URL("../", benchFolder)),
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0)
    throw new Error(
      "the packages could not be built: mend that, or use --no-build for the dist that is there",
    );
}

/** Throws when the packages have never been built. */
export function requireDist(): void {
  if (!existsSync(new URL("../packages/node/dist/index.js", benchFolder))) {
    throw new Error('packages/node has no dist: run "npm run build", or leave tristream out with --peer');
  }
}

/** Transpiles server.ts, client.ts and codec.ts; the libraries stay outside and are found as an application finds them. */
export async function buildChildren(): Promise<void> {
  await build({
    entryPoints: ["src/server.ts", "src/client.ts", "src/codec.ts"],
    absWorkingDir: fileURLToPath(benchFolder),
    outdir: fileURLToPath(childFolder),
    bundle: true,
    splitting: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
}
