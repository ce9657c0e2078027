// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { Code } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { expect, test } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, type Transport } from "@tristream/node";

const folder = "samples/mounts";
const files = ["routes.ts", "node.ts", "fastify.ts", "express.ts"];

/** A port without a listener. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** An example that listens on another port, since other tests may use its own, and says so. */
function listeningOn(port: number, text: string): string {
  const told = `console.log("listening")`;
  if (text.includes("await app.listen")) return `${text.replace("20000", `${port}`)}${told};\n`;
  return text.replace(`20000, "127.0.0.1")`, `${port}, "127.0.0.1", () => ${told})`);
}

/** A stock transport, and how to close it. */
function stock(port: number, http: "1.1" | "2"): { transport: Transport; close(): void } {
  const baseUrl = `http://127.0.0.1:${port}`;
  if (http === "1.1")
    return { transport: createConnectTransport({ baseUrl, httpVersion: http }), close() {} };
  const sessionManager = new Http2SessionManager(baseUrl);
  return {
    transport: createGrpcTransport({ baseUrl, sessionManager }),
    close: () => sessionManager.abort(),
  };
}

test("the examples of docs/mounts.md are the files of this folder", () => {
  const text = readFileSync("docs/mounts.md", "utf8");
  const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
  expect(blocks).toEqual(files.map((file) => readFileSync(`${folder}/${file}`, "utf8")));
});

test.each([
  ["node.ts", "2"],
  ["fastify.ts", "2"],
  ["express.ts", "1.1"],
] as const)("%s serves its routes to a stock client", async (file, http) => {
  const port = await freePort();
  mkdirSync(".cache", { recursive: true });
  const copies = mkdtempSync(".cache/mounts-");
  for (const name of files)
    writeFileSync(`${copies}/${name}`, listeningOn(port, readFileSync(`${folder}/${name}`, "utf8")));
  const flags = ["--conditions=@tristream/source", "--import", "tsx"];
  const server = spawn(process.execPath, [...flags, `${copies}/${file}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((resolve) => server.stdout.once("data", resolve));
    const { transport, close } = stock(port, http);
    const greeter = createClient(GreetService, transport, { group: "g1" });
    expect((await greeter.greet({ name: "a" })).greeting).toBe("hello a");
    const greetings: string[] = [];
    // HTTP/1.1 has no bidi streams.
    const stream = http === "2" ? greeter.greetStream([{ name: "b" }, { name: "c" }]) : [];
    for await (const { greeting } of stream) greetings.push(greeting);
    expect(greetings).toEqual(http === "2" ? ["hello b", "hello c"] : []);
    await expect(createClient(GreetService, transport).greet({})).rejects.toMatchObject({
      code: Code.Unimplemented,
    });
    close();
  } finally {
    const gone = new Promise((resolve) => server.once("close", resolve));
    server.kill();
    await gone;
    rmSync(copies, { recursive: true });
  }
});
