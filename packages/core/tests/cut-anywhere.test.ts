// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. Wherever the connection is cut.
// Mutant: core/src/engine/call/client-call.ts # this.ended(error);
// Mutant: http2/src/streams/stream.ts # sink.reset(reset);
// Mutant: node/src/socket-link.ts # socket.on("close", ( => socket.on("never", (
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;

const kinds: Record<string, (client: Client) => Promise<unknown>> = {
  "a unary call": async (client) => (await client.greet({ name: "a" })).greeting,
  "a server stream": async (client) => (await all(client.greetServerStream({ name: "a" }))).length,
  "an upload": async (client) => (await client.greetClientStream([{ name: "a" }, { name: "b" }])).greeting,
  "a chat": async (client) => (await all(client.greetStream([{ name: "a" }, { name: "b" }]))).length,
  "a chat that is driven": async (client) => {
    await using chat = client.greetStream();
    for (const name of ["a", "b"]) {
      await chat.send({ name });
      await chat.receive();
    }
    await chat.closeRequest();
    return await chat.receive();
  },
};

/** Makes a call on a connection that is cut when so many chunks have passed; whether it was. */
async function callCutAfter(link: LinkKind, chunks: number, call: (client: Client) => Promise<unknown>) {
  let seen = 0;
  let cut = false;
  await using end = await link.start({
    cuttable: true,
    tap: () => {
      if (seen++ !== chunks) return;
      cut = true;
      end.cut();
    },
    routes: (r) => r.service(GreetService, greeter()),
  });
  const client = createClient(GreetService, end.transport);
  const outcome = await call(client).then(
    () => null,
    (error: unknown) => errorOf(Promise.reject(error)),
  );
  await until(() => end.server.activeCalls === 0);
  return { cut, outcome };
}

describe.each(everyLink)("a connection that is cut at every chunk over $name", (link) => {
  test.each(Object.entries(kinds))("%s settles: well, or as Unavailable", async (_kind, call) => {
    let last: { outcome: unknown; chunks: number };
    for (let chunks = 0; ; chunks++) {
      const { cut, outcome } = await callCutAfter(link, chunks, call);
      expect([null, Code.Unavailable]).toContain(outcome === null ? null : outcome.code);
      // Not even the last chunk was the one.
      if (!cut) {
        last = { outcome, chunks };
        break;
      }
    }
    expect(last.outcome).toBeNull();
    expect(last.chunks).toBeGreaterThan(2);
  });
});
