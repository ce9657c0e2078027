// SPDX-License-Identifier: Apache-2.0
// server.ts OPTIONS: serves greet.GreetService with these options of HTTP/2, as JSON, and prints "READY PORT". A handler that ends by
// Unavailable prints "LOST TIME". Each line of stdin is answered by "LEFT COUNT": the calls that run.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, type Http2Options, serve } from "@tristream/node";
import { tickMs } from "./pace.js";

const server = await serve({
  host: "127.0.0.1",
  port: 0,
  logger: { error: console.error, warn: console.error, info() {}, debug() {} },
  http2: JSON.parse(process.argv[2] ?? "{}") as Http2Options,
  routes: (router) =>
    router.service(GreetService, {
      greet: ({ name }) => ({ greeting: name }),
      async *greetServerStream(_, { signal }) {
        watch(signal);
        for (let i = 0; ; i++) {
          yield { greeting: `${i}` };
          await sleep(tickMs);
        }
      },
      async *greetStream(requests, { signal }) {
        watch(signal);
        for await (const { name } of requests) yield { greeting: name };
      },
      async greetClientStream(requests, { signal }) {
        watch(signal);
        let count = 0;
        for await (const { name } of requests) {
          if (Number.parseInt(name, 10) !== count) return { greeting: `message ${count} was ${name}` };
          count++;
        }
        return { greeting: `${count}` };
      },
    }),
});

function watch(signal: AbortSignal): void {
  signal.addEventListener("abort", () => {
    const { reason } = signal;
    if (reason instanceof ConnectError && reason.code === Code.Unavailable) console.log(`LOST ${Date.now()}`);
  });
}

console.log(`READY ${server.port}`);
createInterface(process.stdin)
  .on("line", () => console.log(`LEFT ${server.activeCalls}`))
  .once("close", () => process.exit());
