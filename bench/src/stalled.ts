// SPDX-License-Identifier: Apache-2.0
// How fast one stream is beside a thousand unread ones, on the same connection: `npm run bench:stalled`.
import { type Client, createClient, createTransport, serve } from "@tristream/node";
import { BenchService } from "../gen/bench_pb.js";

const stalled = 1000;
const rounds = 5;
const messages = 400_000;
const payload = "0123456789";

type BenchClient = Client<typeof BenchService>;

/** Messages a second of one stream of small messages. */
async function rate(client: BenchClient): Promise<number> {
  const start = performance.now();
  let n = 0;
  for await (const message of client.serverStream({ count: messages })) n += message.number === 0 ? 0 : 1;
  if (n !== messages) throw new Error(`${n} of ${messages} messages came`);
  return (n / (performance.now() - start)) * 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

const logger = { error: console.error, warn: console.error, info() {}, debug() {} };
await using server = await serve({
  host: "127.0.0.1",
  port: 0,
  logger,
  routes: (router) =>
    router.service(BenchService, {
      async *serverStream({ count }) {
        for (let i = 0; count === 0 || i < count; i++) yield { number: 1, payload };
      },
    }),
});
// Both kinds of connection in turns, so that what the machine does meanwhile meets both.
await using alone = createTransport(server.url);
await using beside = createTransport(server.url);
const free = createClient(BenchService, alone);
const crowded = createClient(BenchService, beside);
const handles = Array.from({ length: stalled }, () => crowded.serverStream({ count: 0 }));
await Promise.all(handles.map((handle) => handle.responseHeader));
await rate(free);
await rate(crowded);
const figures = { alone: [] as number[], beside: [] as number[] };
for (let round = 0; round < rounds; round++) {
  figures.alone.push(await rate(free));
  figures.beside.push(await rate(crowded));
  console.error(`round ${round + 1} of ${rounds}`);
}
for (const handle of handles) handle.cancel();
const [a, b] = [median(figures.alone), median(figures.beside)];
console.log(
  `alone ${Math.round(a)}/s, beside ${stalled} stalled streams ${Math.round(b)}/s: ${((100 * b) / a).toFixed(0)} %`,
);
