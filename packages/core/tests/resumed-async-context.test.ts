// SPDX-License-Identifier: Apache-2.0
// Promise 13: each call's code runs in its own context, also when a second attempt or a foreign transport resumes it.
// Mutant: core/src/client/call/attempt.ts # this.context.runInAsyncScope(next.beginAfter, next, error); => again().catch
// Mutant: core/src/client/call/foreign-method.ts # new ContextIterable(given, captureContext()); => given;
import type { Transport } from "@connectrpc/connect";
import { createClient, type Interceptor, replayable } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { type Refusal, refusals, startRefusing } from "./refusing-peer.js";
import { Stores } from "./stores.js";

/** An interceptor that runs the rest of the call in a store. */
const runsIn =
  ({ storage }: Stores, own: string): Interceptor =>
  (next) =>
  (req) =>
    storage.run(own, () => next(req));

async function* requests(stores: Stores, own: string) {
  for (let i = 0; i < 3; i++) {
    stores.visit("requests", own);
    yield { name: String(i) };
    stores.visit("requests", own);
  }
}

describe.each(Object.keys(refusals) as Refusal[])("a call that meets %s", (refusal) => {
  test("is made again in its own context, inside the interceptors", async () => {
    const stores = new Stores();
    await using end = startRefusing((r) => r.service(GreetService, greeter()), refusal);
    const client = createClient(GreetService, end.transport, {
      interceptors: [runsIn(stores, "the call's")],
    });
    const answer = client.greetClientStream(replayable(() => requests(stores, "the call's")));
    await end.arrived[0];
    stores.storage.run("whoever refuses", () => end.refuse(0));
    await end.waits[0];
    stores.storage.run("whoever connects", () => end.connected());
    expect((await answer).greeting).toBe("0,1,2");
    stores.expectOwn("requests");
  });
});

test("a request generator sees its own store in a foreign transport that reads it anywhere", async () => {
  const stores = new Stores();
  const { storage } = stores;
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) => r.service(GreetService, greeter()),
  });
  await using ours = createTransport(server.url);
  const foreign: Transport = {
    unary: ours.unary,
    stream(method, signal, timeoutMs, header, input, contextValues) {
      const iterator = input[Symbol.asyncIterator]();
      const elsewhere = async function* () {
        for (;;) {
          const next = await storage.run("the transport's", () => iterator.next());
          if (next.done === true) return;
          yield next.value;
        }
      };
      return ours.stream(method, signal, timeoutMs, header, elsewhere(), contextValues);
    },
  };
  const client = createClient(GreetService, foreign, { interceptors: [runsIn(stores, "the call's")] });
  const { greeting } = await client.greetClientStream(requests(stores, "the call's"));
  expect(greeting).toBe("0,1,2");
  stores.expectOwn("requests");
});
