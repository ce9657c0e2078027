// SPDX-License-Identifier: Apache-2.0
// npm run test:nodes [-- 20.19 26] [-- --script packages] [-- --fresh]
//
// Runs the tests under every Node that is supported, or under those named: `npm test`, or another script of package.json. Each Node
// is the npm package that carries it, in .cache/nodes; `--fresh` gets the newest of each line again.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

/** The oldest that `engines` allows, and the lines that get fixes. */
const supported = ["20.19", "22", "24", "26"];
/** No suite takes as long; one that hangs is red, and the next one gets its turn. */
const limitMs = 20 * 60_000;

const { values: options, positionals } = parseArgs({
  options: { script: { type: "string", default: "test" }, fresh: { type: "boolean", default: false } },
  allowPositionals: true,
});
const npm = process.env.npm_execpath ?? fail("run this as `npm run test:nodes`, so that it finds npm");
const versions = positionals.length > 0 ? positionals : supported;
for (const version of versions) {
  if (!/^\d+(?:\.\d+){0,2}$/.test(version))
    fail(`${JSON.stringify(version)} is no version of Node: write 22, 20.19 or 20.19.0`);
}
const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
if (scripts[options.script] === undefined)
  fail(`package.json has no script ${JSON.stringify(options.script)}`);

let child;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    endChild(signal);
    process.exit(1);
  });
}

const rows = [];
/** The last lines of each red run. */
const ends = [];
for (const asked of versions) rows.push(await runUnder(asked));
for (const end of ends) console.log(end);
console.log(`\n${table(["node", `npm run ${options.script}`, "", "seconds"], rows)}`);
const red = rows.filter(([, verdict]) => verdict !== "ok");
if (red.length > 0) fail(`red under ${red.map(([name]) => name).join(", ")}`);

/** A row of the table. */
async function runUnder(asked) {
  const began = performance.now();
  const row = (name, verdict, said) => [
    name,
    verdict,
    said,
    `${Math.round((performance.now() - began) / 1000)}`,
  ];
  let node;
  try {
    node = get(asked);
  } catch (error) {
    console.error(`\n== node ${asked}: ${error.message}`);
    return row(asked, "not found", "");
  }
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim() || "does not run";
  console.log(`\n== node ${asked}: ${version}`);
  const { code, signal, last, end } = await runScript(node);
  if (code !== 0) ends.push(`\n== the end of the output under node ${asked}\n${end}`);
  return row(version, code === 0 ? "ok" : "RED", code === 0 || signal === null ? last : `ended by ${signal}`);
}

/** The path of a Node's program, which npm fetches when it is not there. */
function get(asked) {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = resolve(".cache/nodes", asked);
  const program = join(folder, "node_modules", name, "bin", platform === "win" ? "node.exe" : "node");
  if (existsSync(program) && !options.fresh) return program;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // Without it npm would look for a project further up, and find ours.
  writeFileSync(join(folder, "package.json"), `{ "private": true }\n`);
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel", "error"];
  const { status, stderr } = spawnSync(process.execPath, [npm, "install", ...flags, `${name}@${asked}`], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status === 0 && existsSync(program)) return program;
  rmSync(folder, { recursive: true, force: true });
  throw new Error(`npm can't install ${name}@${asked}\n${stderr}`);
}

/** Runs the script, shows its output, and resolves with how it ended and the last lines of its stdout. */
function runScript(node) {
  // First on PATH: npm's scripts say `node`, and tests start `npm`. Node's own children are started by process.execPath.
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  child = spawn(node, [npm, "run", "--silent", options.script], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
    // A group of its own, so that jest and its workers end with npm.
    detached: process.platform !== "win32",
  });
  const timer = setTimeout(endChild, limitMs, "SIGKILL");
  let tail = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    process.stdout.write(text);
    tail = `${tail}${text}`.slice(-2000);
  });
  return new Promise((done) => {
    child.once("error", (error) => done({ code: null, signal: null, last: error.message, end: "" }));
    child.once("close", (code, signal) => done({ code, signal, ...lastLines(tail) }));
  }).finally(() => {
    clearTimeout(timer);
    child = undefined;
  });
}

function lastLines(text) {
  const lines = text.trimEnd().split("\n");
  return { last: lines.at(-1).slice(0, 80), end: lines.slice(-20).join("\n") };
}

function endChild(signal) {
  if (child === undefined) return;
  if (process.platform === "win32") child.kill(signal);
  else process.kill(-child.pid, signal);
}

function table(heads, lines) {
  const all = [heads, ...lines];
  const widths = heads.map((_, i) => Math.max(...all.map((line) => line[i].length)));
  const last = heads.length - 1;
  return all
    .map((line) =>
      line.map((cell, i) => (i === last ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  "),
    )
    .join("\n");
}

function fail(message) {
  console.error(`test:nodes: ${message}`);
  process.exit(1);
}
