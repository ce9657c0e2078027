// SPDX-License-Identifier: Apache-2.0
// Only the dialects know how a protocol looks: the engine, the client and the server name none.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../src/", import.meta.url));
/** Names of a protocol's headers, content types and modules. */
const namesProtocol =
  /grpc|\bconnectTimeout\b|application\/|content-encoding|trailer-|dialects\/(?!dialect\.js|default\.js)/i;

/** Files that read responses of Connect's own transports, with the words that they need. */
const foreign: Readonly<Record<string, string>> = { "client/call/foreign-error.ts": "grpcStatus" };

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}

test.each(["carrier", "engine", "client", "server"])("%s names no protocol", async (folder) => {
  const files = (await readdir(join(sources, folder), { recursive: true })).filter(
    (file) => file.endsWith(".ts") && !file.includes(".test"),
  );
  const found: string[] = [];
  for (const file of files) {
    const allowed = foreign[`${folder}/${file}`];
    const text = withoutComments(await readFile(join(sources, folder, file), "utf8"));
    for (const line of text.split("\n")) {
      const rest = allowed === undefined ? line : line.replaceAll(allowed, "");
      if (namesProtocol.test(rest)) found.push(`${folder}/${file}: ${line.trim()}`);
    }
  }
  expect(files.length).toBeGreaterThan(2);
  expect(found).toEqual([]);
});

test("the engine holds no code of a carrier's protocol", async () => {
  const folder = join(sources, "engine");
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"));
  const found: string[] = [];
  for (const file of files) {
    const text = withoutComments(await readFile(join(folder, file), "utf8"));
    // Reset codes of HTTP/2 (RFC 9113 §7), as names or as arguments.
    if (/\bErrorCode\b|REFUSED_STREAM|ENHANCE_YOUR_CALM|\breset\(\s*(?:0x)?\d/.test(text)) found.push(file);
  }
  expect(found).toEqual([]);
});
