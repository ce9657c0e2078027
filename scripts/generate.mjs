// SPDX-License-Identifier: Apache-2.0
// Generates gen/ from proto/. With --check it writes nothing and fails when gen/ is not what proto/ gives.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const check = process.argv.includes("--check");
const out = mkdtempSync(join(tmpdir(), "tristream-gen-"));
try {
  if (check) {
    buf("lint");
    buf("generate", "--output", out);
    const problems = differences(generatedFiles("gen"), generatedFiles(join(out, "gen")));
    if (problems.length > 0)
      fail(
        `gen/ is not what proto/ gives: run \`npm run generate\` and commit the result\n${problems.join("\n")}`,
      );
  } else {
    for (const path of generatedFiles("gen").keys()) rmSync(join("gen", path));
    buf("generate");
    for (const path of generatedFiles("gen").keys()) console.log(`gen/${path}`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

function buf(...args) {
  const { status, error } = spawnSync(process.execPath, ["node_modules/@bufbuild/buf/bin/buf", ...args], {
    stdio: "inherit",
  });
  if (status !== 0) fail(`buf ${args[0]} failed${error ? `: ${error.message}` : ""}`);
}

/** The generated files below a folder, as a map from path to text. */
function generatedFiles(folder) {
  const paths = readdirSync(folder, { recursive: true }).map((path) => path.replaceAll("\\", "/"));
  const generated = paths.filter((path) => path.endsWith("_pb.ts") && !/^(dist|node_modules)\//.test(path));
  return new Map(generated.sort().map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

function differences(committed, fresh) {
  const paths = [...new Set([...committed.keys(), ...fresh.keys()])].sort();
  return paths.flatMap((path) => {
    if (!fresh.has(path)) return [`  gen/${path} comes from no schema`];
    if (!committed.has(path)) return [`  gen/${path} is missing`];
    return committed.get(path) === fresh.get(path) ? [] : [`  gen/${path} differs`];
  });
}

function fail(message) {
  console.error(message);
  rmSync(out, { recursive: true, force: true });
  process.exit(1);
}
