// SPDX-License-Identifier: Apache-2.0
// Promise 1: leaving cancels.
// Mutant: core/src/engine/call/client-call.ts # cancel(error: ConnectError): void { => cancel(error: ConnectError): void { return undefined as never;
// Mutant: http2/src/streams/stream.ts # reset(reason: ResetReason | number): void { => reset(reason: ResetReason | number): void { return undefined as never;
// Mutant: core/src/client/call/call.ts # this.attempt?.cancel(error);
// Mutant: core/src/engine/call/server-call.ts # this.asyncContext.runInAsyncScope(this.controller.abort, this.controller, outcome ?? callEndedError); => {}
import { createClient, type StreamHandle } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, fired, happening, turns } from "./events.js";
import { everyLink } from "./every-link.js";
import { goodHead, goodMessage, startRawServer } from "./raw-server.js";
import { Wire } from "./wire.js";

type Client = ReturnType<typeof createClient<typeof GreetService>>;
type Leave = (handle: StreamHandle, abort: AbortController) => unknown;

const leaves: Record<string, Leave> = {
  "cancel(), twice": (handle) => {
    handle.cancel();
    handle.cancel();
  },
  dispose: (handle) => handle[Symbol.asyncDispose](),
  "a signal": (_handle, abort) => abort.abort(),
  "a signal, cancel() and dispose": (handle, abort) => {
    abort.abort();
    handle.cancel();
    return handle[Symbol.asyncDispose]();
  },
};

/** A call that has begun: each kind that has a handle, and what its client has sent by then. */
const kinds: Record<
  string,
  { begin(client: Client, signal: AbortSignal): Promise<StreamHandle>; sent: RegExp[] }
> = {
  "an upload": {
    async begin(client, signal) {
      const upload = client.greetClientStream({ signal });
      await upload.send({ name: "a" });
      return upload;
    },
    sent: [/^HEADERS 1$/, /^DATA 1 \d+$/],
  },
  "an upload of which nothing was sent": {
    begin: async (client, signal) => client.greetClientStream({ signal }),
    sent: [/^HEADERS 1$/],
  },
  "a chat": {
    async begin(client, signal) {
      const chat = client.greetStream({ signal });
      await chat.send({ name: "a" });
      await chat.receive();
      return chat;
    },
    sent: [/^HEADERS 1$/, /^DATA 1 \d+$/],
  },
  "a server stream": {
    async begin(client, signal) {
      const stream = client.greetServerStream({ name: "a" }, { signal });
      await stream.receive();
      return stream;
    },
    // Its request was complete before.
    sent: [/^HEADERS 1$/, /^DATA 1 \d+( END_STREAM)?$/],
  },
};

const cases = Object.entries(kinds).flatMap(([kind, { begin, sent }]) =>
  Object.entries(leaves).map(([way, leave]) => ({ kind, way, begin, sent, leave })),
);

/** A server that answers the first message and waits for the end of each call. */
async function start(link: (typeof everyLink)[number], wire: Wire) {
  const entered = happening();
  const signal = happening<AbortSignal>();
  const end = await link.start({
    tap: wire.tap,
    routes: (r) =>
      r.service(GreetService, {
        async greetClientStream(_requests, context) {
          entered.tell();
          signal.tell(context.signal);
          await fired(context.signal);
          return {};
        },
        async *greetServerStream(_request, context) {
          entered.tell();
          signal.tell(context.signal);
          yield {};
          await fired(context.signal);
        },
        async *greetStream(requests, context) {
          entered.tell();
          signal.tell(context.signal);
          for await (const _ of requests) yield {};
        },
      }),
  });
  return { end, client: createClient(GreetService, end.transport), entered, signal };
}

describe.each(everyLink)("what leaving sends over $name", (link) => {
  test.each(cases)(
    "$kind, by $way: one RST_STREAM(CANCEL), and no END_STREAM",
    async ({ begin, sent, leave }) => {
      const wire = new Wire();
      const { end, client, entered, signal } = await start(link, wire);
      await using _end = end;
      const abort = new AbortController();
      const handle = await begin(client, abort.signal);
      await entered;
      const before = wire.of("client-to-server", 1);
      await leave(handle, abort);
      await fired(await signal);
      await turns(10);
      const after = wire.of("client-to-server", 1);
      expect(before).toHaveLength(sent.length);
      for (const [i, pattern] of sent.entries()) expect(before[i]).toMatch(pattern);
      expect(after.slice(before.length)).toEqual(["RST_STREAM 1 CANCEL"]);
      expect(wire.openStreams).toBe(0);
    },
  );

  test("break: one RST_STREAM(CANCEL), though the loop's iterator is returned again", async () => {
    const wire = new Wire();
    const { end, client, signal } = await start(link, wire);
    await using _end = end;
    const stream = client.greetServerStream({ name: "a" });
    for await (const _ of stream) break;
    await stream.return();
    await stream.closeResponse();
    await fired(await signal);
    await turns(10);
    const frames = wire.of("client-to-server", 1);
    expect(frames.filter((line) => line.startsWith("RST_STREAM"))).toEqual(["RST_STREAM 1 CANCEL"]);
    expect(frames.at(-1)).toBe("RST_STREAM 1 CANCEL");
  });
});

test("the handler's signal has fired in the turn of the event loop in which the reset arrives", async () => {
  const [memory] = everyLink.filter(({ name }) => name === "memory");
  const wire = new Wire();
  const { end, client, signal } = await start(memory!, wire);
  await using _end = end;
  const chat = client.greetStream();
  await chat.send({ name: "a" });
  await chat.receive();
  const context = await signal;
  const arrived = happening<boolean>();
  // The tap sees the bytes right before the server does.
  wire.onFrame = (line) => {
    if (line.startsWith("RST_STREAM")) queueMicrotask(() => arrived.tell(context.aborted));
  };
  chat.cancel();
  expect(await arrived).toBe(true);
});

describe("a server of Node's own", () => {
  test.each(Object.entries(leaves))(
    "sees an open request aborted with CANCEL, not ended: %s",
    async (_way, leave) => {
      const closed = happening<{ aborted: boolean; code: number }>();
      await using end = await startRawServer((stream) => {
        stream.respond(goodHead);
        stream.write(goodMessage);
        stream.resume();
        stream.on("close", () => closed.tell({ aborted: stream.aborted, code: stream.rstCode }));
      });
      const abort = new AbortController();
      const chat = end.client.greetStream({ signal: abort.signal });
      await chat.send({ name: "a" });
      await chat.receive();
      const outcome = errorOf(chat.receive());
      await leave(chat, abort);
      await outcome;
      expect(await closed).toEqual({ aborted: true, code: 8 });
    },
  );

  test("sees one that was never answered aborted with CANCEL", async () => {
    const begun = happening();
    const code = happening<number>();
    await using end = await startRawServer((stream) => {
      begun.tell();
      stream.on("close", () => code.tell(stream.rstCode));
    });
    const abort = new AbortController();
    const call = errorOf(end.client.greet({}, { signal: abort.signal }));
    await begun;
    abort.abort();
    await call;
    expect(await code).toBe(8);
  });
});
