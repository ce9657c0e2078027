// SPDX-License-Identifier: Apache-2.0
// cancelling-child.ts PORT COUNT: a stock connect-es client in a process of its own. It cancels COUNT uploads one after the other, each
// when its parent has written a line to its standard input: the server has a message of the upload.
import { createInterface } from "node:readline";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";

const [port, count] = process.argv.slice(2);
const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
const client = createClient(GreetService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));

async function* oneMessage() {
  yield { name: "a" };
  await new Promise<never>(() => {});
}

for (let i = 0; i < Number(count); i++) {
  const abort = new AbortController();
  const ended = client.greetClientStream(oneMessage(), { signal: abort.signal }).catch(() => {});
  await lines.next();
  abort.abort();
  await ended;
}
process.exit(0);
