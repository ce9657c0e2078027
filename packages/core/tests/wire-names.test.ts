// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../", import.meta.url));

async function sourcesOf(name: string): Promise<string[]> {
  const folder = join(packages, name, "src");
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith(".ts") && !file.includes(".test"))
    .map((file) => join(folder, file));
}

test.each(["core", "node", "testing", "http2"])(
  "%s spells names of the wire in protocol/headers.ts alone",
  async (name) => {
    const spelled: string[] = [];
    for (const file of await sourcesOf(name)) {
      if (file.endsWith("/core/src/protocol/headers.ts")) continue;
      // HTTP/2 imports nothing: what it has to know of names, for its tables, is in this one file.
      if (file.endsWith("/http2/src/hpack/indexing.ts")) continue;
      for (const [i, line] of (await readFile(file, "utf8")).split("\n").entries())
        if (/"(?:tri|grpc)-/.test(line))
          spelled.push(`${file.slice(packages.length)}:${i + 1} ${line.trim()}`);
    }
    expect(spelled).toEqual([]);
  },
);

test("each of them is spelled once", async () => {
  const text = await readFile(join(packages, "core/src/protocol/headers.ts"), "utf8");
  const names = [...text.matchAll(/= "([^"]+)"/g)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(15);
  expect(new Set(names).size).toBe(names.length);
});
