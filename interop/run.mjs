// SPDX-License-Identifier: Apache-2.0
// node interop/run.mjs [--only NAME]... [--peers] [--case NAME]... [--rebuild] | --generate: see README.md
import { parseArgs } from "node:util";
import { generateGo } from "./rig/build.mjs";
import { applies, cases } from "./rig/cases.mjs";
import { killAll } from "./rig/child.mjs";
import { runPair } from "./rig/pair.mjs";
import { peers } from "./rig/peers.mjs";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    case: { type: "string", multiple: true, default: [] },
    peers: { type: "boolean", default: false },
    rebuild: { type: "boolean", default: false },
    generate: { type: "boolean", default: false },
  },
});

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

try {
  process.exitCode = options.generate ? await generate() : await main();
} catch (error) {
  console.error(`interop: ${error.message}`);
  process.exitCode = 1;
}

async function generate() {
  await generateGo();
  return 0;
}

async function main() {
  const names = known("case", options.case, cases);
  const only = known("peer", options.only, Object.keys(peers));
  const pairs = allPairs().filter((pair) => of(pair).some((name) => only.includes(name)));

  const began = performance.now();
  const used = Object.entries(peers).filter(([name]) => pairs.flat().includes(name));
  await Promise.all(used.map(([name, peer]) => built(name, peer)));

  const results = [];
  let passed = 0;
  const failed = [];
  for (const [client, server] of pairs) {
    const start = performance.now();
    const { outcomes, output } = await runPair(client, server, names);
    const title = `${client} -> ${server}`;
    const bad = [...outcomes].filter(([, why]) => why !== "");
    passed += outcomes.size - bad.length;
    results.push({ title, client, server, outcomes });
    failed.push(...bad.map(([name, why]) => ({ title, name, why })));
    console.log(`${title}: ${outcomes.size - bad.length} of ${outcomes.size} in ${seconds(start)}`);
    if (output.length > 0) console.log(output.map((line) => `    ${line}`).join("\n"));
  }
  console.log(`\n${table(names, results)}\n`);
  console.log(`total: ${seconds(began)}`);
  for (const line of failureLines(failed)) console.log(line);
  console.log(`interop: ${passed} passed, ${failed.length} failed`);
  return failed.length === 0 && passed > 0 ? 0 : 1;
}

/** A line per reason: a server that doesn't start fails all its cases. */
function failureLines(failed) {
  const names = new Map();
  for (const { title, name, why } of failed) {
    const key = JSON.stringify([title, why]);
    names.set(key, [...(names.get(key) ?? []), name]);
  }
  return [...names].map(([key, all]) => {
    const [title, why] = JSON.parse(key);
    return `FAIL ${title} ${all.join(", ")}: ${why}`;
  });
}

/** Client and server: ours against each peer, both ways, and ours alone; or the peers among themselves. */
function allPairs() {
  if (options.peers) {
    return [
      ["go", "go"],
      ["go", "java"],
      ["java", "go"],
      ["java", "java"],
    ];
  }
  return [
    ["tristream", "tristream"],
    ["tristream", "go"],
    ["go", "tristream"],
    ["tristream", "java"],
    ["java", "tristream"],
  ];
}

/** Whose pair it is: a foreign peer's, or ours alone. */
function of(pair) {
  const foreign = pair.filter((name) => name !== "tristream");
  return foreign.length === 0 ? ["tristream"] : foreign;
}

function known(what, asked, all) {
  for (const name of asked) {
    if (!all.includes(name)) {
      throw new Error(`no ${what} ${JSON.stringify(name)}: there are ${all.join(", ")}`);
    }
  }
  return asked.length === 0 ? all : all.filter((name) => asked.includes(name));
}

async function built(name, peer) {
  const start = performance.now();
  if (await peer.build({ rebuild: options.rebuild })) console.log(`${name}: built in ${seconds(start)}`);
}

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

function table(names, results) {
  const titles = results.map(({ title }) => title);
  const first = Math.max(...names.map((name) => name.length));
  const row = (head, cells) => {
    const padded = cells.map((cell, i) => cell.padEnd(results[i].title.length));
    return [head.padEnd(first), ...padded].join("  ").trimEnd();
  };
  const cell = (name, { client, server, outcomes }) => {
    if (!applies(name, client, server)) return "-";
    return outcomes.get(name) === "" ? "ok" : "FAIL";
  };
  return [
    row("", titles),
    ...names.map((name) =>
      row(
        name,
        results.map((result) => cell(name, result)),
      ),
    ),
  ].join("\n");
}
