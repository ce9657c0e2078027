// SPDX-License-Identifier: Apache-2.0
// A process whose timers `node:test` fakes, as a user's test does: calls over a loopback and over sockets. Prints what became of them.
import assert from "node:assert/strict";
import { mock } from "node:test";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  Code,
  createClient,
  createTransport,
  type ServeOptions,
  serve,
  type TripleTransport,
} from "@tristream/node";
import { loopback } from "@tristream/testing";

const realNow = performance.now.bind(performance);
const never = new Promise<never>(() => {});
const routes: ServeOptions["routes"] = (router) =>
  router.service(GreetService, {
    greet: ({ name }) => (name === "" ? never : { greeting: name }),
    async *greetStream(requests) {
      for await (const { name } of requests) yield { greeting: name };
    },
  });

// A deadline doesn't keep a process alive, and a loopback has nothing else that would.
const alive = setInterval(() => {}, 60_000);
const stopWaiting = clearInterval.bind(null, alive);
mock.timers.enable();

async function play(link: string, transport: TripleTransport): Promise<void> {
  const client = createClient(GreetService, transport);
  assert.equal((await client.greet({ name: "a" })).greeting, "a");
  const names = Array.from({ length: 100 }, (_, i) => ({ name: String(i) }));
  let next = 0;
  for await (const { greeting } of client.greetStream(names)) assert.equal(greeting, String(next++));
  assert.equal(next, 100);
  const begun = realNow();
  const call = client.greet({}, { timeoutMs: 50 });
  mock.timers.tick(3_600_000);
  await assert.rejects(call, { code: Code.DeadlineExceeded });
  assert.ok(realNow() - begun >= 49);
  console.log(`${link}: calls went on`);
}

{
  await using link = loopback({ routes });
  await play("loopback", link.transport);
}
{
  await using server = await serve({ host: "127.0.0.1", port: 0, routes });
  await using transport = createTransport(server.url);
  await play("sockets", transport);
}
stopWaiting();
console.log("closed");
