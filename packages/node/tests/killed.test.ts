// SPDX-License-Identifier: Apache-2.0
// Promise 5: a crash is not a cancel. A process that is killed, as its peers see it.
// Mutant: core/src/engine/call/response-reset.ts # if (reset.source === "connection") { => if (reset.source === "connection") { return undefined as never;
// Mutant: core/src/engine/call/request-reset.ts # if (reset.source === "connection") { => if (reset.source === "connection") { return undefined as never;
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport, serve } from "@tristream/node";
import { Later } from "./foreign-greet.js";

const file = fileURLToPath(new URL("./killed-child.ts", import.meta.url));
const children: ChildProcess[] = [];

/** Starts an end in a process of its own. */
function start(...args: string[]): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  const child = spawn(
    process.execPath,
    ["--conditions=@tristream/source", "--import", "tsx", file, ...args],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  children.push(child);
  return child;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

type Client = ReturnType<typeof createClient<typeof GreetService>>;

const kinds: Record<string, (client: Client) => Promise<unknown>> = {
  "a unary call": (client) => client.greet({ name: "a" }),
  async "a server stream"(client) {
    for await (const _ of client.greetServerStream({ name: "a" }));
  },
  async "an upload"(client) {
    const upload = client.greetClientStream();
    await upload.send({ name: "a" });
    await upload.responseTrailer;
  },
  async "a chat"(client) {
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    for await (const _ of chat);
  },
};

describe("a server's process that is killed", () => {
  it("ends calls of all kinds with Unavailable, that says what had come, and never with Canceled", async () => {
    const child = start("server");
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const port = Number(/^port (\d+)$/.exec((await lines.next()).value)?.[1]);
    await using transport = createTransport(`tri://127.0.0.1:${port}`);
    const client = createClient(GreetService, transport);
    const calls = Object.entries(kinds).map(([kind, call]) => ({
      kind,
      outcome: call(client).catch((e) => e),
    }));
    for (const _ of calls) expect((await lines.next()).value).toBe("begun");
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    for (const { kind, outcome } of calls) {
      const error = (await outcome) as ConnectError;
      expect(error).toBeInstanceOf(ConnectError);
      expect({ kind, code: error.code }).toEqual({ kind, code: Code.Unavailable });
      expect(error.rawMessage).toMatch(
        new RegExp(`^connection to 127\\.0\\.0\\.1:${port} lost after (no answer|1 message): `),
      );
    }
    // Until the process is gone the system may take connections in its name.
    await exited;
    const later = (await client.greet({}).catch((e) => e)) as ConnectError;
    expect(later.code).toBe(Code.Unavailable);
    expect(later.rawMessage).toContain("nothing listens there");
  });
});

describe("a client's process that is killed", () => {
  it("ends its handler's loop and signal with Unavailable, runs its finally, and leaves a line in the log", async () => {
    const begun = new Later<void>();
    const read = new Later<unknown>();
    const finalised = new Later<AbortSignal>();
    const line = new Later<string>();
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: { error() {}, warn() {}, info() {}, debug: (text) => line.resolve(text) },
      routes: (router) =>
        router.service(GreetService, {
          async *greetStream(requests, context) {
            const { signal } = context;
            try {
              for await (const { name } of requests) {
                yield { greeting: name };
                begun.resolve();
              }
              read.resolve("complete");
            } catch (error) {
              read.resolve(error);
            } finally {
              finalised.resolve(signal);
            }
          },
        }),
    });
    const child = start("client", String(server.port));
    await begun.promise;
    child.kill("SIGKILL");
    await once(child, "exit");
    const how =
      "(the other end closed it in mid-call, or its process was killed|the other end reset it, or its process was killed \\(ECONNRESET\\))";
    const error = (await read.promise) as ConnectError;
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(
      new RegExp(`^connection to 127\\.0\\.0\\.1:\\d+ lost in greet.GreetService/GreetStream: ${how}$`),
    );
    expect(await line.promise).toMatch(new RegExp(`^connection with 127\\.0\\.0\\.1:\\d+ ended: ${how}$`));
    expect((await finalised.promise).reason).toBe(await read.promise);
  });
});
