// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "@jest/globals";

const folder = "samples/readme";

/** The TypeScript blocks of README.md, in order. */
function blocks(): string[] {
  const readme = readFileSync("README.md", "utf8");
  return [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
}

/** A port without a listener. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function start(file: string) {
  return spawn(process.execPath, ["--conditions=@tristream/source", "--import", "tsx", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

test("the examples of README.md are the files of this folder", () => {
  expect(blocks()).toEqual([
    readFileSync(`${folder}/server.ts`, "utf8"),
    readFileSync(`${folder}/client.ts`, "utf8"),
  ]);
});

test("the table of README.md has the marks of docs/what-happens-when.md", () => {
  const rows = (text: string) =>
    [...text.matchAll(/^\|.*[✓✗].*\|$/gm)].map(([row]) => row.split("|").map((cell) => cell.trim()));
  // The row of the page that each row of the README shortens, by its number.
  const shortened = ["1", "2", "6", "7", "8"];
  const full = rows(readFileSync("docs/what-happens-when.md", "utf8"));
  // Tristream, connect-es and grpc-js, behind the situation, which the page numbers.
  const marks = (cells: readonly string[]) => cells.map((cell) => cell[0]);
  expect(rows(readFileSync("README.md", "utf8")).map((row) => marks(row.slice(2, 5)))).toEqual(
    shortened.map((number) => marks(full.find((row) => row[1] === number)!.slice(3, 6))),
  );
});

test("the examples of README.md have a port of their own, so that they run beside the greet sample", () => {
  const ports = (path: string) => [...readFileSync(path, "utf8").matchAll(/\b2\d{4}\b/g)].map(String);
  expect(new Set(["server.ts", "client.ts"].flatMap((name) => ports(`${folder}/${name}`))).size).toBe(1);
  for (const greet of ["server.ts", "client.ts", "start.ts"])
    expect(ports(`samples/greet/${greet}`)).not.toContain(ports(`${folder}/server.ts`)[0]);
});

test("the examples of README.md run against each other", async () => {
  // Other tests may use the port that README.md names.
  const port = await freePort();
  mkdirSync(".cache", { recursive: true });
  const copies = mkdtempSync(".cache/readme-");
  for (const name of ["server.ts", "client.ts"]) {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    writeFileSync(`${copies}/${name}`, text.replace("20001", String(port)));
  }
  const server = start(`${copies}/server.ts`);
  try {
    const said = await new Promise((resolve) => server.stdout.once("data", resolve));
    expect(String(said)).toBe(`the server listens on tri://127.0.0.1:${port}\n`);
    const client = start(`${copies}/client.ts`);
    let output = "";
    client.stdout.on("data", (chunk) => {
      output += chunk;
    });
    const code = await new Promise((resolve) => client.once("close", resolve));
    expect(code).toBe(0);
    expect(output.replace(/\s+/g, " ").trim()).toBe(
      "{ '$typeName': 'greet.GreetStreamResponse', greeting: 'hello triple' } hello a hello b",
    );
  } finally {
    server.kill();
    rmSync(copies, { recursive: true });
  }
});
