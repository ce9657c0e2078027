// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { members, regions, run } from "./programs.js";

const folder = "samples/guide/both-directions";

/** The output of each program, in the order of docs/both-directions.md. */
const printed: Record<string, string> = {
  "driven.ts": `hello a
it rains
hello b
undefined
0 readers
`,
  "merge.ts": `hello nobody
hello a
ended
`,
  "client.ts": `hello a
hello b
hello c
[invalid_argument] who is nobody?
hello e
hello g
hello f
`,
  "broadcast.ts": `price …
price …
price …
3 readers
4 values wait, true that others were dropped
`,
  "idle.ts": `hello a
[deadline_exceeded] no value came within 50 ms, after 1 value: raise the time of idleTimeout if it is too short
hello b
`,
};
const files = Object.keys(printed);

const page = readFileSync("docs/both-directions.md", "utf8");

test("the examples of docs/both-directions.md are the regions of this folder's programs", () => {
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
  expect(blocks).toEqual(files.flatMap((file) => regions(`${folder}/${file}`)));
});

test.each(files)("%s prints what was expected", async (file) => {
  const { code, stdout, stderr } = await run(`${folder}/${file}`);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: printed[file], stderr: "" });
});

const stream = "packages/core/src/stream";

test.each([
  ["`createChannel`", `${stream}/create-channel.ts`, "ChannelOptions"],
  ["`broadcast`", `${stream}/broadcast.ts`, "BroadcastOptions"],
  ["`subscribe`", `${stream}/broadcast.ts`, "SubscribeOptions"],
  ["`withTimeout`, `idleTimeout`", `${stream}/timeouts.ts`, "StreamTimeoutOptions"],
])("the table of %s has every option", (heading, file, name) => {
  const section = page.split(`\n### ${heading}\n`)[1]?.split("\n### ")[0] ?? "";
  const listed = [...section.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]!);
  expect(listed).toEqual(members(file, name));
});
