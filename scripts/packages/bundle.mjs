// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const docs = "docs/packages.md";
const begin = "<!-- bundle-size -->";
const end = "<!-- /bundle-size -->";
/** How far the figures of docs may be off. */
const tolerance = 0.05;

/** Bundles a program with all that it imports, minified, and returns its sizes in bytes, the parts by package. */
export async function bundle(entry, outfile) {
  const { metafile, warnings } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    metafile: true,
    logLevel: "silent",
  });
  if (warnings.length > 0) throw new Error(`esbuild warns: ${warnings.map(({ text }) => text).join("; ")}`);
  const bytes = readFileSync(outfile);
  const parts = new Map();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const [, name = "the program"] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
      parts.set(name, (parts.get(name) ?? 0) + bytesInOutput);
    }
  }
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, parts };
}

/** Writes the sizes into docs. */
export function writeSizes(sizes) {
  const text = readFileSync(docs, "utf8");
  const [from, to] = marked(text);
  writeFileSync(docs, `${text.slice(0, from)}\n\n${table(sizes)}\n\n${text.slice(to)}`);
}

/** What is wrong with the sizes that docs give: nothing, or a line. */
export function sizeProblems({ raw, gzip }) {
  const text = readFileSync(docs, "utf8");
  const section = text.slice(...marked(text));
  const [, ...given] = /^\| all of it +\| +([\d,]+) \| +([\d,]+) \|$/m.exec(section) ?? [];
  const [givenRaw, givenGzip] = given.map((digits) => Number(digits.replaceAll(",", "")));
  const near = (is, was) => Math.abs(is - was) <= tolerance * was;
  if (near(raw, givenRaw) && near(gzip, givenGzip)) return [];
  return [
    `${docs} says ${givenRaw} bytes and ${givenGzip} zipped, it is ${raw} and ${gzip}: if that is meant, \`npm run packages -- --write\``,
  ];
}

function marked(text) {
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (from < begin.length || to < from) throw new Error(`${docs} has no ${begin} … ${end}`);
  return [from, to];
}

function table({ raw, gzip, parts }) {
  const rows = [
    ["all of it", raw, gzip],
    ...[...parts].map(([name, bytes]) => [`\`${name}\``, bytes, ""]).sort((a, b) => b[1] - a[1]),
  ].map(([name, bytes, zipped]) => [
    name.replace("`the program`", "the program itself"),
    bytes.toLocaleString("en"),
    zipped.toLocaleString("en"),
  ]);
  const heads = ["", "bytes", "gzip"];
  const widths = heads.map((head, i) => Math.max(4, head.length, ...rows.map((row) => row[i].length)));
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(heads), rule, ...rows.map(line)].join("\n");
}
