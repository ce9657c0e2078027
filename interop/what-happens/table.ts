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
  const lines = rows.map(({ situation, cells }, i) => [`${i + 1}`, situation.when, ...cells.map(cell)]);
  const criteria = rows.map(({ situation }, i) => `${i + 1}. ${situation.goodIf}.`);
  return [...aligned(["#", "when", ...libraryNames], lines), "", "A cell is ✓ if", "", ...criteria].join(
    "\n",
  );
}

/** A table whose columns are as wide as their widest cell; the first one holds numbers. */
function aligned(head: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...lines].map((line) => line[i]?.length ?? 0)));
  const row = (cells: readonly string[]): string => {
    const padded = cells.map((text, i) =>
      i === 0 ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0),
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, i) => (i === 0 ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [row(head), row(rule), ...lines.map(row)];
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
    .filter((line) => /^\| +\d/.test(line))
    .map((line) =>
      line
        .slice(2, -2)
        .split(" | ")
        .map((text) => text.trim()),
    );
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
