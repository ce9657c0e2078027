// SPDX-License-Identifier: Apache-2.0
// run.ts [--seed N] [--times N] [--seconds N] [--only TEXT]: every promise so many times over TCP, then all of them mixed with
// cuts and restarts; after each, what is left is counted. Run it by `npm run stress`.
import { parseArgs } from "node:util";
import { GivenUp, type Part, runPart } from "./part.js";
import { crashes } from "./parts/crashes.js";
import { deadlines } from "./parts/deadlines.js";
import { errors } from "./parts/errors.js";
import { faults } from "./parts/faults.js";
import { leaks } from "./parts/leaks.js";
import { leaving } from "./parts/leaving.js";
import { memory } from "./parts/memory.js";
import { mixture } from "./parts/mixture.js";
import { orphans } from "./parts/orphans.js";
import { settling } from "./parts/settling.js";
import { shutdowns } from "./parts/shutdowns.js";
import { uploads } from "./parts/uploads.js";

const parts: readonly Part[] = [
  leaving,
  uploads,
  orphans,
  deadlines,
  crashes,
  settling,
  leaks,
  memory,
  shutdowns,
  errors,
  ...faults,
  mixture,
];

const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    times: { type: "string", default: "1000" },
    seconds: { type: "string", default: "60" },
    only: { type: "string", default: "" },
  },
});
const seed = natural("seed");
const amount = { times: natural("times"), seconds: natural("seconds") };
const chosen = parts.filter(({ name }) => name.includes(options.only));
if (chosen.length === 0)
  throw new Error(`no part ${JSON.stringify(options.only)}: ${parts.map(({ name }) => name).join("; ")}`);

const unhandled: unknown[] = [];
process.on("unhandledRejection", (error) => unhandled.push(error));

let problems = 0;
for (const part of chosen) {
  console.log(part.name);
  unhandled.length = 0;
  const say = (line: string): void => console.log(`  ${line}`);
  try {
    const report = await runPart(part, amount, seed, say);
    for (const error of unhandled.slice(0, 5)) say(`WRONG: an unhandled rejection: ${String(error)}`);
    const found = report.problems.length + unhandled.length;
    const heap = `heap ${report.heapGrowth < 0 ? "" : "+"}${(report.heapGrowth / 1e6).toFixed(2)} MB`;
    const how = found === 0 ? "ok, nothing left" : `${found} problems`;
    say(`${how} in ${report.seconds.toFixed(1)} s, ${heap}`);
    problems += found;
  } catch (error) {
    say(error instanceof GivenUp ? error.message : `the part itself failed: ${String(error)}`);
    problems++;
    break;
  }
}
const what = `${amount.times} times each, ${amount.seconds} s mixed, seed ${seed}`;
console.log(`stress: ${problems === 0 ? "ok" : `FAILED with ${problems} problems`}, ${what}`);
process.exitCode = problems === 0 ? 0 : 1;
// A part that was given up may run for ever.
if (problems > 0) process.exit();

function natural(name: "seed" | "times" | "seconds"): number {
  const n = Number(options[name]);
  if (Number.isInteger(n) && n > 0) return n;
  throw new Error(`--${name} ${options[name]}: a whole number above 0 is needed`);
}
