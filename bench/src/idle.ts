// SPDX-License-Identifier: Apache-2.0
// How much heap an idle stream takes on each side: `node --expose-gc idle.js server`, then `… client PORT`.
import { createClient, createTransport, serve } from "@tristream/node";
import { BenchService } from "../gen/bench_pb.js";

const streams = 10_000;
const http2 = { maxConcurrentStreams: 2 * streams };
const [role, port] = process.argv.slice(2);
const quiet = { error: console.error, warn: console.error, info() {}, debug() {} };

/** Heap in use after garbage collection, in bytes. */
function heap(): number {
  // Some objects need a second collection: finalizers keep them through the first.
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Prints the heap that each stream added. */
function printGrowth(before: number): void {
  console.log(String((heap() - before) / streams));
}

if (role === "server") {
  let started = 0;
  let before = 0;
  await serve({
    host: "127.0.0.1",
    port: 0,
    http2,
    logger: quiet,
    routes: (router) =>
      router.service(BenchService, {
        async *bidi(requests, context) {
          // The first call warms up what is made once.
          if (started++ === 1) before = heap();
          context.sendHeaders();
          yield* requests;
        },
      }),
  }).then((server) => console.log(`ready ${server.port}`));
  process.once("message", () => printGrowth(before));
} else {
  const client = createClient(BenchService, createTransport(`tri://127.0.0.1:${port}`, { http2 }));
  const warm = client.bidi();
  await warm.responseHeader;
  const before = heap();
  const handles = [];
  for (let i = 0; i < streams; i++) {
    const handle = client.bidi();
    handles.push(handle);
    // A hundred at a time: a client that does not know the peer's limit yet holds itself to that.
    if (i % 100 === 0) await handle.responseHeader;
  }
  await handles.at(-1)?.responseHeader;
  printGrowth(before);
  // The handles live until here.
  process.once("message", () => process.exit(handles.length === streams ? 0 : 1));
}
