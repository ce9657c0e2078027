// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Attack, Seen } from "./attack.js";

/** A played attack. */
export interface Played {
  readonly attack: Attack;
  /** Absent if a process of the program ended. */
  readonly seen?: Seen;
  readonly problems: readonly string[];
}

const file = fileURLToPath(new URL("../docs/attacks.md", import.meta.url));
const [begin, end] = [
  "<!-- attacks: begin, written by `npm run attacks -- --write` -->",
  "<!-- attacks: end -->",
];
const head = [
  "attack",
  "what the offender does",
  "what has to happen",
  "ended after",
  "rate kept",
  "p99 before, meanwhile",
  "memory",
  "CPU, longest stall",
  "result",
];

/** Writes the results into docs/attacks.md; returns its name. */
export async function writeTable(played: readonly Played[]): Promise<string> {
  const text = await readFile(file, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/attacks.md lacks the lines "${begin}" and "${end}"`);
  const table = format([head, ...played.map(cells)]);
  await writeFile(file, `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`);
  return "docs/attacks.md";
}

/** One line about a played attack. */
export function lineOf({ attack, seen, problems }: Played & { seen: Seen }): string {
  const { offender, server, before, during } = seen;
  const ended =
    offender.ended === 0
      ? "not ended"
      : `${offender.ended}/${offender.opened} ended in ${ms(offender.longestMs)}`;
  return [
    `${problems.length === 0 ? "ok  " : "FAIL"} ${attack.name.padEnd(26)}`,
    ended.padEnd(24),
    `rate ${percent(during.rate / before.rate)}, p99 ${before.p99.toFixed(1)} > ${during.p99.toFixed(1)} ms,`,
    `+${server.rssMiB.toFixed(0)} MiB, CPU ${ms(server.cpuMs)}, stall ${ms(server.stallMs)},`,
    `${server.handlers} handlers, ${
      Object.entries(server.lines)
        .map(([level, n]) => `${n} ${level}`)
        .join(" ") || "no lines"
    }`,
  ].join(" ");
}

function cells({ attack, seen, problems }: Played): string[] {
  const result = problems.length === 0 ? "ok" : `FAIL: ${problems.join("; ").replaceAll("|", "/")}`;
  const words = [attack.name, attack.does, attack.rule];
  if (seen === undefined) return [...words, "–", "–", "–", "–", "–", result];
  const { offender, server, before, during } = seen;
  return [
    ...words,
    offender.ended === 0 ? "–" : ms(offender.longestMs),
    percent(during.rate / before.rate),
    `${before.p99.toFixed(1)}, ${during.p99.toFixed(1)} ms`,
    `+${Math.max(0, server.rssMiB).toFixed(0)} MiB`,
    `${ms(server.cpuMs)}, ${ms(server.stallMs)}`,
    result,
  ];
}

/** A table in the columns that the formatter makes of it. */
function format(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(3, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const [first, ...rest] = rows;
  return [line(first!), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("\n");
}

const ms = (n: number): string => `${Math.round(n)} ms`;
const percent = (part: number): string => `${Math.round(100 * part)} %`;
