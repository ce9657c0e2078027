// SPDX-License-Identifier: Apache-2.0
// Generates gen/ from proto/, the bench's own and those that the codec is tested with. With --check it writes nothing and fails
// when what is committed is not what the schemas give.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
];

const check = process.argv.includes("--check");
const out = mkdtempSync(join(tmpdir(), "tristream-gen-"));
try {
  if (check) buf("lint");
  for (const { from, into, args } of trees) {
    if (check) {
      buf("generate", ...args, "--output", out);
      const problems = differences(into, generatedFiles(into), generatedFiles(join(out, into)));
      if (problems.length > 0) {
        fail(
          `${into}/ is not what ${from}/ gives: run \`npm run generate\` and commit the result\n${problems.join("\n")}`,
        );
      }
    } else {
      for (const path of generatedFiles(into).keys()) rmSync(join(into, path));
      buf("generate", ...args);
      for (const path of generatedFiles(into).keys()) console.log(`${into}/${path}`);
    }
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
