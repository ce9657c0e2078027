// SPDX-License-Identifier: Apache-2.0
// The sample as its users run it: in processes of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport } from "@tristream/node";
// biome-ignore-start lint/style/noRestrictedImports: the peers of the tests are in no package, and needed by no program
import { all, each, type Handlers } from "../../packages/node/tests/foreign-greet.js";
import { clients, servers } from "../../packages/node/tests/foreign-pairs.js";

// biome-ignore-end lint/style/noRestrictedImports: as above

const root = fileURLToPath(new URL("../..", import.meta.url));
const running = new Set<ChildProcess>();

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

function start(
  command: string,
  args: readonly string[],
): { child: ChildProcess; finished: Promise<Finished> } {
  const { NODE_OPTIONS: _ofJest, ...env } = process.env;
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      out[name] += text;
    });
  }
  const finished = once(child, "close").then(([code]) => {
    running.delete(child);
    return { code: code as number | null, ...out };
  });
  return { child, finished };
}

/** Runs one of the sample's programs, as the scripts of package.json do. */
function startSample(program: "client" | "server" | "start", ...args: string[]) {
  const file = `samples/greet/${program}.ts`;
  return start(process.execPath, ["--conditions=@tristream/source", "--import", "tsx", file, ...args]);
}

const runSample = (...args: Parameters<typeof startSample>): Promise<Finished> =>
  startSample(...args).finished;

/** A port of 127.0.0.1 that is in use until disposed. */
async function taken(server: Server, port = 0): Promise<{ port: number } & AsyncDisposable> {
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Settles when nothing listens on a port of 127.0.0.1 any more. */
async function refused(port: number): Promise<void> {
  for (;;) {
    const probe = connect({ host: "127.0.0.1", port });
    const accepted = await once(probe, "connect").then(
      () => true,
      () => false,
    );
    probe.destroy();
    if (!accepted) return;
  }
}

function expectOneLine({ code, stderr }: Finished, line: RegExp): void {
  expect(stderr).toMatch(line);
  expect(stderr.split("\n")).toHaveLength(2);
  expect(stderr).not.toMatch(/^\s*at /m);
  expect(code).toBe(1);
}

it("npm start prints what expected-output.txt says, and nothing else", async () => {
  const expected = await readFile(new URL("expected-output.txt", import.meta.url), "utf8");
  const { code, stdout, stderr } = await start("npm", ["start", "--silent"]).finished;
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: expected, stderr: "" });
});

/** Answers that the sample's own server never gives. */
const others: Handlers = {
  unary: async (name) => `Grüezi ${name}`,
  async *serverStream(name) {
    yield `one ${name}`;
    yield `two ${name}`;
  },
  clientStream: async (names) => `${(await all(names)).length} names`,
  async *bidi(names) {
    for await (const name of names) yield `ciao ${name}`;
  },
};

it.each(servers)("the client prints what $title answers", async ({ serve }) => {
  await using server = await serve(others);
  const finished = await runSample("client", `tri://127.0.0.1:${server.port}`);
  const stdout = `[start to test TRIPLE unary call]
TRIPLE unary call resp: [Grüezi triple]
[start to test TRIPLE bidi stream]
TRIPLE bidi stream resp: [ciao triple]
[start to test TRIPLE client stream]
TRIPLE client stream resp: [5 names]
[start to test TRIPLE server stream]
TRIPLE server stream resp: [one triple]
TRIPLE server stream resp: [two triple]
`;
  expect(finished).toEqual({ code: 0, stdout, stderr: "" });
});

it("the server answers clients of every library, and stops in order at SIGTERM", async () => {
  const { child, finished } = startSample("server", "--port", "0");
  const [line] = (await once(child.stdout!, "data")) as [string];
  const [, port] = /^the greet server listens on tri:\/\/127\.0\.0\.1:(\d+)\n$/.exec(line) ?? [];
  for (const { connect } of clients) {
    await using client = connect(Number(port));
    expect(await client.unary("a")).toBe("a");
    expect(await all(client.serverStream("b"))).toEqual(["b", "b", "b", "b", "b"]);
    expect(await client.clientStream(each(["c", "d"]))).toBe("c,d");
    expect(await all(client.bidi(each(["e", "f"])))).toEqual(["e", "f"]);
  }
  child.kill("SIGTERM");
  const { code, stderr, stdout } = await finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(`${line}stopped: of the calls that ran, 0 finished and 0 were cut\n`);
});

