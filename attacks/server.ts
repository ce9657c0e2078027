// SPDX-License-Identifier: Apache-2.0
// The server that is attacked, in a process of its own. What its handlers do follows from the name that they are given.
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  ConnectError,
  type Logger,
  type ServerHandle,
  serve,
  type TripleContext,
} from "@tristream/node";
import { attacks } from "./attack-list.js";
import { answer } from "./child.js";
import { HeapService } from "./heap-service.js";
import { Meter } from "./meter.js";

const largeAnswer = "x".repeat(1_048_576);
const middleAnswer = "x".repeat(65_536);
const keptLines = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0008\u000b-\u001f\u007f]|\n(?! {4})/;

let server: ServerHandle | undefined;
let meter = new Meter();
let handlers = 0;
let lines: Record<string, number> = {};
let forged = 0;
let log: string[] = [];

const write = (level: string) => (text: string) => {
  lines[level] = (lines[level] ?? 0) + 1;
  // A stack trace has lines of its own.
  if (control.test(text)) forged++;
  if (log.length < keptLines) log.push(`${level} ${text.slice(0, 400)}`);
};
const logger: Logger = {
  error: write("error"),
  warn: write("warn"),
  info: write("info"),
  debug: write("debug"),
};

/** Counts the offender's calls: the well-behaved client says who it is. */
function began(context: Pick<TripleContext, "requestHeader">): void {
  if (!context.requestHeader.has("x-good")) handlers++;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

answer<"server">({
  async open({ attack }) {
    const chosen = attacks.find(({ name }) => name === attack)!;
    server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger,
      ...chosen.server,
      routes: (router) => {
        router.service(GreetService, {
          async greet({ name }, context) {
            began(context);
            if (name === "wait") await ended(context.signal);
            if (name === "throw") throw new Error("a handler's error");
            if (name === "large") return { greeting: largeAnswer };
            if (name.startsWith("refuse ")) throw new ConnectError(name, Code.FailedPrecondition);
            return { greeting: name };
          },
          async *greetStream(requests, context) {
            began(context);
            if (context.requestHeader.has("x-unread")) await ended(context.signal);
            for await (const { name } of requests) yield { greeting: name };
          },
          async greetClientStream(requests, context) {
            began(context);
            if (context.requestHeader.has("x-unread")) await ended(context.signal);
            let n = 0;
            for await (const _ of requests) n++;
            return { greeting: String(n) };
          },
          async *greetServerStream({ name }, context) {
            began(context);
            const greeting = { middle: middleAnswer, large: largeAnswer }[name] ?? name;
            while (!context.signal.aborted) yield { greeting };
          },
        });
        router.service(HeapService, {
          async unary(list, context) {
            began(context);
            await sleep(20);
            return list.values.length > 1e9 ? list : {};
          },
          async upload(_requests, context) {
            began(context);
            await ended(context.signal);
            return {};
          },
        });
      },
    });
    return server.port;
  },
  async begin() {
    handlers = 0;
    lines = {};
    forged = 0;
    log = [];
    globalThis.gc?.();
    meter = new Meter();
    meter.start();
    return null;
  },
  async report() {
    const { rssMiB, stallMs, cpuMs } = meter.stop();
    // The well-behaved client keeps one call open.
    for (let i = 0; i < 100 && server!.activeCalls > 1; i++) await sleep(20);
    const leftCalls = Math.max(0, server!.activeCalls - 1);
    return { rssMiB, stallMs, cpuMs, handlers, leftCalls, lines, forged, log };
  },
  async close() {
    await server?.shutdown({ graceMs: 0 });
    server = undefined;
    return null;
  },
});
