// SPDX-License-Identifier: Apache-2.0
// Generates gen/ from proto/, the bench's own and those that the codec is tested with. All code is generated into a temporary folder
// first: a schema with a fault leaves the committed code as it was. With --check the script writes nothing, and fails when the committed
// code is not what the schemas give.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** What is generated: from which schemas, into which folder, by which arguments of `buf generate`. */
const trees = [
  { from: "proto", into: "gen", args: [] },
  {
    from: "bench/proto",
    into: "bench/gen",
    args: ["bench/proto", "--template", "bench/buf.gen.yaml"],
  },
  {
    from: "packages/codec/tests/proto",
    into: "packages/codec/tests/gen",
    args: ["packages/codec/tests/proto", "--template", "packages/codec/tests/buf.gen.yaml"],
  },
  {
    from: "packages/services/proto",
    into: "packages/services/src/schemas",
    args: ["packages/services/proto", "--template", "packages/services/buf.gen.yaml"],
  },
];

const check = process.argv.includes("--check");
const out = mkdtempSync(join(tmpdir(), "tristream-gen-"));
try {
  if (check) buf("lint");
  for (const { args } of trees) buf("generate", ...args, "--output", out);
  for (const { from, into } of trees) {
    const fresh = generatedFiles(join(out, into));
    if (check) compare(from, into, fresh);
    else replace(into, fresh);
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

/** Fails if the committed files are not those that the schemas give. */
function compare(from, into, fresh) {
  const problems = differences(into, generatedFiles(into), fresh);
  if (problems.length === 0) return;
  fail(
    `${into}/ is not what ${from}/ gives: run \`npm run generate\` and commit the result\n${problems.join("\n")}`,
  );
}

/** Writes the files that the schemas give, and removes those that no schema gives any more. */
function replace(into, fresh) {
  for (const path of generatedFiles(into).keys()) if (!fresh.has(path)) rmSync(join(into, path));
  for (const [path, text] of fresh) {
    mkdirSync(dirname(join(into, path)), { recursive: true });
    writeFileSync(join(into, path), text);
    console.log(`${into}/${path}`);
  }
}

/** The generated files below a folder, as a map from path to text. */
function generatedFiles(folder) {
  const paths = readdirSync(folder, { recursive: true }).map((path) => path.replaceAll("\\", "/"));
  const generated = paths.filter((path) => path.endsWith("_pb.ts") && !/^(dist|node_modules)\//.test(path));
  return new Map(generated.sort().map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

function differences(into, committed, fresh) {
  const paths = [...new Set([...committed.keys(), ...fresh.keys()])].sort();
  return paths.flatMap((path) => {
    if (!fresh.has(path)) return [`  ${into}/${path} comes from no schema`];
    if (!committed.has(path)) return [`  ${into}/${path} is missing`];
    return committed.get(path) === fresh.get(path) ? [] : [`  ${into}/${path} differs`];
  });
}

function fail(message) {
  console.error(message);
  rmSync(out, { recursive: true, force: true });
  process.exit(1);
}
