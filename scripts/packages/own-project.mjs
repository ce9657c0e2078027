// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { runNode, runNpm } from "./child.mjs";

const document = "docs/packages.md";
const files = ["package.json", "tsconfig.json", "buf.gen.yaml", "proto/echo.proto", "src/main.ts"];
const typesWithoutDom = "src/headers.d.ts";

/**
 * Makes the project that docs/packages.md tells a user to make, from its blocks alone, and does there what it says: installs,
 * generates, compiles, runs. Also with the types that it gives for a `lib` without DOM.
 */
export async function runOwnProject(folder, tarballs) {
  const texts = blocks();
  for (const path of files) write(join(folder, path), texts.get(path));
  mkdirSync(join(folder, "vendor"));
  for (const tarball of tarballs.values()) copyFileSync(tarball, join(folder, "vendor", basename(tarball)));
  const npm = (...args) => runNpm([...args, "--silent"], { cwd: folder });
  await npm("install", "--no-audit", "--no-fund");
  await npm("run", "generate");
  await npm("run", "types");
  const { stdout, stderr } = await npm("start");
  if (stdout !== texts.get("prints") || stderr !== "")
    throw new Error(`it prints\n${stdout}${stderr}\nand ${document} says\n${texts.get("prints")}`);
  write(join(folder, typesWithoutDom), texts.get(typesWithoutDom));
  await runNode(["node_modules/typescript/bin/tsc", "--noEmit", "--lib", "es2023"], { cwd: folder });
}

/** The blocks of the section, by the path that stands before each; what the program prints is under `prints`. */
function blocks() {
  const section = readFileSync(document, "utf8")
    .split("\n## In a project of your own\n")[1]
    .split("\n## ")[0];
  const found = new Map();
  for (const [, said, text] of section.matchAll(/(?:^|\n\n)([^`\n]*`.*)\n\n```\w+\n([\s\S]*?)^```$/gm)) {
    const path = /`([\w./-]+\.\w+)`[^`]*$/.exec(said)?.[1];
    found.set(said.endsWith(" prints") ? "prints" : path, text);
  }
  for (const name of [...files, typesWithoutDom, "prints"])
    if (!found.has(name)) throw new Error(`${document} has no block for ${name}`);
  return found;
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
