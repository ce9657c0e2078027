// SPDX-License-Identifier: Apache-2.0
import { start, within } from "../rig/child.mjs";
import { spawnOptions } from "../rig/peers.mjs";
import { tristream } from "./programs.mjs";

const config = "interop/conformance/connect/config.yaml";
const suiteMs = 10 * 60_000;

/** How many cases the pinned version has for our configuration: fewer that ran are no success. */
const caseCounts = { server: 688, client: 811 };

/** Runs Connect's suite against our program for one side. Gives how many passed of how many, and the failures. */
export async function runConnectSuite(connectconformance, side, parallel) {
  const options = [
    "--mode",
    side,
    "--conf",
    config,
    ...(side === "server" ? ["--parallel", String(parallel)] : []),
  ];
  const program = [...tristream(`connect/${side}`), ...(side === "client" ? [String(parallel)] : [])];
  const report = new Report();
  const runner = start([connectconformance, ...options, "--", ...program], {
    ...spawnOptions,
    onLine: (line) => report.line(line),
  });
  const late = `connectconformance: no end within ${suiteMs / 60_000} minutes`;
  const { code, said } = await within(suiteMs, late, runner.exited);
  const { passed, all, failures } = report;
  if (all !== caseCounts[side])
    failures.push([`${all} cases ran, ${caseCounts[side]} are known`, ...runner.tail()]);
  if (code !== 0 && failures.length === 0) failures.push([`connectconformance ${said}`, ...runner.tail()]);
  return { passed, all: caseCounts[side], failures };
}

/** What the runner prints at its end: a block a failure, then the counts. */
class Report {
  passed = 0;
  all = 0;
  failures = [];

  line(line) {
    const [, all] = /^Total cases: (\d+)/.exec(line) ?? [];
    const [, passed] = /^(\d+) passed, \d+ failed/.exec(line) ?? [];
    const [, failed] = /^FAILED: (.*?):?$/.exec(line) ?? [];
    if (all !== undefined) this.all = Number(all);
    else if (passed !== undefined) this.passed = Number(passed);
    else if (failed !== undefined) this.failures.push([failed]);
    else if (this.failures.length > 0 && line.trim() !== "") this.failures.at(-1).push(line.trim());
  }
}
