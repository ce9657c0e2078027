// SPDX-License-Identifier: Apache-2.0
// server.ts: serves greet.GreetService and prints "READY PORT". Each line of stdin, a JSON list of names, is answered by "SEEN {…}": how many of
// these calls the server saw, how many calls it saw twice, and how many run.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";

const pauseMs = 5;
const calls = new Map<string, number>();
const saw = (name: string): void => void calls.set(name, (calls.get(name) ?? 0) + 1);

const server = await serve({
  host: "127.0.0.1",
  port: 0,
  logger: { error: console.error, warn: console.error, info() {}, debug() {} },
  routes: (router) =>
    router.service(GreetService, {
      async greet({ name }) {
        saw(name);
        await sleep(2 * pauseMs);
        return { greeting: name };
      },
      async *greetServerStream({ name }) {
        saw(name);
        const count = Number(name.split(" ").at(-1));
        for (let i = 0; i < count; i++) {
          yield { greeting: `${i}` };
          await sleep(pauseMs);
        }
      },
      async *greetStream(requests) {
        let isFirst = true;
        for await (const { name } of requests) {
          if (isFirst) saw(name);
          isFirst = false;
          yield { greeting: name };
        }
      },
      async greetClientStream(requests) {
        let count = 0;
        for await (const { name } of requests) {
          if (count === 0) saw(name);
          else if (name !== `${count}`) return { greeting: `message ${count} was ${name}` };
          count++;
        }
        return { greeting: `${count}` };
      },
    }),
});

console.log(`READY ${server.port}`);
createInterface(process.stdin)
  .on("line", (line) => {
    const names = JSON.parse(line) as string[];
    const seen = names.filter((name) => calls.has(name)).length;
    const twice = [...calls].filter(([, times]) => times > 1).map(([name]) => name);
    console.log(`SEEN ${JSON.stringify({ all: calls.size, seen, twice, active: server.activeCalls })}`);
  })
  .once("close", () => process.exit());
