// SPDX-License-Identifier: Apache-2.0
// Deadlines, cancels and leaving a loop, between our end and each foreign one.
import { describe, expect, it } from "@jest/globals";
import { Code } from "@tristream/node";
import { until } from "../../core/tests/events.js";
import { tapFrames } from "./foreign-frames.js";
import {
  all,
  type CallSettings,
  each,
  failureOf,
  type GreetClient,
  type Handlers,
  Later,
  Mailbox,
} from "./foreign-greet.js";
import { open, type Pair, pairs } from "./foreign-pairs.js";
import { pastDeadline, waiting } from "./foreign-waiting.js";

interface Kind {
  readonly kind: string;
  readonly call: (client: GreetClient, settings: CallSettings) => Promise<unknown>;
}

const kinds: readonly Kind[] = [
  { kind: "unary", call: (client, settings) => client.unary("a", settings) },
  { kind: "server stream", call: (client, settings) => all(client.serverStream("a", settings)) },
  { kind: "client stream", call: (client, settings) => client.clientStream(new Mailbox("a"), settings) },
  { kind: "bidi stream", call: (client, settings) => all(client.bidi(new Mailbox("a"), settings)) },
];

describe.each(pairs)("$title", (pair) => {
  it.each(kinds)("end a $kind call at its deadline, on both sides", async ({ call }) => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    const failure = await pastDeadline(ends.client, seen, (timeoutMs) => call(ends.client, { timeoutMs }));
    expect(failure.code).toBe(Code.DeadlineExceeded);
    await seen.signalled;
  });

  it.each(kinds)("finish a $kind call well before its deadline", async ({ kind, call }) => {
    await using ends = await open(pair, {
      unary: async (name) => name,
      serverStream: (name) => each([name]),
      async clientStream(names) {
        for await (const name of names) return name;
        return "nothing";
      },
      async *bidi(names) {
        for await (const name of names) {
          yield name;
          return;
        }
      },
    });
    const single = kind === "unary" || kind === "client stream";
    expect(await call(ends.client, { timeoutMs: 60_000 })).toEqual(single ? "a" : ["a"]);
  });

  it.each(kinds)("end a $kind call that the client cancels, on both sides", async ({ call }) => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    const controller = new AbortController();
    const outcome = failureOf(ends.client, call(ends.client, { signal: controller.signal }));
    await seen.begun;
    controller.abort();
    expect((await outcome).code).toBe(Code.Canceled);
    await seen.signalled;
  });

  it("go on with other calls after one was cancelled", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, { ...handlers, unary: async (name) => `hello ${name}` });
    const controller = new AbortController();
    const outcome = failureOf(ends.client, all(ends.client.serverStream("a", { signal: controller.signal })));
    await seen.begun;
    controller.abort();
    await outcome;
    await seen.signalled;
    expect(await ends.client.unary("b")).toBe("hello b");
  });

  it("refuse a call whose signal has fired before, and send nothing", async () => {
    const { handlers } = waiting();
    let calls = 0;
    const counted: Handlers = {
      ...handlers,
      async unary(name) {
        calls++;
        return name;
      },
    };
    await using ends = await open(pair, counted);
    const failure = await failureOf(ends.client, ends.client.unary("a", { signal: AbortSignal.abort() }));
    expect(failure.code).toBe(Code.Canceled);
    expect(await ends.client.unary("b")).toBe("b");
    expect(calls).toBe(1);
  });
});

const ourClients: readonly Pair[] = pairs.filter(({ ours }) => ours === "client");

