// SPDX-License-Identifier: Apache-2.0
// node interop/conformance/run.mjs [--only SUITE]... [--parallel N] [--load N]: see ../README.md
import { parseArgs } from "node:util";
import { killAll, start } from "../rig/child.mjs";
import { spawnOptions } from "../rig/peers.mjs";
import { runConnectSuite } from "./connect.mjs";
import { runOurClient, runOurServer } from "./grpc.mjs";
import { buildPrograms } from "./programs.mjs";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    parallel: { type: "string", default: "8" },
    load: { type: "string", default: "0" },
  },
});

const parallel = Number(options.parallel);
const load = Number(options.load);
/** What a case says that failed because the machine was too busy for its times. */
const tooLate = new RegExp(
  [
    "the deadline of \\d+ ms that (this client set|the client sent .*) passed",
    "context deadline exceeded",
    // What was left of the deadline when the handler began.
    "server echoed back a timeout",
    "the timer of the cancel is \\d+ ms late",
  ].join("|"),
);
const suites = {
  "connect-server": (tools) => runConnectSuite(tools.connectconformance, "server", parallel),
  "connect-client": (tools) => runConnectSuite(tools.connectconformance, "client", parallel),
  "grpc-server": (tools) => runOurServer(tools, parallel),
  "grpc-client": (tools) => runOurClient(tools, parallel),
};

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

try {
  process.exitCode = await main();
} catch (error) {
  console.log(`conformance: FAILED: ${error.message}`);
  process.exitCode = 1;
}
killAll();

async function main() {
  const unknown = options.only.find((name) => !(name in suites));
  if (unknown !== undefined)
    throw new Error(`no suite ${unknown}: there are ${Object.keys(suites).join(", ")}`);
  if (!Number.isInteger(parallel) || parallel < 1)
    throw new Error(`--parallel ${options.parallel}: give a number from 1 on`);
  const tools = await buildPrograms();
  if (!Number.isInteger(load) || load < 0)
    throw new Error(`--load ${options.load}: give a number of processes`);
  for (let i = 0; i < load; i++)
    start([process.execPath, "interop/rig/burn.mjs"], { ...spawnOptions, input: true });

  const failed = [];
  const late = [];
  for (const [name, run] of Object.entries(suites)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    const began = performance.now();
    const { passed, all, failures } = await run(tools);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${name.padEnd(14)} ${passed} of ${all} in ${seconds} s`);
    for (const [title, ...why] of failures) {
      const aside = load > 0 && why.some((line) => tooLate.test(line));
      (aside ? late : failed).push({ name, title, why });
    }
  }
  for (const { name, title } of late)
    console.log(`LATE ${name}: ${title}: its time passed on the loaded machine`);
  for (const { name, title, why } of failed) {
    console.log(`FAIL ${name}: ${title}`);
    for (const line of why) console.log(`     ${line}`);
  }
  return failed.length === 0 ? 0 : 1;
}
