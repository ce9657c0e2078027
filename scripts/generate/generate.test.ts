// SPDX-License-Identifier: Apache-2.0
// `npm run generate`, run in a copy of the schemas and of the generated code.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";

/** The folders of schemas and of generated code that the script names, so that a new tree is copied, too. */
const source = readFileSync("scripts/generate/run.mjs", "utf8");
const pathsOf = (name: string): string[] =>
  [...source.matchAll(new RegExp(`\\b${name}: "([^"]+)"`, "g"))].map(([, path]) => path!);
const trees = pathsOf("into");
const templates = [...source.matchAll(/"--template", "([^"]+)"/g)].map(([, path]) => path!);
const copied = ["buf.yaml", "buf.gen.yaml", ...pathsOf("from"), ...trees, ...templates];
const script = resolve("scripts/generate/run.mjs");

interface Copy extends Disposable {
  readonly folder: string;
  /** Runs the script, and returns its exit code. */
  generate(...args: string[]): number | null;
  /** The generated files, as a map from path to text. */
  generated(): Map<string, string>;
}

function copy(): Copy {
  const folder = mkdtempSync(join(tmpdir(), "tristream-generate-"));
  for (const path of copied)
    cpSync(path, join(folder, path), {
      recursive: true,
      filter: (from) => !/[/\\](dist|node_modules)$/.test(from),
    });
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  return {
    folder,
    generate: (...args) =>
      spawnSync(process.execPath, [script, ...args], { cwd: folder, stdio: "ignore" }).status,
    generated() {
      const texts = new Map<string, string>();
      for (const tree of trees)
        for (const name of readdirSync(join(folder, tree), { recursive: true }).map(String).sort()) {
          const path = join(folder, tree, name);
          if (statSync(path).isFile()) texts.set(`${tree}/${name}`, readFileSync(path, "utf8"));
        }
      return texts;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

test.each(["proto/greet/greet.proto", "packages/codec/tests/proto/two.proto"])(
  "a fault in %s fails, and leaves all generated code as it was",
  (schema) => {
    using it = copy();
    const before = it.generated();
    expect(before.size).toBeGreaterThan(3);
    const path = join(it.folder, schema);
    writeFileSync(path, `${readFileSync(path, "utf8")}\nmessage Broken { NoSuchType field = 1; }\n`);
    expect(it.generate()).not.toBe(0);
    expect(it.generated()).toEqual(before);
  },
);

test("a new schema adds its file, a schema that is gone takes its file away, and the check says so", () => {
  using it = copy();
  const before = it.generated();
  const added = join(it.folder, "proto/added.proto");
  writeFileSync(added, 'syntax = "proto3";\n// A message.\nmessage Added {}\n');
  expect(it.generate("--check")).not.toBe(0);
  expect(it.generate()).toBe(0);
  expect([...it.generated().keys()].sort()).toEqual([...before.keys(), "gen/added_pb.ts"].sort());
  rmSync(added);
  expect(it.generate()).toBe(0);
  expect(it.generated()).toEqual(before);
});
