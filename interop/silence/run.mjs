// SPDX-License-Identifier: Apache-2.0
// node interop/silence/run.mjs: see ../README.md
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root, run } from "../rig/build.mjs";
import { buildGoTools } from "../rig/go-tools.mjs";
import { spawnOptions } from "../rig/peers.mjs";

const java = join(root, "interop/silence/java");
const { "silence-go": go } = await buildGoTools("silence/go", { "silence-go": "." });
await run("the grpc-java server needs a JDK, 17 or newer, and Maven", ["mvn", "-q", "-B", "package"], {
  cwd: java,
});
const servers = {
  "grpc-go": [go],
  "grpc-java": [
    "java",
    "-cp",
    [join(java, "target/silence.jar"), join(java, "target/lib/*")].join(":"),
    "silence.Server",
  ],
};
const tristream = [process.execPath, "--conditions=@tristream/source", "--import", "tsx"];

async function play([name, command]) {
  const server = spawn(command[0], command.slice(1), {
    ...spawnOptions,
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.on("exit", () => server.kill());
  const port = await new Promise((resolve, reject) => {
    server.once("exit", () => reject(new Error(`${name} ended at once`)));
    createInterface(server.stdout).on("line", (line) => {
      if (line.startsWith("READY ")) resolve(line.slice(6));
    });
  });
  const codes = await Promise.all(["doubts", "alone"].map((mode) => client(name, port, mode)));
  server.kill();
  if (codes.some((code) => code !== 0)) process.exitCode = 1;
}

function client(...args) {
  const [program, ...options] = tristream;
  const child = spawn(program, [...options, "interop/silence/client.ts", ...args], {
    ...spawnOptions,
    stdio: "inherit",
  });
  return new Promise((resolve) => child.once("close", resolve));
}

await Promise.all(Object.entries(servers).map(play));
