// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak. What is left after calls that end in any way, seen from outside: the streams on the wire.
// Mutant: core/src/client/call/call.ts # this.userSignal?.delete(this);
// Mutant: core/src/client/call/call.ts # this.method.deadlines.remove(this);
// Mutant: core/src/client/call/call.ts # this.attempt?.cancel(error);
// Mutant: core/src/engine/call/server-call.ts # this.host.owner.callEnded(this, this.running);

import { getEventListeners } from "node:events";
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, errorOf, fired, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";
import { Wire } from "./wire.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;

const ways: Record<string, (client: Client, abort: AbortController) => Promise<unknown>> = {
  "well, unary": (client, { signal }) => client.greet({ name: "a" }, { signal, timeoutMs: 50_000 }),
  "well, a stream": (client, { signal }) => all(client.greetServerStream({ name: "a" }, { signal })),
  "well, an upload": (client, { signal }) => client.greetClientStream([{ name: "a" }], { signal }),
  "well, a chat": (client, { signal }) => all(client.greetStream([{ name: "a" }], { signal })),
  "with an error": (client, { signal }) => errorOf(client.greet({ name: "fail" }, { signal })),
  "by a deadline": (client, { signal }) => errorOf(client.greet({ name: "wait" }, { signal, timeoutMs: 3 })),
  "by a deadline, a stream": (client, { signal }) =>
    errorOf(all(client.greetServerStream({ name: "wait" }, { signal, timeoutMs: 3 }))),
  "by break": async (client, { signal }) => {
    for await (const _ of client.greetServerStream({ name: "wait" }, { signal })) break;
  },
  "by break, a blocked one": async (client, { signal }) => {
    for await (const _ of client.greetServerStream({ name: "flood" }, { signal })) break;
  },
  "by dispose": async (client, { signal }) => {
    await using chat = client.greetStream({ signal, timeoutMs: 50_000 });
    await chat.send({ name: "a" });
    await chat.receive();
  },
  "by dispose, an upload": async (client, { signal }) => {
    await using upload = client.greetClientStream({ signal });
    await upload.send({ name: "a" });
  },
  "by a generator that throws": (client, { signal }) =>
    errorOf(
      client.greetClientStream(
        (async function* () {
          yield { name: "a" };
          throw new ConnectError("no", Code.DataLoss);
        })(),
        { signal },
      ),
    ),
};

describe.each(everyLink)("after 50 calls over $name that end", (link) => {
  test.each(Object.entries(ways))(
    "%s, no stream is open on the wire, and no call, timer or listener is left",
    async (_name, call) => {
      const wire = new Wire();
      await using end = await link.start({
        tap: wire.tap,
        routes: (r) =>
          r.service(GreetService, {
            ...greeter(),
            async greet({ name }, context) {
              if (name === "fail") throw new ConnectError("no", Code.Aborted);
              if (name === "wait") await fired(context.signal);
              return { greeting: name };
            },
            async *greetServerStream({ name }, context) {
              if (name === "flood") for (;;) yield { greeting: "x".repeat(50_000) };
              for (let i = 0; i < 3; i++) yield { greeting: name };
              if (name === "wait") await fired(context.signal);
            },
          }),
      });
      const client = createClient(GreetService, end.transport);
      const abort = new AbortController();
      for (let i = 0; i < 50; i++) await call(client, abort);
      await until(() => wire.openStreams === 0 && end.server.activeCalls === 0);
      expect(deadlines.size).toBe(0);
      expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
      expect((await client.greet({ name: "after" })).greeting).toBe("after");
    },
  );
});
