// SPDX-License-Identifier: Apache-2.0
// A test that can't fail is worth nothing: takes away, one at a time, the lines that each promise's test names in its header,
// and expects that test to turn red. `npm run mutants [-- --only TEXT] [-- --jobs N] [-- --write] [-- --list]`;
// `--write` renews the results of those that ran in docs/mutants.md; `--list` runs nothing, and with `--write` renews the list.
//
// A test file names its mutants in comments:
//   // Mutant: core/src/engine/call/client-call.ts # this.stream.reset("canceled");
//   // Mutant: http2/src/streams/stream.ts # if (this.closed) return; => if (false) return;
// The text is taken out of the file, or replaced by what stands behind `=>`. It has to occur there exactly once.
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));
const report = join(root, "docs/mutants.md");
const [begin, end] = ["<!-- mutants -->", "<!-- /mutants -->"];
/** How long a test may take without any mutant. */
const cleanLimitMs = 300_000;
/** A mutant that makes a test wait for ever is found, too: it is said after this, and three times what the test takes without it. */
const hungAfterMs = 15_000;
/** For one test of a file, with a mutant: jest's own limit is generous, and many tests of a file may wait for the same. */
const testTimeoutMs = 10_000;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    jobs: { type: "string", default: "4" },
    write: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

/** All mutants that test files name. */
function findMutants() {
  const files = execFileSync(
    "git",
    [
      "ls-files",
      "--cached",
      "--others",
      "--exclude-standard",
      "packages/*/tests/*.test.ts",
      "packages/*/src/*.test.ts",
    ],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  const mutants = [];
  for (const test of files.split("\n").filter((name) => name !== "")) {
    const text = readFileSync(join(root, test), "utf8");
    const promise = /^\/\/ (Promise \d+)/m.exec(text)?.[1] ?? "";
    for (const [, path, code, replacement = ""] of text.matchAll(
      /^\/\/ Mutant: (\S+) # (.+?)(?: => (.*))?$/gm,
    )) {
      mutants.push({ test, promise, path: `packages/${path}`, code, replacement });
    }
  }
  return mutants;
}

/** A copy of the working tree with its own links between the packages, so that nobody else sees the mutants. */
function copyTree() {
  const folder = mkdtempSync(join(tmpdir(), "tristream-mutants-"));
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const file of files.split("\n")) {
    if (file === "" || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  mkdirSync(join(folder, "node_modules/@tristream"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "@tristream")
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  for (const name of ["codec", "core", "http2", "node", "testing"]) {
    symlinkSync(join(folder, "packages", name), join(folder, "node_modules/@tristream", name));
  }
  symlinkSync(join(folder, "gen"), join(folder, "node_modules/@tristream/gen"));
  return folder;
}

/** Runs one test file; how it ended: "green", "red", "broken" (it could not even run) or "hung", with its output. */
function runTest(folder, test, limitMs, ...more) {
  return new Promise((resolve) => {
    const jest = [
      "--experimental-vm-modules",
      "--disable-warning=ExperimentalWarning",
      "node_modules/jest/bin/jest.js",
    ];
    const child = spawn(
      process.execPath,
      [...jest, "--bail", "--forceExit", "--cacheDirectory", join(folder, ".jest"), ...more, test],
      {
        cwd: folder,
        // Some mutants are found over sockets only.
        env: {
          ...process.env,
          CI: "true",
          NO_COLOR: "1",
          FORCE_COLOR: undefined,
          TRISTREAM_LINKS: "all",
        },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      process.kill(-child.pid, "SIGKILL");
    }, limitMs);
    child.on("close", (code) => {
      clearTimeout(timer);
      // A test that fails by a mutant may leave something open, which the environment reports as a suite that did not run.
      const leftOpen = /left open when the last test was over/.test(output);
      const broken =
        (/Test suite failed to run/.test(output) && !leftOpen) || !/\d+ (passed|failed)/.test(output);
      resolve({ how: hung ? "hung" : code === 0 ? "green" : broken ? "broken" : "red", output });
    });
  });
}

/** The tests that failed, for the report. */
function failedTests(output) {
  return new Set([...output.matchAll(/^ {2}● (.+)$/gm)].map(([, name]) => name)).size;
}

/** Writes the report. A row without `how` keeps the result that the report has for it. */
function writeReport(rows) {
  const text = readFileSync(report, "utf8");
  const recorded = new Map();
  for (const line of text.split("\n")) {
    const cells = line.split(/(?<!\\)\|/).map((each) => each.trim());
    if (cells.length === 6) recorded.set(keyOf(cells.slice(1, 4)), cells[4]);
  }
  const cell = (text) => `\`${text.replaceAll("|", "\\|")}\``;
  const table = [
    "| promise | test | what is taken out | result |",
    "| --- | --- | --- | --- |",
    ...rows.map((r) => {
      const what = `${cell(r.code)}${r.replacement === "" ? "" : ` (${cell(r.replacement)} instead)`} of ${r.path.replace("packages/", "")}`;
      const cells = [r.promise, r.test.replace("packages/", ""), what];
      return `| ${[...cells, r.how ?? recorded.get(keyOf(cells)) ?? "not recorded"].join(" | ")} |`;
    }),
  ].join("\n");
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  writeFileSync(report, `${text.slice(0, before + begin.length)}\n\n${table}\n\n${text.slice(after)}`);
}

/** The key of a row of the report: all cells but the result. */
function keyOf(cells) {
  return cells.map((each) => each.trim()).join(" | ");
}

const all = findMutants();
const mutants = all.filter((m) => options.only === undefined || `${m.test} ${m.path}`.includes(options.only));
if (mutants.length === 0) {
  console.error(
    "no test names a mutant" +
      (options.only === undefined ? "" : ` that ${JSON.stringify(options.only)} is in`),
  );
  process.exit(1);
}
if (options.list) {
  for (const mutant of mutants) console.log(`${mutant.test}: ${mutant.path} # ${mutant.code}`);
  if (options.write) writeReport(all);
  process.exit(0);
}
const jobs = Number(options.jobs);
if (!Number.isInteger(jobs) || jobs < 1 || jobs > 16) {
  console.error(`--jobs ${JSON.stringify(options.jobs)} is no number from 1 to 16`);
  process.exit(1);
}
const problems = [];
const folders = Array.from({ length: jobs }, copyTree);
const rows = new Array(mutants.length);

/** Has each folder work on what is left of a list. */
async function inEachFolder(list, work) {
  let next = 0;
  const worker = async (folder) => {
    while (next < list.length) {
      const i = next++;
      await work(folder, list[i], i);
    }
  };
  await Promise.all(folders.map(worker));
}

/** How long each test takes as it is, in milliseconds. */
const clean = new Map();

async function runClean(folder, test) {
  const start = performance.now();
  const { how, output } = await runTest(folder, test, cleanLimitMs);
  clean.set(test, performance.now() - start);
  if (how !== "green") problems.push(`${test} is ${how} without any mutant:\n${output.slice(-3000)}`);
}

let done = 0;

async function runMutant(folder, mutant, i) {
  const file = join(folder, mutant.path);
  const where = `${mutant.path} # ${mutant.code}`;
  const source = existsSync(file) ? readFileSync(file, "utf8") : "";
  const places = source.split(mutant.code).length - 1;
  if (places !== 1) {
    problems.push(`${mutant.test} names ${where}: it is there ${places} times, once is needed`);
    return;
  }
  writeFileSync(
    file,
    source.replace(mutant.code, () => mutant.replacement),
  );
  const limit = hungAfterMs + 3 * clean.get(mutant.test);
  const { how, output } = await runTest(folder, mutant.test, limit, "--testTimeout", String(testTimeoutMs));
  writeFileSync(file, source);
  if (how === "green") problems.push(`${mutant.test} stays green without ${where}`);
  if (how === "broken")
    problems.push(`${where} can't be taken out: what is left does not run\n${output.slice(-1500)}`);
  rows[i] = { ...mutant, how: how === "red" ? `${failedTests(output)} red` : how };
  console.log(`${++done}/${mutants.length} ${how.padEnd(6)} ${where}`);
}

try {
  await inEachFolder([...new Set(mutants.map((m) => m.test))], runClean);
  if (problems.length === 0) await inEachFolder(mutants, runMutant);
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

if (options.write) {
  const ran = new Map(mutants.map((mutant, i) => [mutant, rows[i]]));
  writeReport(all.map((mutant) => ran.get(mutant) ?? mutant));
}
for (const problem of problems) console.error(`\n${problem}`);
console.log(
  `${mutants.length} mutants, ${rows.filter((r) => r !== undefined && r.how !== "green" && r.how !== "broken").length} found, ${problems.length} problems`,
);
process.exit(problems.length === 0 ? 0 : 1);
