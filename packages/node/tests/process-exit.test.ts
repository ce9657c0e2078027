// SPDX-License-Identifier: Apache-2.0
// A script without close() ends by itself: neither an idle connection, nor a dial that no call waits for, keeps its process alive.
// Mutant: node/src/dial/connection-attempt.ts # else this.socket.unref();
// Mutant: node/src/dial/dial.ts # if (active) return; => return;
// Mutant: node/src/dial/dial.ts # const active = this.signals.size > 0; => const active = true;
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "@jest/globals";
import { echoServer, mute, scriptedPeer } from "./scripted-peer.js";

const file = fileURLToPath(new URL("./process-exit-child.ts", import.meta.url));
const children: ChildProcess[] = [];
const sockets: Socket[] = [];

function start(...args: string[]): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  const child = spawn(
    process.execPath,
    ["--conditions=@tristream/source", "--import", "tsx", file, ...args],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  children.push(child);
  return child;
}

/** The output of a script until it has ended by itself; its calls have. */
async function run(script: string, url: string): Promise<string[]> {
  const child = start(script, url);
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  const [code, signal] = await once(child, "close");
  expect([script, code, signal]).toEqual([script, 0, null]);
  return lines;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const socket of sockets.splice(0)) socket.destroy();
});

describe("a process ends by itself", () => {
  it("after calls that were answered, cancelled while connecting, queued behind the peer's limit, or refused", async () => {
    await using server = await echoServer({ maxConcurrentStreams: 1 });
    const scripts = ["answered", "cancelled", "one-of-two", "closed", "queued"];
    expect(await Promise.all(scripts.map((script) => run(script, server.url)))).toEqual([
      ["hello"],
      ["Canceled"],
      ["Canceled", "hello"],
      ["Unavailable"],
      ["Canceled", "Canceled"],
    ]);
  });

  it("while a peer is mute that no call waits for", async () => {
    await using peer = await scriptedPeer(mute);
    const two = `${peer.url};${peer.url}`;
    expect(
      await Promise.all([
        run("cancelled", peer.url),
        run("deadline", peer.url),
        run("cancelled", two),
        run("closed", two),
      ]),
    ).toEqual([["Canceled"], ["DeadlineExceeded"], ["Canceled"], ["Unavailable"]]);
  });

  it("while a lookup has no answer that no call waits for", async () => {
    const scripts = ["cancelled", "deadline", "closed"];
    const url = "tri://never.example:1";
    expect(await Promise.all(scripts.map((script) => run(script, url)))).toEqual([
      ["Canceled"],
      ["DeadlineExceeded"],
      ["Unavailable"],
    ]);
  });

  it("while a TCP connection is under way that no call waits for", async () => {
    const full = start("full");
    const [line] = await once(createInterface(full.stdout), "line");
    const port = Number(line);
    // The queue of what listens there takes a few; then the system answers no more.
    for (let i = 0; i < 8; i++) sockets.push(connect(port, "127.0.0.1").on("error", () => {}));
    await once(sockets[0]!, "connect");
    const scripts = ["cancelled", "deadline", "one-of-two-deadlines"];
    const url = `tri://127.0.0.1:${port}`;
    expect(await Promise.all(scripts.map((script) => run(script, url)))).toEqual([
      ["Canceled"],
      ["DeadlineExceeded"],
      ["DeadlineExceeded", "DeadlineExceeded"],
    ]);
  });
});
