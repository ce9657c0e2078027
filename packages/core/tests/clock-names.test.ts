// SPDX-License-Identifier: Apache-2.0
// The linter denies the global timers in the packages' sources (`biome.json`, noRestrictedGlobals). This test has what the linter
// can't see: `process.nextTick`, timers by way of `globalThis`, and imports of Node's timers.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../", import.meta.url));
const oneFile = "core/src/runtime/runtime-timers.ts";
const runtimeTime =
  /\bprocess\s*\.\s*(?:nextTick|hrtime)|\bglobalThis\s*\.\s*(?:set|clear)[A-Z]|\bnode:(?:timers|perf_hooks)|AbortSignal\.timeout/;

test(`only ${oneFile} takes time from the runtime`, () => {
  const sources = readdirSync(packages).flatMap((name) =>
    readdirSync(join(packages, name, "src"), { recursive: true, encoding: "utf8" }).map((file) =>
      join(name, "src", file),
    ),
  );
  const found = sources.filter(
    (file) =>
      file.endsWith(".ts") &&
      !/\.test(-d)?\.ts$/.test(file) &&
      runtimeTime.test(readFileSync(join(packages, file), "utf8").replace(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, "")),
  );
  expect(found).toEqual([oneFile]);
});
