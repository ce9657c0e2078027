// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { runNode, runNpm } from "./child.mjs";
import { published } from "./published.mjs";

const sample = ["client.ts", "greet-all.ts", "greeter.ts", "printable.ts", "run-or-explain.ts", "server.ts"];
/** Without the two programs: they await at the top level, which CommonJS has not. */
const sampleModules = ["greet-all.ts", "greeter.ts", "printable.ts"];

/** Packs every package into `folder`; returns a map from name to tarball. */
export async function pack(folder) {
  mkdirSync(folder, { recursive: true });
  const workspaces = published.flatMap((each) => ["--workspace", each.folder]);
  await runNpm(["pack", ...workspaces, "--pack-destination", folder, "--ignore-scripts"]);
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  return new Map(
    published.map(({ name }) => [
      name,
      join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`),
    ]),
  );
}

/** Makes a project as a user has it, outside of the repository, with nothing but the tarballs and what they depend on. */
export async function install(folder, tarballs) {
  mkdirSync(folder, { recursive: true });
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  writeJson(join(folder, "package.json"), { name: "of-a-user", private: true, type: "module" });
  const beside = ["@bufbuild/protobuf", "@types/node"].map((name) => `${name}@${devDependencies[name]}`);
  await runNpm(["install", "--no-audit", "--no-fund", ...tarballs.values(), ...beside], { cwd: folder });
}

/** Where a package is unpacked. */
export function installedFolder(project, name) {
  return join(project, "node_modules", name);
}

/**
 * Writes the sample into the project, as an ES module and as CommonJS, and the examples of the packages' READMEs, and
 * compiles all of it against the published types, those of the dependencies too. Returns the examples.
 */
export async function writePrograms(project) {
  const esm = folderOf(project, "esm", "module");
  for (const name of sample) copyFileSync(join("samples/greet", name), join(esm, name));
  const cjs = folderOf(project, "require", "commonjs");
  for (const name of sampleModules) copyFileSync(join("samples/greet", name), join(cjs, name));
  for (const name of ["client.cjs", "server.cjs"])
    copyFileSync(join("scripts/packages/require", name), join(cjs, name));
  const readme = folderOf(project, "readme", "module");
  const examples = published.map(({ name }) => exampleOf(project, name));
  for (const { file, code } of examples) writeFileSync(join(readme, file), code);
  writeJson(join(project, "tsconfig.json"), {
    // As `tsc --init` has it, and nothing for the packages' sake.
    compilerOptions: { strict: true, target: "es2022", module: "nodenext", types: ["node"] },
    include: ["esm", "require", "readme"],
  });
  await runNode(["node_modules/typescript/bin/tsc", "-p", project]);
  return examples.map(({ name, file, prints }) => ({
    name,
    file: join(readme, file.replace(/\.ts$/, ".js")),
    prints,
  }));
}

/** The one example in a package's README, and what it says that the example prints. */
function exampleOf(project, name) {
  const readme = readFileSync(join(installedFolder(project, name), "README.md"), "utf8");
  const blocks = (language) =>
    [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
      .filter((match) => match[1] === language)
      .map((match) => match[2]);
  const [codes, prints] = [blocks("ts"), blocks("text")];
  if (codes.length !== 1 || prints.length !== 1) {
    throw new Error(
      `${name}: README.md has ${codes.length} ts blocks and ${prints.length} text blocks: write one example and what it prints`,
    );
  }
  return { name, file: `${basename(name)}.ts`, code: codes[0], prints: prints[0] };
}

function folderOf(project, name, type) {
  const folder = join(project, name);
  mkdirSync(folder);
  writeJson(join(folder, "package.json"), { private: true, type });
  return folder;
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
