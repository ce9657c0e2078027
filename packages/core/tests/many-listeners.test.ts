// SPDX-License-Identifier: Apache-2.0
// Node warns of a signal with more than ten listeners. The signals that many calls share warn of nothing.
// Mutant: core/src/server/lifecycle/create-server.ts # allowManyListeners(this.shutdownController.signal);
// Mutant: core/src/mount/mount.ts # allowManyListeners(shutdownSignal);
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("./listening-child.ts", import.meta.url));

/** The warnings of a process of its own: Node prints them to the standard error. */
async function warningsOf(name: string): Promise<string> {
  const { NODE_OPTIONS: _ofJest, ...env } = process.env;
  const args = ["--conditions=@tristream/source", "--import", "tsx", file, name];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
  return printed;
}

test.each([
  ["handlers of many calls listen to the shutdown signal", "handlers"],
  ["handlers of many mounted calls listen to the shutdown signal that mount() was given", "mounted"],
  ["calls over many transports to many servers share one signal", "shared"],
])("Node warns of nothing if %s", async (_, name) => {
  expect(await warningsOf(name)).toBe("");
});
