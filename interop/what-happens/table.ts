// SPDX-License-Identifier: Apache-2.0
import { libraryNames } from "./library.js";
import type { Observation, Situation } from "./situation.js";

/** One situation, and what was seen of each library, in the order of {@link libraryNames}. */
export interface Row {
  readonly situation: Situation;
  readonly cells: readonly Observation[];
}

const begins = "<!-- what-happens -->";
const ends = "<!-- /what-happens -->";

/** The table in Markdown, and the criteria below it. */
export function format(rows: readonly Row[]): string {
  const head = `| # | when | ${libraryNames.join(" | ")} |`;
  const rule = `| --: | --- |${" --- |".repeat(libraryNames.length)}`;
  const lines = rows.map(({ situation, cells }, i) => {
    return `| ${[`${i + 1}`, situation.when, ...cells.map(cell)].join(" | ")} |`;
  });
  const criteria = rows.map(({ situation }, i) => `${i + 1}. ${situation.goodIf}.`);
  return [head, rule, ...lines, "", "A cell is ✓ if", "", ...criteria].join("\n");
}

/** The document with the table in its place. */
export function withTable(document: string, table: string): string {
  const [before, after] = [document.indexOf(begins), document.indexOf(ends)];
  if (before < 0 || after < before) throw new Error(`the document has no ${begins} … ${ends}`);
  return `${document.slice(0, before + begins.length)}\n\n${table}\n\n${document.slice(after)}`;
}

/** A cell in which the document and a run differ. */
export interface Difference {
  readonly library: string;
  readonly when: string;
  readonly documented: string;
  readonly seen: string;
}

/** The cells in which a document and a run differ. */
export function compare(document: string, rows: readonly Row[]): Difference[] {
  const documented = document
    .slice(document.indexOf(begins), document.indexOf(ends))
    .split("\n")
    .filter((line) => /^\| \d/.test(line))
    .map((line) => line.slice(2, -2).split(" | "));
  return rows.flatMap(({ situation, cells }) => {
    const line = documented.find(([, when]) => when === situation.when) ?? [];
    return cells.flatMap((observation, i): Difference[] => {
      const before = line[i + 2] ?? "nothing";
      const seen = cell(observation);
      if (before === seen) return [];
      return [{ library: libraryNames[i] ?? "", when: situation.when, documented: before, seen }];
    });
  });
}

/** A cell as the table has it. */
export function cell({ good, saw }: Observation): string {
  return `${good ? "✓" : "✗"} ${saw}`;
}
