// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The checkout that this file belongs to. */
export const thisCheckout = new URL("../../", import.meta.url);

/** Where the children of a checkout are, as plain JavaScript. */
export function childFolder(checkout: URL = thisCheckout): URL {
  return new URL("bench/.cache/", checkout);
}

/** Builds the packages by the checkout's own build, so that tristream is measured as it would be published. */
export function buildPackages(checkout: URL = thisCheckout): void {
  // By its name in package.json: an older checkout has the script elsewhere. stdout is for the result.
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    cwd: fileURLToPath(checkout),
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0)
    throw new Error(
      "the packages could not be built: mend that, or use --no-build for the dist that is there",
    );
}

/** Throws when the packages have never been built. */
export function requireDist(): void {
  if (!existsSync(new URL("packages/node/dist/index.js", thisCheckout))) {
    throw new Error('packages/node has no dist: run "npm run build", or leave tristream out with --peer');
  }
}

/**
 * Transpiles the children of this checkout, for the libraries of `checkout`: they stay outside and are found as an
 * application finds them.
 */
export async function buildChildren(checkout: URL = thisCheckout): Promise<void> {
  await build({
    entryPoints: ["src/server.ts", "src/client.ts", "src/codec.ts", "src/idle.ts"],
    absWorkingDir: fileURLToPath(new URL("bench/", thisCheckout)),
    outdir: fileURLToPath(childFolder(checkout)),
    bundle: true,
    splitting: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
}
