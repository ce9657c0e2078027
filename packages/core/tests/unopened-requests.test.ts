// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak. A call that ends before it has opened its requests leaves them: nobody sends to a reader that never comes.
// Mutant: core/src/client/call/stream-call.ts # this.messages?.over();
// Mutant: core/src/client/call/connect-call.ts # this.messages?.over();
import { AsyncLocalStorage } from "node:async_hooks";
import { createClient as connectClient } from "@connectrpc/connect";
import { type CallOptions, Code, createChannel, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { all, codeOf, errorOf, happening, turns } from "./events.js";

/** Nothing listens there. */
const nowhere = "tri://127.0.0.1:1";

const throwing: Interceptor = () => () => {
  throw new Error("not today");
};

interface Ending {
  readonly how: string;
  readonly code: Code;
  readonly options?: CallOptions;
  readonly interceptors?: Interceptor[];
}

const endings: Ending[] = [
  { how: "a refused connection", code: Code.Unavailable },
  { how: "a signal that has fired", code: Code.Canceled, options: { signal: AbortSignal.abort() } },
  { how: "an interceptor that throws", code: Code.Internal, interceptors: [throwing] },
];

describe.each(endings)("requests that $how leaves unopened", ({ code, options, interceptors = [] }) => {
  test("are a channel that closes: its sends reject", async () => {
    await using transport = createTransport(nowhere);
    const client = createClient(GreetService, transport, { interceptors });
    const channel = createChannel<{ name: string }>({ capacity: 1 });
    await channel.send({ name: "a" });
    const waiting = codeOf(channel.send({ name: "b" }));
    expect((await errorOf(all(client.greetStream(channel, options)))).code).toBe(code);
    expect(await waiting).toBe(Code.Canceled);
    expect(channel.closed).toBe(true);
    expect(await codeOf(channel.send({ name: "c" }))).toBe(Code.Canceled);
  });

  test("are returned once, in the caller's context, and may reject", async () => {
    await using transport = createTransport(nowhere);
    const client = createClient(GreetService, transport, { interceptors });
    const store = new AsyncLocalStorage<string>();
    const returned: unknown[] = [];
    const requests: AsyncIterable<{ name: string }> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("nobody may ask")),
        return() {
          returned.push(store.getStore());
          return Promise.reject(new Error("can't"));
        },
      }),
    };
    await store.run("caller", () => errorOf(client.greetClientStream(requests, options)));
    await turns(5);
    expect(returned).toEqual(["caller"]);
  });
});

test("a client of Connect's leaves its unopened requests, too", async () => {
  await using transport = createTransport(nowhere);
  const client = connectClient(GreetService, transport);
  for (const options of [{}, { signal: AbortSignal.abort() }]) {
    const left = happening();
    const requests: AsyncIterable<{ name: string }> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("nobody may ask")),
        return: async () => {
          left.tell();
          return { done: true, value: undefined };
        },
      }),
    };
    await errorOf(client.greetClientStream(requests, options));
    await left;
  }
});
