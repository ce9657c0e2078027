// SPDX-License-Identifier: Apache-2.0
// There is one kind of clock, and each part takes its time from the clock that it is given. The linter denies the global timers in the
// packages' sources (`biome.json`, noRestrictedGlobals). These tests have what the linter can't see: `process.nextTick`, timers by way of
// `globalThis`, imports of Node's timers, and the system's clock where one was given.
// Mutant: core/src/server/lifecycle/create-server.ts # if (delay > 0) this.cancelGrace = this.clock.after( => if (delay > 0) this.cancelGrace = systemClock.after(
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../", import.meta.url));
const runtimeTimers = "core/src/runtime/runtime-timers.ts";
const runtimeTime =
  /\bprocess\s*\.\s*(?:nextTick|hrtime)|\bglobalThis\s*\.\s*(?:set|clear)[A-Z]|\bnode:(?:timers|perf_hooks)|AbortSignal\.timeout|\bperformance\s*\.\s*now|\bDate\s*\.\s*now|\bnew\s+Date\b/;

/** The files that take real time though their part may have been given a clock, and why. */
const byRealTime: Readonly<Record<string, string>> = {
  "core/src/engine/call/deadline.ts": "deadlines over a foreign transport, which has no clock",
  "core/src/log/client-log.ts": "warnings that belong to no transport",
  "core/src/mount/guard-handler.ts":
    "the deadline of a mounted call, which Connect's own timer keeps as well",
  "core/src/server/lifecycle/create-server.ts":
    "the end of a server, which a clock that stands must not hold up",
  "node/src/socket-link.ts": "a socket that the other end does not close, which is real",
};

/** The sources without their comments, by path. */
const sources = new Map(
  readdirSync(packages)
    .flatMap((name) =>
      readdirSync(join(packages, name, "src"), { recursive: true, encoding: "utf8" }).map((file) =>
        join(name, "src", file),
      ),
    )
    .filter((file) => file.endsWith(".ts") && !/\.test(-d)?\.ts$/.test(file))
    .map((file) => [
      file,
      readFileSync(join(packages, file), "utf8").replace(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, ""),
    ]),
);

function filesWith(pattern: RegExp): string[] {
  return [...sources].filter(([, text]) => pattern.test(text)).map(([file]) => file);
}

test(`only ${runtimeTimers} takes time from the runtime`, () => {
  expect(filesWith(runtimeTime)).toEqual([runtimeTimers]);
});

test("only the system's clock and the turns of the event loop use the runtime's timers", () => {
  expect(filesWith(/from "[^"]*runtime-timers\.js"/).sort()).toEqual([
    "core/src/runtime/clock.ts",
    "core/src/runtime/turns.ts",
  ]);
});

test("the system's clock is a default, except where real time is meant", () => {
  // An import, an export, and the default of a parameter or an option.
  const allowed =
    /import\b[^;]*?from "[^"]*";|export \{[^}]*\} from "[^"]*";|export const systemClock\b|(?:=|\?\?) systemClock(?![\w.])/gs;
  const found = [...sources].filter(([, text]) => text.replace(allowed, "").includes("systemClock"));
  expect(found.map(([file]) => file).sort()).toEqual(Object.keys(byRealTime));
  const uses = found.map(([file, text]) => [file, text.replace(allowed, "").split("systemClock").length - 1]);
  expect(uses.filter(([, count]) => count !== 1)).toEqual([]);
});
