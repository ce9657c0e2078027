// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../rig/build.mjs";

const name = "docs/faults.md";
const [begin, end] = ["<!-- stops: begin, written by `npm run stops -- --write` -->", "<!-- stops: end -->"];
const head = ["fault", "client notices after", "server notices after", "decided by"];

/** Writes the times to notice into docs/faults.md; gives its name. */
export async function writeTable(results) {
  const file = join(root, name);
  const text = await readFile(file, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${name} lacks the lines "${begin}" and "${end}"`);
  const rows = results.map(({ scenario, client, server }) => [
    scenario.name,
    time("client", client, scenario),
    time("server", server, scenario),
    scenario.with,
  ]);
  await writeFile(file, `${text.slice(0, from)}${begin}\n\n${table([head, ...rows])}\n\n${text.slice(to)}`);
  return name;
}

/** A side that was stopped can't notice before it goes on. grpc-go's server doesn't say when it notices. */
function time(side, ms, { fault, forMs, clientMs }) {
  if (ms === undefined) return clientMs === undefined ? "goes on" : "–";
  if (fault === `stop ${side}` && ms >= forMs) return `${seconds(ms - forMs)} after it goes on`;
  return seconds(ms);
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A table in the columns that the formatter makes of it. */
function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(3, ...rows.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const [first, ...rest] = rows;
  return [line(first), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("\n");
}
