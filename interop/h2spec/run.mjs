// SPDX-License-Identifier: Apache-2.0
// node interop/h2spec/run.mjs [--server] [--client] [--verbose]: see ../README.md
import { parseArgs } from "node:util";
import { killAll } from "../rig/child.mjs";
import { buildGoTools } from "../rig/go-tools.mjs";
import { testClient, testServer } from "./sides.mjs";
import { waivers } from "./waivers.mjs";

/** How many cases the pinned version has in its strict mode: fewer that ran are no success. */
const caseCounts = { server: 146, client: 57 };

const { values: options } = parseArgs({
  options: {
    server: { type: "boolean", default: false },
    client: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

try {
  process.exitCode = await main();
} catch (error) {
  console.log(`h2spec: FAILED: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  const { h2spec, h2specd } = await buildGoTools("h2spec", {
    h2spec: "github.com/summerwind/h2spec/cmd/h2spec",
    h2specd: "github.com/summerwind/h2spec/cmd/h2specd",
  });
  const both = options.server === options.client;
  const sides = [];
  if (both || options.server) sides.push(["server", await testServer(h2spec)]);
  if (both || options.client) sides.push(["client", await testClient(h2specd, caseCounts.client)]);
  const wrong = sides.flatMap(([side, results]) => judge(side, results));
  for (const line of wrong) console.log(line);
  const passed = sides.flatMap(([, results]) => results).filter(({ outcome }) => outcome === "passed").length;
  console.log(`h2spec: ${passed} passed, ${waived(sides)} waived, ${wrong.length} failed`);
  return wrong.length === 0 ? 0 : 1;
}

/** Prints a side's summary by section; gives what is wrong with it, a line or more each. */
function judge(side, results) {
  const sections = new Map();
  for (const { id, outcome } of results) {
    const name = id.split("/").slice(0, 2).join("/");
    const counts = sections.get(name) ?? { passed: 0, all: 0 };
    counts.all++;
    if (outcome === "passed") counts.passed++;
    sections.set(name, counts);
  }
  console.log(`\n${side}: ${results.length} cases, strict`);
  for (const [name, { passed, all }] of sections) {
    if (options.verbose || passed < all) console.log(`  ${name.padEnd(14)} ${passed} of ${all}`);
  }
  if (options.verbose)
    for (const { id, title, outcome } of results) console.log(`  ${outcome} ${id} ${title}`);
  const wrong = results.filter(({ id, outcome }) => outcome !== "passed" && !waiverOf(id)).map(describe);
  if (results.length !== caseCounts[side])
    wrong.push(`FAIL ${side}: ${results.length} cases ran, ${caseCounts[side]} are known`);
  for (const { id, outcome } of results) {
    if (outcome === "passed" && waiverOf(id))
      wrong.push(`FAIL ${id}: passes, take its waiver out of waivers.mjs`);
  }
  return wrong;
}

function describe({ id, title, outcome, why }) {
  return [`FAIL ${id}: ${title} (${outcome})`, ...why.map((line) => `     ${line}`)].join("\n");
}

function waiverOf(id) {
  return waivers.find((waiver) => waiver.id === id);
}

function waived(sides) {
  return sides
    .flatMap(([, results]) => results)
    .filter(({ id, outcome }) => outcome === "failed" && waiverOf(id)).length;
}
