// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What is wrong with one package as it was unpacked into `folder`: a line for each thing. */
export function contentProblems({ name, own, dependencies, peers }, folder, root) {
  const manifest = readJson(join(folder, "package.json"));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    );
  const ours = Object.fromEntries(own.map((each) => [each, root.version]));
  return [
    ...manifestProblems(manifest, root),
    ...listProblems("dependencies", manifest.dependencies, { ...dependencies, ...ours }),
    ...listProblems("peerDependencies", manifest.peerDependencies, peers),
    ...listProblems("optionalDependencies", manifest.optionalDependencies, {}),
    ...fileProblems(folder, files),
  ].map((problem) => `${name}: ${problem}`);
}

/** Packages that npm would run a script of when it installs what `lockFile` lists. */
export function installScripts(lockFile) {
  const { packages } = readJson(lockFile);
  return Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => `${path} has an install script`);
}

/** Modules that run when they are loaded: without this list, bundlers would drop the runtime's `AsyncResource`. */
const contextModules = ["src/index.ts", "src/async-context.ts", "dist/index.js", "dist/async-context.js"];

function manifestProblems(manifest, root) {
  const problems = [];
  const providesContext = ["@tristream/node", "@tristream/testing"].includes(manifest.name);
  const sideEffects = providesContext ? contextModules.map((path) => `./${path}`) : false;
  const wanted = { version: root.version, license: root.license, type: "module", sideEffects };
  for (const [field, value] of Object.entries(wanted)) {
    if (JSON.stringify(manifest[field]) !== JSON.stringify(value))
      problems.push(`${field} is ${JSON.stringify(manifest[field])}: it should be ${JSON.stringify(value)}`);
  }
  if (manifest.engines?.node !== root.engines.node)
    problems.push(
      `engines.node is ${JSON.stringify(manifest.engines?.node)}, the root's ${root.engines.node}`,
    );
  for (const field of ["description", "keywords", "exports", "files"]) {
    if (manifest[field] === undefined) problems.push(`${field} is missing`);
  }
  // None of any kind: what a user installs runs nothing.
  for (const field of ["scripts", "gypfile", "bin", "bundleDependencies", "bundledDependencies"]) {
    if (manifest[field] !== undefined)
      problems.push(`it has ${field} ${JSON.stringify(manifest[field])}: remove it`);
  }
  return problems;
}

function listProblems(field, seen = {}, wanted) {
  const names = [...new Set([...Object.keys(seen), ...Object.keys(wanted)])].sort();
  return names
    .filter((name) => seen[name] !== wanted[name])
    .map(
      (name) =>
        `${field} has ${name} ${seen[name] ?? "(absent)"}, scripts/packages/published.mjs says ${wanted[name] ?? "(absent)"}`,
    );
}

function fileProblems(folder, files) {
  const problems = [];
  if (!files.includes("README.md")) problems.push("README.md is missing");
  if (!files.includes("LICENSE")) problems.push("LICENSE is missing: `npm run build` copies it");
  else if (readFileSync(join(folder, "LICENSE"), "utf8") !== readFileSync("LICENSE", "utf8"))
    problems.push("LICENSE is not the root's");
  const stray = /\.test(?:-d)?\.|\.tsbuildinfo$|(?:^|\/)tests\/|(?:^|\/)tsconfig|^binding\.gyp$|(?:^|\/)\./;
  for (const file of files.filter((each) => stray.test(each)))
    problems.push(`${file} should not be published`);
  const modules = files.filter((file) => /^dist\/.*\.js$/.test(file));
  if (modules.length === 0) problems.push("dist/ has no modules: run `npm run build`");
  for (const file of modules) {
    const beside = [`${file}.map`, file.replace(/\.js$/, ".d.ts"), file.replace(/\.js$/, ".d.ts.map")];
    for (const each of beside) if (!files.includes(each)) problems.push(`${each} is missing`);
  }
  for (const file of files.filter((each) => each.endsWith(".map")))
    problems.push(...mapProblems(folder, file));
  return problems;
}

/** A map is of use if the sources it names came with it. */
function mapProblems(folder, file) {
  const { sources, sourceRoot = "" } = readJson(join(folder, file));
  const mapped = file.replace(/\.map$/, "");
  const problems = sources
    .filter((source) => !existsSync(join(folder, dirname(file), sourceRoot, source)))
    .map((source) => `${file} names ${source}, which is not published`);
  if (!readFileSync(join(folder, mapped), "utf8").includes("//# sourceMappingURL="))
    problems.push(`${mapped} does not name its source map`);
  return problems;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
