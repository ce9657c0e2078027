// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../rig/build.mjs";

const document = "docs/http2-probes.md";
const begin = "<!-- probes: begin, written by `npm run probes -- --write` -->";
const end = "<!-- probes: end -->";

/** The matrix for a terminal. */
export function plainTable({ title, probes, columns }, names) {
  const rows = [
    ["row", title, ...names],
    ...probes.map((probe, i) => [String(probe.row), probe.title, ...columns.map((column) => column[i])]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Writes the matrix between the markers of the document; gives its path. */
export function writeTables(tables, names) {
  const path = join(root, document);
  const text = readFileSync(path, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${document} lacks the lines "${begin}" and "${end}"`);
  const body = tables.map((table) => markdown(table, names)).join("\n\n");
  writeFileSync(path, `${text.slice(0, from)}${begin}\n\n${body}\n\n${text.slice(to)}`);
  return document;
}

/** Rows of the document that are missing, or say something else of ours. */
export function outdated(tables) {
  const rows = readFileSync(join(root, document), "utf8").split("\n").map(cells);
  const known = new Set(rows.map((row) => JSON.stringify(row.slice(0, 4))));
  const wanted = tables.flatMap(({ probes }) =>
    probes.map(({ row, title, rfc, ours }) => [String(row), title, rfc, ours]),
  );
  return wanted.filter((row) => !known.has(JSON.stringify(row))).map((row) => row.join(" | "));
}

/** A line of a table, as its cells; there is no `|` in any. */
function cells(line) {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The matrix for a document, in the columns that the formatter makes of it. */
function markdown({ title, probes, columns }, names) {
  const head = ["row", title, "RFC 9113", ...names];
  const rows = probes.map(({ row, title: what, rfc }, i) => [
    String(row),
    what,
    rfc,
    ...columns.map((column) => column[i]),
  ]);
  const widths = head.map((cell, i) => Math.max(3, cell.length, ...rows.map((row) => row[i].length)));
  const line = (row, fill) => `| ${row.map((cell, i) => cell.padEnd(widths[i], fill)).join(" | ")} |`;
  return [
    line(head, " "),
    line(
      head.map(() => ""),
      "-",
    ),
    ...rows.map((row) => line(row, " ")),
  ].join("\n");
}
