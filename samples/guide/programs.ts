// SPDX-License-Identifier: Apache-2.0
// What the tests of the documents' examples share: the parts that a document shows, and a run of a program.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** The parts of a program that the guide shows: between its `#region` and `#endregion`. */
export function regions(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/^\/\/ #region\n([\s\S]*?)^\/\/ #endregion$/gm)].map((match) => match[1]!);
}

/** Runs a program to its end, as `npm run ts -- FILE` does. */
export async function run(file: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const flags = ["--conditions=@tristream/source", "--import", "tsx"];
  const { NODE_OPTIONS: _ofJest, ...env } = process.env;
  const child = spawn(process.execPath, [...flags, file], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      out[name] += text;
    });
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { code, ...out };
}

/** The members of an interface, by the source that declares it. */
export function members(file: string, name: string): string[] {
  const text = readFileSync(file, "utf8");
  const body = new RegExp(`interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`${file} has no interface ${name}`);
  return [...body.matchAll(/^(?: {2}| {4})(\w+)\??[:(]/gm)].map((match) => match[1]!);
}
