// SPDX-License-Identifier: Apache-2.0
// run.ts [--write] [--only LIBRARY]: runs every situation with every library, and compares what it sees with the table in
// docs/what-happens-when.md, or writes that. A difference in our own column is a failure, one in another is told.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Library, type LibraryName, libraryNames, loadLibrary } from "./library.js";
import type { Observation, Situation } from "./situation.js";
import { situations } from "./situations.js";
import { cell, compare, format, type Row, withTable } from "./table.js";

const { values: options } = parseArgs({
  options: { write: { type: "boolean", default: false }, only: { type: "string" } },
});
const path = fileURLToPath(new URL("../../docs/what-happens-when.md", import.meta.url));

const chosen = libraryNames.filter((name) => options.only === undefined || options.only === name);
if (chosen.length === 0) throw new Error(`no library "${options.only}": ${libraryNames.join(", ")}`);
const libraries = await Promise.all(chosen.map((name: LibraryName) => loadLibrary(name)));

/** Errors that a library leaves unhandled, which by default ends the process: its cell says so. */
const uncaught: unknown[] = [];
process.on("unhandledRejection", (error) => uncaught.push(error));
process.on("uncaughtException", (error) => uncaught.push(error));
// Libraries tell there what the cells say.
console.error = () => {};

const rows: Row[] = [];
for (const situation of situations) {
  console.log(situation.when);
  const cells: Observation[] = [];
  for (const library of libraries) {
    const seen = await observe(situation, library);
    console.log(`  ${library.name}: ${cell(seen)}`);
    cells.push(seen);
  }
  rows.push({ situation, cells });
}
process.exitCode = options.only === undefined ? await conclude() : 0;
// Some libraries leave timers and sockets: that is what this is about.
process.exit();

async function observe(situation: Situation, library: Library): Promise<Observation> {
  uncaught.length = 0;
  let seen: Observation;
  try {
    seen = await situation.observe(library);
  } catch (error) {
    seen = { good: false, saw: `the probe fails: ${String(error)}` };
  }
  await new Promise((resolve) => setImmediate(resolve));
  const [error] = uncaught;
  if (error === undefined) return seen;
  const what = error instanceof Error ? error.name : String(error);
  return { good: false, saw: `${seen.saw}; an uncaught ${what}, which ends a process` };
}

async function conclude(): Promise<number> {
  const document = await readFile(path, "utf8");
  const differences = compare(document, rows);
  if (options.write) {
    await writeFile(path, withTable(document, format(rows)));
    console.log(`\n${path} written: ${differences.length} cells changed`);
    return 0;
  }
  for (const { library, when, documented, seen } of differences.slice(0, 10))
    console.log(`\n${library}, ${when}\n  documented: ${documented}\n  seen:       ${seen}`);
  for (const link of deadLinks(document)) console.log(`\nthe document names ${link}, which is not there`);
  const ours =
    differences.filter(({ library }) => library === "tristream").length + deadLinks(document).length;
  const others = differences.filter(({ library }) => library !== "tristream").length;
  console.log(
    `\nwhat-happens: ${ours === 0 ? "ok" : `FAILED, ${ours} of our cells or links are wrong`}; other libraries: ${others === 0 ? "as documented" : `${others} cells differ, see --write`}`,
  );
  return ours === 0 ? 0 : 1;
}

/** Files that the document names and that are not there. */
function deadLinks(document: string): string[] {
  const links = [...document.matchAll(/\]\((\.{0,2}[^)#:]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => !existsSync(resolve(dirname(path), link)));
}
