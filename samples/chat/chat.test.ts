// SPDX-License-Identifier: Apache-2.0
// The chat room as its users run it: a server and terminal clients in processes of their own, over pipes.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "@jest/globals";

const root = fileURLToPath(new URL("../..", import.meta.url));
const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** One of the sample's programs, with its lines. */
class Program {
  readonly child: ChildProcess;
  /** The lines of stdout so far. */
  readonly lines: string[] = [];
  stderr = "";
  private wake: () => void = () => {};
  private read = 0;

  constructor(file: "client" | "server", ...args: string[]) {
    const { NODE_OPTIONS: _ofJest, ...env } = process.env;
    const flags = ["--conditions=@tristream/source", "--import", "tsx"];
    this.child = spawn(process.execPath, [...flags, `samples/chat/${file}.ts`, ...args], { cwd: root, env });
    running.add(this.child);
    let rest = "";
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
      this.wake();
    });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.child.once("close", () => {
      running.delete(this.child);
      this.wake();
    });
  }

  /** The next line; a text that says so if the program has ended. */
  async next(): Promise<string> {
    while (this.read === this.lines.length) {
      if (!running.has(this.child)) return `(ended) ${this.stderr}`;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.lines[this.read++]!;
  }

  type(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  async ended(): Promise<{ code: number | null; stderr: string }> {
    if (running.has(this.child)) await once(this.child, "close");
    return { code: this.child.exitCode, stderr: this.stderr };
  }
}

/** Starts a server; gives its address. */
async function startServer(port = "0"): Promise<{ server: Program; address: string; port: string }> {
  const server = new Program("server", port);
  const line = await server.next();
  const [, address, taken] = /^the chat server listens on (tri:\/\/127\.0\.0\.1:(\d+))$/.exec(line) ?? [];
  if (address === undefined) throw new Error(line);
  return { server, address, port: taken! };
}

async function join(address: string, name: string, ...others: string[]): Promise<Program> {
  const client = new Program("client", address, name);
  expect(await client.next()).toBe("* you joined");
  expect(await client.next()).toBe(`* here: ${[name, ...others].sort().join(", ")}`);
  return client;
}

describe("two members", () => {
  test("join, talk, ask who is there, and leave", async () => {
    const { server, address } = await startServer();
    const ali = await join(address, "ali");
    const bea = await join(address, "bea", "ali");
    expect(await ali.next()).toBe("* bea joined");
    ali.type("hello bea");
    expect([await ali.next(), await bea.next()]).toEqual(["ali: hello bea", "ali: hello bea"]);
    bea.type("hello ali");
    bea.type("\u001b[2J");
    expect([await ali.next(), await ali.next()]).toEqual(["bea: hello ali", "bea: \\u001b[2J"]);
    bea.type("/who");
    expect([await bea.next(), await bea.next()]).toEqual(["bea: hello ali", "bea: \\u001b[2J"]);
    expect(await bea.next()).toBe("* here: ali, bea");
    bea.type("/leave");
    expect(await bea.ended()).toEqual({ code: 0, stderr: "" });
    expect(await ali.next()).toBe("* bea left");
    ali.child.stdin!.end("good night"); // the end of the input leaves, too
    expect(await ali.next()).toBe("ali: good night");
    expect(await ali.ended()).toEqual({ code: 0, stderr: "" });
    server.child.kill("SIGTERM");
    expect(await server.next()).toBe("the chat server has stopped");
    expect(await server.ended()).toEqual({ code: 0, stderr: "" });
  });

  test.each([
    ["SIGTERM", "the server stops"],
    ["SIGKILL", "connection to 127.0.0.1:PORT lost"],
  ] as const)("come again after the server ended by %s, and lose no line", async (signal, reason) => {
    const first = await startServer();
    const ali = await join(first.address, "ali");
    const bea = await join(first.address, "bea", "ali");
    expect(await ali.next()).toBe("* bea joined");
    first.server.child.kill(signal);
    for (const member of [ali, bea]) {
      const line = await member.next();
      expect(line).toContain(`* the room is lost: ${reason.replace("PORT", first.port)}`);
      expect(line).toMatch(/\. Joining again…$/);
    }
    await first.server.ended();
    ali.type("is somebody there?");
    const { server } = await startServer(first.port);
    for (const member of [ali, bea]) expect(await member.next()).toBe("* you are back");
    await seenBy(bea, /^\* here: .*ali/, /^\* ali joined/);
    bea.type("yes, bea");
    await seenBy(ali, /^bea: yes, bea$/);
    expect(ali.lines.filter((line) => line === "ali: is somebody there?")).toHaveLength(1);
    bea.type("/leave");
    await seenBy(ali, /^\* bea left$/);
    ali.type("/leave");
    expect([await ali.ended(), await bea.ended()]).toEqual([
      { code: 0, stderr: "" },
      { code: 0, stderr: "" },
    ]);
    expect(ali.lines.filter((line) => line.startsWith("* the room is lost"))).toHaveLength(1);
    server.child.kill("SIGTERM");
    expect(await server.ended()).toEqual({ code: 0, stderr: "" });
  });

  /** Reads a member's lines until one of them matches. */
  async function seenBy(member: Program, ...lines: readonly RegExp[]): Promise<void> {
    for (let line = await member.next(); !lines.some((each) => each.test(line)); line = await member.next())
      if (line.startsWith("(ended)")) throw new Error(line);
  }
});

describe("one line on stderr and exit code 1 tell that", () => {
  test("the name is taken, or is not a name", async () => {
    const { address } = await startServer();
    await join(address, "ali");
    const taken = await new Program("client", address, "ali").ended();
    expect(taken).toEqual({ code: 1, stderr: "[already_exists] the name ali is taken\n" });
    const bad = await new Program("client", address, "a b").ended();
    expect(bad).toEqual({
      code: 1,
      stderr: "[invalid_argument] begin with a name of 1 to 20 letters, digits, _ and -\n",
    });
  });

  test("the client was started without an address", async () => {
    const { code, stderr } = await new Program("client").ended();
    expect([code, stderr]).toEqual([
      1,
      "[invalid_argument] usage: npm run ts -- samples/chat/client.ts ADDRESS NAME\n",
    ]);
  });

  test("no server is there", async () => {
    const { server, address } = await startServer();
    server.child.kill("SIGKILL");
    await server.ended();
    const { code, stderr } = await new Program("client", address, "ali").ended();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^\[unavailable\] can't connect to .*: nothing listens there.*\n$/);
  });
});
