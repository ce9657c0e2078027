// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { runNode } from "./child.mjs";

/** Everything that publint says about a tarball, suggestions too. */
export async function publintProblems(name, tarball) {
  const bytes = readFileSync(tarball);
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    strict: true,
  });
  return messages.map(
    (message) => `${name}: publint ${message.type}: ${formatMessage(message, pkg, { color: false })}`,
  );
}

/**
 * Everything that attw says about a tarball's types, but for two things that ESM-only packages for Node >= 20.19 mean:
 *
 * - profile `node16` leaves out `node10`, the resolution of TypeScript before `exports`: no Node that is supported resolves
 *   so, and a package without files at its root has nothing to offer it;
 * - rule `cjs-resolves-to-esm` says that require() of an ES module throws. Since Node 20.19 it does not, and since
 *   TypeScript 5.8 `module: nodenext` knows.
 *
 * The profile `esm-only` would leave out all that require() resolves to; here it stays looked at, for missing types, say.
 */
export async function attwProblems(name, tarball, entrypoints = []) {
  const attw = "node_modules/@arethetypeswrong/cli/dist/index.js";
  const settings = ["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm"];
  const display = ["--no-color", "--no-emoji", "--format", "ascii"];
  const only = entrypoints.length === 0 ? [] : ["--entrypoints", ...entrypoints];
  try {
    await runNode([attw, tarball, ...settings, ...display, ...only]);
    return [];
  } catch (error) {
    return [`${name}: attw: ${error.message}`];
  }
}
