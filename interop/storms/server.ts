// SPDX-License-Identifier: Apache-2.0
// server.ts: serves greet.GreetService twice on 127.0.0.1 and prints "READY PORT PORT": with the default options, and with room for 4096
// streams. Each line of stdin is answered by "CENSUS {…}": what runs, which connections there were, and the lines of the log.
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { type ServeOptions, serve, type TripleContext } from "@tristream/node";

const tickMs = 20;

/** One timer wakes all paced streams. */
const tick = new EventEmitter().setMaxListeners(0);
setInterval(() => tick.emit("tick"), tickMs);

async function start(http2: ServeOptions["http2"]) {
  const lines: string[] = [];
  const connections = new Set<string>();
  let running = 0;
  const note = (level: string) => (text: string) => void lines.push(`${level}: ${text}`);

  async function* handle<T>(context: TripleContext, messages: () => AsyncIterable<T>): AsyncGenerator<T> {
    connections.add(context.peer.address);
    running++;
    try {
      yield* messages();
    } finally {
      running--;
    }
  }

  async function* greetings(name: string): AsyncGenerator<{ greeting: string }> {
    const [, count = Number.POSITIVE_INFINITY, text = name] = /^count:(\d+):(.*)$/.exec(name) ?? [];
    for (let i = 0; i < Number(count); i++) {
      yield { greeting: `${text} ${i}` };
      if (name === "paced") await once(tick, "tick");
    }
  }

  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: { error: note("error"), warn: note("warn"), info() {}, debug() {} },
    http2,
    routes: (router) =>
      router.service(GreetService, {
        async greet({ name }, context) {
          connections.add(context.peer.address);
          running++;
          try {
            const ms = /^ms:(\d+)$/.exec(name)?.[1];
            if (ms !== undefined) await sleep(Number(ms));
            return { greeting: name };
          } finally {
            running--;
          }
        },
        greetServerStream: ({ name }, context) => handle(context, () => greetings(name)),
      }),
  });
  return {
    port: server.port,
    census: () => ({ running, active: server.activeCalls, connections: [...connections], lines }),
  };
}

const servers = await Promise.all([start({}), start({ maxConcurrentStreams: 4096 })]);
console.log(`READY ${servers.map(({ port }) => port).join(" ")}`);
createInterface(process.stdin)
  .on("line", () => console.log(`CENSUS ${JSON.stringify(servers.map(({ census }) => census()))}`))
  .once("close", () => process.exit());