describe.each(ourClients)("$title", (pair) => {
  it("see the end of a server stream whose loop is left", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    for await (const name of ends.client.serverStream("a")) {
      expect(name).toBe("a");
      break;
    }
    await seen.signalled;
  });

  it("see the end of a server stream whose loop throws", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    const failing = async (): Promise<void> => {
      for await (const name of ends.client.serverStream("a")) throw new Error(`not ${name}`);
    };
    await expect(failing()).rejects.toThrow("not a");
    await seen.signalled;
  });

  it("see the end of a bidi stream whose loop is left, and return its requests", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    const names = new Mailbox("a");
    for await (const greeting of ends.client.bidi(names)) {
      expect(greeting).toBe("welcome");
      await seen.begun;
      break;
    }
    await seen.signalled;
    // The server's signal does not wait for what the client has left to do.
    await until(() => names.left);
  });

  it("stop a server that produces without end when the loop is left", async () => {
    const stopped = new Later<void>();
    await using ends = await open(pair, {
      async *serverStream(name, { signal }) {
        // By the signal: a generator of a stock server that is blocked at a yield never goes on, nor runs its finally.
        signal.addEventListener("abort", () => stopped.resolve());
        try {
          for (let i = 0; !signal.aborted; i++) yield `${name} ${i}`;
        } finally {
          stopped.resolve();
        }
      },
    });
    let count = 0;
    for await (const name of ends.client.serverStream("a")) {
      expect(name).toBe(`a ${count}`);
      if (++count === 100) break;
    }
    await stopped.promise;
  });
});

describe.each(ourClients.filter(({ client }) => client === "tristream"))("$title", (pair) => {
  it("end a cancelled upload by one RST_STREAM(CANCEL) and no END_STREAM", async () => {
    const { handlers, seen } = waiting();
    await using server = await pair.serve(handlers);
    await using tap = await tapFrames(server.port);
    await using client = pair.connect(tap.port);
    const controller = new AbortController();
    const outcome = failureOf(client, client.clientStream(new Mailbox("a"), { signal: controller.signal }));
    await seen.begun;
    controller.abort();
    await outcome;
    await seen.signalled;
    const frames = tap.frames.filter(({ stream }) => stream === 1);
    expect(frames.map(({ type }) => type)).toEqual(["HEADERS", "DATA", "RST_STREAM"]);
    expect(frames.filter(({ endStream }) => endStream)).toEqual([]);
    expect(frames[2]?.payload.readUInt32BE(0)).toBe(8);
  });

  it("never take a cancelled client stream for a complete one", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    const controller = new AbortController();
    const outcome = failureOf(
      ends.client,
      ends.client.clientStream(new Mailbox("a"), { signal: controller.signal }),
    );
    await seen.begun;
    controller.abort();
    expect((await outcome).code).toBe(Code.Canceled);
    expect(await seen.requestEnd).toBe("error");
  });

  it("never take a bidi stream whose loop is left for a complete one", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    for await (const _greeting of ends.client.bidi(new Mailbox("a"))) {
      await seen.begun;
      break;
    }
    expect(await seen.requestEnd).toBe("error");
  });

  it("never take a client stream whose generator throws for a complete one", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    async function* names(): AsyncGenerator<string> {
      yield "a";
      await seen.begun;
      throw new Error("the source is broken");
    }
    const failure = await failureOf(ends.client, ends.client.clientStream(names()));
    expect(failure.text).toContain("the source is broken");
    expect(await seen.requestEnd).toBe("error");
  });

  it("never take a client stream at its deadline for a complete one", async () => {
    const { handlers, seen } = waiting();
    await using ends = await open(pair, handlers);
    const failure = await pastDeadline(ends.client, seen, (timeoutMs) =>
      ends.client.clientStream(new Mailbox("a"), { timeoutMs }),
    );
    expect(failure.code).toBe(Code.DeadlineExceeded);
    expect(await seen.requestEnd).toBe("error");
  });
});

describe.each(pairs.filter(({ client }) => client === "connect-es" || client === "grpc-js"))(
  "$title",
  (pair) => {
    it.each(kinds)("end a $kind call at a deadline that our server alone keeps", async ({ call }) => {
      const { handlers, seen } = waiting();
      await using ends = await open(pair, handlers);
      // As plain metadata the client has no timer for it: the status can only come from the server.
      const failure = await pastDeadline(ends.client, seen, (timeoutMs) =>
        call(ends.client, { headers: { "grpc-timeout": `${timeoutMs}m` } }),
      );
      expect(failure).toMatchObject({ code: Code.DeadlineExceeded, text: expect.stringMatching(/\d+ ms/) });
      await seen.signalled;
    });
  },
);
