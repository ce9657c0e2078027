// SPDX-License-Identifier: Apache-2.0
// `mock.timers` of node:test replaces the timers of the process and of `node:timers`: tried in a process of its own.
// Mutant: core/src/runtime/runtime-timers.ts # bound(timers.setTimeout ?? globals.setTimeout) => (...given) => timers.setTimeout!(...given)
// Mutant: core/src/runtime/runtime-timers.ts # bound(timers.setImmediate ?? globals.setImmediate) => (...given) => timers.setImmediate!(...given)
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const program = fileURLToPath(new URL("./fake-timers-child.ts", import.meta.url));

test("calls go on, and deadlines keep real time, where node:test fakes the timers", async () => {
  const { NODE_OPTIONS: _ofJest, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--conditions=@tristream/source", "--import", "tsx", program],
    { env, timeout: 30_000 },
  );
  expect(stdout).toBe("loopback: calls went on\nsockets: calls went on\nclosed\n");
});
