// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { files, root, run, unlessBuilt } from "./build.mjs";

const modules = join(root, "interop");
const cache = join(modules, ".cache");
const suffix = process.platform === "win32" ? ".exe" : "";

/**
 * Builds Go programs of a module below `interop/` into `interop/.cache`, unless they are there already; go.sum pins every
 * module that goes into them. `packages` says where each program is in the module, by its name. Gives their paths.
 */
export async function buildGoTools(folder, packages) {
  const module = join(modules, folder);
  const needs = needsOf(folder);
  const names = Object.keys(packages);
  const paths = Object.fromEntries(names.map((name) => [name, join(cache, name + suffix)]));
  const what = {
    inputs: files(module).filter((file) => /\.go$|[/\\]go\.(?:mod|sum)$/.test(file)),
    outputs: Object.values(paths),
    stamp: join(cache, `${names.join("-")}.stamp`),
  };
  await unlessBuilt(what, async () => {
    mkdirSync(cache, { recursive: true });
    await run(needs, ["go", "version"], { cwd: module });
    for (const name of names) {
      const flags = ["-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", paths[name]];
      await run(needs, ["go", "build", ...flags, packages[name]], { cwd: module });
    }
  });
  return paths;
}

/** The version of Go that builds a module below `interop/`, as `1.26.0`. */
export async function goVersion(folder) {
  const said = await run(needsOf(folder), ["go", "env", "GOVERSION"], { cwd: join(modules, folder) });
  return said.replace(/^go/, "");
}

/** The folder of a Go module that a module below `interop/` requires, downloaded if need be. */
export async function goModuleFolder(folder, module) {
  const said = await run(needsOf(folder), ["go", "mod", "download", "-json", module], {
    cwd: join(modules, folder),
  });
  const [, path] = /"Dir": (".*")/.exec(said) ?? [];
  if (path === undefined) throw new Error(`${module} has no folder: ${said}`);
  return JSON.parse(path);
}

function needsOf(folder) {
  return `interop/${folder} needs Go 1.24 or newer`;
}
