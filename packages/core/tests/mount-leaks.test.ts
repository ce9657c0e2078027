// SPDX-License-Identifier: Apache-2.0
import { getEventListeners } from "node:events";
import { type ConnectRouter, createClient } from "@connectrpc/connect";
import { Code, ConnectError, type TripleRouter } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, fired, forEver, until } from "./events.js";
import { mounts, stockTransport } from "./mounts.js";

type GreetClient = ReturnType<typeof createClient<typeof GreetService>>;

/** The resources that could be left behind. */
class Traces {
  readonly shutdown = new AbortController();
  /** Signals of handlers, and of the adapter's requests. */
  readonly signals: AbortSignal[] = [];
  /** Handlers that run. */
  running = 0;

  listeners(): number {
    const signals = [this.shutdown.signal, ...this.signals];
    return signals.reduce((sum, signal) => sum + getEventListeners(signal, "abort").length, 0);
  }
}

/** Names say what the handlers do. */
function routes(traces: Traces): (router: TripleRouter) => unknown {
  const enter = (signal: AbortSignal): void => {
    traces.signals.push(signal);
    traces.running++;
  };
  const fate = async (name: string, signal: AbortSignal): Promise<void> => {
    if (name === "fail") throw new ConnectError("no", Code.Aborted);
    if (name === "wait") await fired(signal);
  };
  return (router) =>
    router.service(GreetService, {
      async greet({ name }, { signal }) {
        enter(signal);
        try {
          await fate(name, signal);
          return { greeting: name };
        } finally {
          traces.running--;
        }
      },
      async *greetServerStream({ name }, { signal }) {
        enter(signal);
        try {
          while (name === "flood") yield { greeting: "x".repeat(50_000) };
          for (let i = 0; i < 3; i++) yield { greeting: name };
          await fate(name, signal);
        } finally {
          traces.running--;
        }
      },
      async greetClientStream(requests, { signal }) {
        enter(signal);
        try {
          for await (const { name } of requests) await fate(name, signal);
          return {};
        } finally {
          traces.running--;
        }
      },
      async *greetStream(requests, { signal }) {
        enter(signal);
        try {
          for await (const { name } of requests) {
            yield { greeting: name };
            await fate(name, signal);
          }
        } finally {
          traces.running--;
        }
      },
    });
}

async function* one(name: string): AsyncGenerator<{ name: string }> {
  yield { name };
}

async function* open(name: string): AsyncGenerator<{ name: string }> {
  yield { name };
  await forEver();
}

type Way = (client: GreetClient) => Promise<unknown>;

/** A deadline that only the server counts, in the words of both protocols: stock clients leave a timer behind. */
const headers = { "grpc-timeout": "50S", "connect-timeout-ms": "50000" };
/** A deadline that passes. */
const soon = { headers: { "grpc-timeout": "20m", "connect-timeout-ms": "20" } };

async function leave(call: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<unknown> {
  const abort = new AbortController();
  for await (const _ of call(abort.signal)) abort.abort();
  throw new Error("a call that was left ended well");
}

/** The ways in which calls end. */
const ways: Record<string, Way> = {
  "well, unary": (client) => client.greet({ name: "a" }, { headers }),
  "well, a stream": (client) => all(client.greetServerStream({ name: "a" }, { headers })),
  "well, an upload": (client) => client.greetClientStream(one("a"), { headers }),
  "with an error, unary": (client) => errorOf(client.greet({ name: "fail" }, { headers })),
  "with an error, a stream": (client) =>
    errorOf(all(client.greetServerStream({ name: "fail" }, { headers }))),
  "with an error, an upload": (client) => errorOf(client.greetClientStream(one("fail"), { headers })),
  "by a deadline, unary": (client) => errorOf(client.greet({ name: "wait" }, soon)),
  "by a deadline, a stream": (client) => errorOf(all(client.greetServerStream({ name: "wait" }, soon))),
  "by a deadline, an upload": (client) => errorOf(client.greetClientStream(open("a"), soon)),
  "by its client, a stream that waits": (client) =>
    errorOf(leave((signal) => client.greetServerStream({ name: "wait" }, { signal, headers }))),
  "by its client, a stream that is blocked": (client) =>
    errorOf(leave((signal) => client.greetServerStream({ name: "flood" }, { signal, headers }))),
};

/** Ways that take HTTP/2. */
const bidiWays: Record<string, Way> = {
  "well, a chat": (client) => all(client.greetStream(one("a"), { headers })),
  "by its client, a chat": (client) =>
    errorOf(leave((signal) => client.greetStream(open("a"), { signal, headers }))),
};

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

/** Four times what may be left for other reasons. */
const count = 40;

describe.each(mounts)(`after ${count} calls that end in one way, nothing is left by $title`, (mount) => {
  const those = mount.http === "2" ? { ...ways, ...bidiWays } : ways;

  test.each(Object.entries(those))("%s", async (_name, call) => {
    const traces = new Traces();
    /** Behind the mount: sees the signals that the adapter made. */
    const watched = (router: ConnectRouter): void => {
      for (const [i, handler] of router.handlers.entries()) {
        const watch: typeof handler = Object.assign((req: Parameters<typeof handler>[0]) => {
          traces.signals.push(req.signal);
          return handler(req);
        }, handler);
        router.handlers[i] = watch;
      }
    };
    await using server = await mount.start({
      routes: routes(traces),
      shutdownSignal: traces.shutdown.signal,
      behind: watched,
    });
    using end = stockTransport(server.port, mount.http === "2" ? "gRPC" : "Connect", mount.http);
    const client = createClient(GreetService, end.transport);
    await client.greet({ name: "before" });
    const before = timers();
    for (let i = 0; i < count; i += 10) await Promise.all(Array.from({ length: 10 }, () => call(client)));
    // The clients have some of their own, for connections; what this is about would be one a call, or two.
    await until(() => traces.running === 0 && traces.listeners() === 0 && timers() <= before + count / 4);
    expect(traces.signals.length).toBeGreaterThanOrEqual(2 * count);
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });
});
