// SPDX-License-Identifier: Apache-2.0
// npm run layers -- --write | --check
//
// Writes the rules for imports into biome.json, from the table in layers.mjs, or fails if they differ.
import { readFileSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { packages, programs } from "./layers.mjs";

const file = "biome.json";
const notTests = ["!**/*.test.ts", "!**/*.test-d.ts", "!packages/*/tests/**", "!packages/*/fuzz/**"];
const byPublishedName = {
  group: [...Object.keys(packages).map((name) => `**/../${name}/**`), "**/packages/**", "**/gen/**"],
  message: "import another package by its published name",
};

const { values } = parseArgs({ options: { write: { type: "boolean" }, check: { type: "boolean" } } });
if (values.write === values.check) fail("say --write or --check");
const config = JSON.parse(readFileSync(file, "utf8"));
const others = config.overrides.filter((override) => restrictedImports(override) === undefined);
const overrides = [
  ...others,
  ...Object.entries(packages).flatMap(packageRules),
  ...programs.map(programRule),
];
if (values.write) writeFileSync(file, `${JSON.stringify({ ...config, overrides }, null, 2)}\n`);
else if (!isDeepStrictEqual(config.overrides, overrides))
  fail(`${file} differs from scripts/layers/layers.mjs: npm run layers -- --write && npm run format`);

function packageRules([name, { node = false, imports, folders = {}, files = {} }]) {
  const outside = node
    ? ["@tristream/*", "@tristream/*/**", ...allowed(imports)]
    : ["*", "*/**", "@*/**", "!./**", "!../**", ...allowed(imports)];
  const message = `${name} imports ${only(imports)}${node ? " of this project" : ""}`;
  const patterns = [{ group: outside, message }, byPublishedName];
  const correctness = { ...(node ? {} : { noNodejsModules: "error" }), noUndeclaredDependencies: "error" };
  return [
    rule([`packages/${name}/**`, ...notTests], patterns, correctness),
    ...Object.entries(files).map(([path, more]) =>
      rule(
        [`packages/${name}/src/${path}`],
        [{ group: [...outside, ...allowed(more)], message }, byPublishedName],
      ),
    ),
    ...Object.entries(folders).map(([folder, inside]) => {
      const refused = Object.keys(folders).filter((other) => other !== folder && !inside.includes(other));
      const group = [...refused.map((other) => `**/../${other}/**`), "**/../index.js"];
      return rule(
        [`packages/${name}/src/${folder}/**`, ...notTests],
        [...patterns, { group, message: `${name}'s ${folder}/ imports ${only(inside)} of ${name}` }],
      );
    }),
  ];
}

function programRule(name) {
  const group = ["**/packages/**", "@tristream/*/src/**", "@tristream/*/dist/**"];
  // The benchmarks have schemas of their own.
  if (name !== "bench") group.push("**/../gen/**");
  const others = programs.filter((other) => other !== name && other !== "wire");
  const apart = {
    group: others.map((other) => `**/../${other}/**`),
    message: "programs share only what is in wire/",
  };
  return rule([`${name}/**`], [{ group, message: "use published package names" }, apart]);
}

function rule(includes, patterns, correctness) {
  const style = { noRestrictedImports: { level: "error", options: { patterns } } };
  return { includes, linter: { rules: { style, ...(correctness && { correctness }) } } };
}

function restrictedImports(override) {
  return override.linter?.rules?.style?.noRestrictedImports;
}

function allowed(names) {
  return names.map((name) => `!${name}`);
}

function only(names) {
  const named = names.filter((name) => !name.endsWith("/**"));
  return named.length === 0 ? "nothing" : `only ${named.join(", ")}`;
}

function fail(message) {
  console.error(`layers: ${message}`);
  process.exit(1);
}
