// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak.
// Mutant: core/src/client/call/call.ts # this.userSignal?.delete(this);
// Mutant: core/src/client/call/call.ts # this.method.deadlines.remove(this);
// Mutant: core/src/engine/call/server-call.ts # this.host.owner.callEnded(this, this.running);
import { getEventListeners } from "node:events";
import { Code, ConnectError, createClient, createServer, createTransport } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection } from "@tristream/http2";
import { memoryPair } from "@tristream/testing";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, errorOf, fired, until } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";

type GreetClient = ReturnType<typeof createClient<typeof GreetService>>;

/** Names say what the handler does. */
const routes: Parameters<typeof createServer>[0]["routes"] = (r) =>
  r.service(GreetService, {
    ...greeter(),
    async greet({ name }, context) {
      if (name === "fail") throw new ConnectError("no", Code.Aborted);
      if (name === "wait") await fired(context.signal);
      return { greeting: name };
    },
    async *greetServerStream({ name }, context) {
      for (let i = 0; i < 5; i++) yield { greeting: name };
      if (name === "fail") throw new ConnectError("no", Code.Aborted);
      if (name === "wait") await fired(context.signal);
    },
  });

/** The ways in which calls end. */
const ways: Record<string, (client: GreetClient, abort: AbortController) => Promise<unknown>> = {
  "well, unary": (client, { signal }) => client.greet({ name: "a" }, { signal, timeoutMs: 50_000 }),
  "well, a stream": (client, { signal }) =>
    all(client.greetServerStream({ name: "a" }, { signal, timeoutMs: 50_000 })),
  "well, an upload": (client, { signal }) => client.greetClientStream([{ name: "a" }], { signal }),
  "well, a chat": (client, { signal }) => all(client.greetStream([{ name: "a" }], { signal })),
  "with an error": (client, { signal }) =>
    errorOf(client.greet({ name: "fail" }, { signal, timeoutMs: 50_000 })),
  "with an error, a stream": (client, { signal }) =>
    errorOf(all(client.greetServerStream({ name: "fail" }, { signal }))),
  "by a deadline": (client, { signal }) => errorOf(client.greet({ name: "wait" }, { signal, timeoutMs: 5 })),
  "by a deadline, a stream": (client, { signal }) =>
    errorOf(all(client.greetServerStream({ name: "wait" }, { signal, timeoutMs: 5 }))),
  "by a signal": async (client, abort) => {
    const call = errorOf(client.greet({ name: "wait" }, { signal: abort.signal, timeoutMs: 50_000 }));
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await call;
  },
  "by break": async (client, { signal }) => {
    for await (const _ of client.greetServerStream({ name: "wait" }, { signal })) break;
  },
  "by dispose": async (client, { signal }) => {
    await using chat = client.greetStream({ signal, timeoutMs: 50_000 });
    await chat.send({ name: "a" });
  },
  "at once": async (client, { signal }) => client.greetStream({ signal }).cancel(),
  "by a message that can't be sent": (client, { signal }) =>
    errorOf(client.greet({ name: Symbol() as unknown as string }, { signal, timeoutMs: 50_000 })),
  "by requests that fail": (client, { signal }) =>
    errorOf(
      client.greetClientStream(
        (async function* () {
          yield { name: "a" };
          throw new ConnectError("no", Code.DataLoss);
        })(),
        { signal },
      ),
    ),
  "by an odd header": (client, { signal }) =>
    errorOf(client.greet({}, { signal, headers: { "x-a": "ä" }, timeoutMs: 50_000 })),
  "by an odd argument": (client, { signal }) =>
    errorOf(client.greet(null as never, { signal, timeoutMs: 50_000 })),
};

describe("after 200 calls that end in one way, nothing is left", () => {
  test.each(Object.entries(ways))("%s", async (_name, call) => {
    const pair = memoryPair();
    const server = createServer({ routes, logger: quiet });
    const [ours, theirs] = [new Connection("client", pair.client), new Connection("server", pair.server)];
    server.accept(theirs);
    const transport = createTransport(ours);
    const client = createClient(GreetService, transport);
    const shared = new AbortController();
    for (let i = 0; i < 200; i++) {
      const abort = _name === "by a signal" ? new AbortController() : shared;
      await call(client, abort);
      expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
    }
    await until(() => server.activeCalls === 0 && ours.activeStreams === 0 && theirs.activeStreams === 0);
    expect(ours.streams.registry.open.size).toBe(0);
    expect(theirs.streams.registry.open.size).toBe(0);
    expect(deadlines.size).toBe(0);
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
    await transport.close();
    await server.shutdown({ graceMs: 0 });
  });
});
