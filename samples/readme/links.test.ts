// SPDX-License-Identifier: Apache-2.0
// The links of the pages: each leads to a file, and to a heading of that file; those of a package stay inside of the package.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";

const packages = [...readdirSync("packages").map((name) => join("packages", name)), "gen"];
const folders = [".", "docs", "docs/decisions", "attacks", "bench", "interop", "stress", ...packages];
const pages = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

/** The text of a page without its blocks of code. */
function prose(page: string): string {
  return readFileSync(page, "utf8").replace(/^```[\s\S]*?^```$/gm, "");
}

/** The link targets of a page, but for those with a scheme. */
function links(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a page, as GitHub makes them of its headings, and those that the page names by `<a id>`. */
function anchors(page: string): string[] {
  const text = prose(page);
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, "")
      .replaceAll(" ", "-"),
  );
  return [...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]!)];
}

test.each(pages)("each link of %s leads to a file, and to a heading of that file", (page) => {
  const broken = links(page).filter((target) => {
    const [path, anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path!);
    if (!existsSync(file)) return true;
    return anchor !== undefined && (statSync(file).isDirectory() || !anchors(file).includes(anchor));
  });
  expect(broken).toEqual([]);
});

describe.each(packages)("README.md of %s", (folder) => {
  const page = join(folder, "README.md");

  test("links only to files of its own package, since npm shows no others", () => {
    const outside = links(page).filter((target) => relative(folder, join(folder, target)).startsWith(".."));
    expect(outside).toEqual([]);
  });

  test("names no command that installs an unpublished package", () => {
    expect(readFileSync(page, "utf8")).not.toMatch(/npm (install|i|add) [^\n]*@tristream\//);
  });
});