it("the server lets a call that runs finish at SIGTERM, and exits with code 0", async () => {
  const { child, finished } = startSample("server", "--port", "0");
  const [line] = (await once(child.stdout!, "data")) as [string];
  const [, address] = /^the greet server listens on (tri:\S+)\n$/.exec(line) ?? [];
  await using transport = createTransport(address!);
  const chat = createClient(GreetService, transport).greetStream();
  await chat.send({ name: "a" });
  expect((await chat.receive())?.greeting).toBe("a");
  child.kill("SIGTERM");
  // The server takes no connection any more: the shutdown has begun.
  await refused(Number(new URL(address!.replace("tri:", "http:")).port));
  await chat.send({ name: "b" });
  expect((await chat.receive())?.greeting).toBe("b");
  await chat.closeRequest();
  expect(await chat.receive()).toBeUndefined();
  const { code, stderr, stdout } = await finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(`${line}stopped: of the calls that ran, 1 finished and 0 were cut\n`);
});

describe("one line on stderr and exit code 1 tell that", () => {
  it("nothing listens there", async () => {
    const free = await taken(createServer());
    await free[Symbol.asyncDispose]();
    const finished = await runSample("client", `tri://127.0.0.1:${free.port}`);
    expectOneLine(finished, new RegExp(`unavailable.*127\\.0\\.0\\.1:${free.port}.*nothing listens there`));
  });

  it.each([
    ["127.0.0.1:20000", /has no scheme/],
    ["tri://127.0.0.1", /has no port/],
    ["tri://:20000", /has no host/],
    ["tri://127.0.0.1:99999", /has port 99999/],
    ["ftp://127.0.0.1:20000", /has scheme "ftp"/],
    ["tri://127.0.0.1:20000/greet.GreetService", /has path "\/greet\.GreetService"/],
    ["tri://127.0.0.1:20000?timeout=3", /has parameter "timeout"/],
    ["", /is empty/],
  ])("%j is not an address", async (address, line) => {
    const finished = await runSample("client", address);
    expectOneLine(finished, line);
    expect(finished.stdout).toBe("");
  });

  it("what listens there is no RPC server", async () => {
    await using closes = await taken(createServer((socket) => socket.destroy()));
    expectOneLine(await runSample("client", `tri://127.0.0.1:${closes.port}`), /unavailable/);
    await using http = await taken(createHttpServer((_req, res) => res.end("hello\n")));
    expectOneLine(await runSample("client", `tri://127.0.0.1:${http.port}`), /unavailable/);
  });

  it("the server there has no such service", async () => {
    await using server = await servers[2]!.serve({});
    expectOneLine(await runSample("client", `tri://127.0.0.1:${server.port}`), /unimplemented/);
  });

  it("the server's port is taken", async () => {
    await using other = await taken(createServer());
    const finished = await runSample("server", "--port", `${other.port}`);
    expectOneLine(finished, new RegExp(`can't listen on 127\\.0\\.0\\.1:${other.port}: it is taken`));
    expect(finished.stdout).toBe("");
  });

  it("the port of npm start is taken", async () => {
    // A Dubbo server of the developer may have it.
    await using _other = await taken(createServer(), 20000).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") throw error;
      return null;
    });
    const finished = await start("npm", ["start", "--silent"]).finished;
    expectOneLine(finished, /can't listen on 127\.0\.0\.1:20000: it is taken/);
    expect(finished.stdout).toBe("");
  });

  it.each([
    [["--port", "abc"], /port "abc": give a number/],
    [["--port", "70000"], /port "70000": give a number/],
    [["--port", ""], /port "": give a number/],
    [["--port="], /port "": give a number/],
    [["--port", " "], /port " ": give a number/],
    [["--port", "0x1"], /port "0x1": give a number/],
    [["--port", "-1"], /port "-1": give a number/],
    [["--port"], /--port has no value: give a number/],
    [["--prot", "1"], /unknown argument "prot"/],
    [["20000"], /unknown argument "20000"/],
  ])("the server can't be started with %j", async (args, line) => {
    expectOneLine(await runSample("server", ...args), line);
  });
});
