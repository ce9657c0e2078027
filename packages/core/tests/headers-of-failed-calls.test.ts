// SPDX-License-Identifier: Apache-2.0
// What a server set as headers before its error arrives as headers, and a call that fails after headers loses neither them nor
// the trailers: the callbacks get both before the call rejects, and the error's metadata has both.
// Mutant: core/src/engine/call/server-response.ts # if (this.headers.keys().next().done !== true) this.sendHead(compression);
// Mutant: core/src/engine/call/server-response.ts # if (this.headSent || this.headers === null) return; => return;
// Mutant: core/src/client/call/unary-call.ts # if (this.observer !== null) observeReceived(this, this.observer);
// Mutant: core/src/client/call/unary-call.ts # this.observer = null;
// Mutant: core/src/engine/call/client-call.ts # if (error !== null && !canceled) this.addReceived(error);
// Mutant: core/src/engine/call/client-call.ts # if (this.hasHeaders) this.responseHeader.forEach(append);
// Mutant: core/src/engine/call/client-call.ts # && metadata.keys().next().done === true
// Mutant: core/src/engine/call/client-call.ts # return this.headerList !== null && this.headerList !== this.trailerList; => return this.headerList !== null;
// Mutant: core/src/client/api/stream-handles.ts # call.attempt?.addReceived(error);
// Mutant: core/src/client/call/call.ts # attempt.addReceived(error);
// Mutant: core/src/client/call/stream-call.ts # if (this.attempt?.hasTrailers === true) this.tellTrailers();
// Mutant: core/src/client/call/stream-call.ts # || this.attempt?.hasTrailers === true
// Mutant: core/src/client/call/stream-call.ts # observeReceived(this, this.observer);
import type { ServerHttp2Stream } from "node:http2";
import { createClient as createConnectClient } from "@connectrpc/connect";
import { jest } from "@jest/globals";
import {
  type CallOptions,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock, type TestClock } from "@tristream/testing";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind, type StartOptions } from "./every-link.js";
import { finish, goodHead, goodMessage, type RawAnswer, startRawServer } from "./raw-server.js";

type Call = (transport: Transport, options: CallOptions) => Promise<unknown>;

const kinds: readonly { name: string; single: boolean; call: Call }[] = [
  { name: "a unary call", single: true, call: (t, o) => createClient(GreetService, t).greet({}, o) },
  {
    name: "an upload",
    single: true,
    call: (t, o) => createClient(GreetService, t).greetClientStream([{}], o),
  },
  {
    name: "an upload by a handle",
    single: true,
    call: (t, o) => createClient(GreetService, t).greetClientStream(o).closeAndReceive(),
  },
  {
    name: "a server stream",
    single: false,
    call: (t, o) => all(createClient(GreetService, t).greetServerStream({}, o)),
  },
  {
    name: "a bidi stream",
    single: false,
    call: (t, o) => all(createClient(GreetService, t).greetStream([], o)),
  },
];

/** A call's callbacks and its end, in the order in which they came. */
async function eventsOf(call: Call, transport: Transport, options: CallOptions = {}) {
  const events: string[] = [];
  const error = await errorOf(
    call(transport, {
      ...options,
      onHeader: (headers) => events.push(`header ${headers.get("x-part")}`),
      onTrailer: (trailers) => events.push(`trailer ${trailers.get("x-part")}`),
    }).catch((reason: unknown) => {
      events.push("error");
      throw reason;
    }),
  );
  return { events, error };
}

/** A server whose handlers set metadata and then throw. */
function failing(
  link: LinkKind,
  set: "headers and trailers" | "trailers",
  options: StartOptions = { routes() {} },
) {
  const fail = (context: { responseHeader: Headers; responseTrailer: Headers }): never => {
    if (set === "headers and trailers") context.responseHeader.set("x-part", "h");
    // An empty object of headers that was looked at is not a header that was set.
    else context.responseHeader.has("x-part");
    context.responseTrailer.set("x-part", "t");
    throw new ConnectError("no", Code.Aborted, { "x-of-error": "e" });
  };
  return link.start({
    ...options,
    routes: (r) =>
      r.service(GreetService, {
        greet: (_request, context) => fail(context),
        greetClientStream: async (_requests, context) => fail(context),
        // biome-ignore lint/correctness/useYield: it fails before its first message
        async *greetServerStream(_request, context) {
          fail(context);
        },
        // biome-ignore lint/correctness/useYield: it fails before its first message
        async *greetStream(_requests, context) {
          fail(context);
        },
      }),
  });
}

describe.each(everyLink)("over $name", (link) => {
  describe.each(kinds)("$name", ({ call }) => {
    test("gets the headers that the handler set before its error as headers, then the trailers, then the error", async () => {
      await using end = await failing(link, "headers and trailers");
      const { events, error } = await eventsOf(call, end.transport);
      expect(events).toEqual(["header h", "trailer t", "error"]);
      expect(error).toMatchObject({ code: Code.Aborted, rawMessage: "no" });
      expect(error.metadata.get("x-part")).toBe("t, h");
      expect(error.metadata.get("x-of-error")).toBe("e");
    });

    test("gets an error without headers of the handler as one list, which is trailers", async () => {
      const heads: number[] = [];
      await using end = await failing(link, "trailers", {
        tap: (bytes, direction) => {
          if (direction === "server-to-client") heads.push(...flagsOfHeaders(bytes));
        },
        routes() {},
      });
      const { events, error } = await eventsOf(call, end.transport);
      expect(events).toEqual(["trailer t", "error"]);
      expect(error.metadata.get("x-part")).toBe("t");
      expect(heads).toEqual([endStream | endHeaders]);
    });
  });

  test("Connect's own client finds headers and trailers in the error's metadata", async () => {
    await using end = await failing(link, "headers and trailers");
    const client = createConnectClient(GreetService, end.transport);
    for (const call of [
      client.greet({}),
      client.greetClientStream(none()),
      all(client.greetServerStream({})),
    ]) {
      expect((await errorOf(call)).metadata.get("x-part")).toBe("t, h");
    }
  });

  test("an interceptor that makes an error of its own takes no headers from the callbacks", async () => {
    const translated = new ConnectError("translated", Code.NotFound);
    const translating: Interceptor = (next) => (req) => next(req).catch(() => Promise.reject(translated));
    await using end = await failing(link, "headers and trailers", {
      transport: { interceptors: [translating] },
      routes() {},
    });
    const { events, error } = await eventsOf(kinds[0]!.call, end.transport);
    expect(events).toEqual(["header h", "trailer t", "error"]);
    expect(error).toBe(translated);
  });

  test("an interceptor that rejects a stream whose headers have come leaves them to the callbacks", async () => {
    const rejecting: Interceptor = (next) => async (req) => {
      await next(req);
      throw new ConnectError("rejected", Code.NotFound);
    };
    await using end = await failing(link, "headers and trailers", {
      transport: { interceptors: [rejecting] },
      routes() {},
    });
    const { events } = await eventsOf(kinds[3]!.call, end.transport);
    expect(events).toEqual(["header h", "trailer t", "error"]);
  });
});

const endStream = 1;
const endHeaders = 4;

/** The flags of the HEADERS frames in a chunk that begins with a frame. */
function flagsOfHeaders(bytes: Uint8Array): number[] {
  const view = Buffer.from(bytes);
  const flags: number[] = [];
  for (let at = 0; at < view.length; at += 9 + view.readUIntBE(at, 3))
    if (view[at + 3] === 1) flags.push(view[at + 4]!);
  return flags;
}

async function* none(): AsyncGenerator<never> {}

/** Headers, and then what a test says. */
function afterHeaders(then: (stream: ServerHttp2Stream) => void): RawAnswer {
  return (stream) => {
    stream.respond({ ...goodHead, "x-part": "h" }, { waitForTrailers: true });
    then(stream);
  };
}

interface Failure {
  readonly how: string;
  readonly answer: RawAnswer;
  readonly trailers: boolean;
  readonly options?: CallOptions;
  readonly clock?: TestClock;
}

/** Time passes when the client has seen the headers: it acknowledges a PING behind them. */
const clock = createClock();

const endings: readonly Failure[] = [
  {
    how: "a status after a message",
    trailers: true,
    answer: afterHeaders((stream) => {
      stream.write(goodMessage);
      finish(stream, { "grpc-status": "10", "x-part": "t" });
    }),
  },
  {
    how: "a message that can't be read",
    trailers: false,
    answer: afterHeaders((stream) => stream.write(Buffer.from([0, 0, 0, 0, 1, 0xff]))),
  },
  {
    how: "trailers without a status",
    trailers: true,
    answer: afterHeaders((stream) => finish(stream, { "x-part": "t" })),
  },
  {
    how: "a reset",
    trailers: false,
    // Behind a write, since Node 26 drops headers that it has not written when it resets.
    answer: afterHeaders((stream) => stream.write(Buffer.alloc(1), () => stream.close(2))),
  },
  {
    how: "a lost connection",
    trailers: false,
    answer: afterHeaders((stream) => stream.write(Buffer.alloc(1), () => stream.session!.destroy())),
  },
  {
    how: "its deadline",
    trailers: false,
    answer: afterHeaders((stream) => stream.session!.ping(() => void clock.advance(60_004))),
    options: { timeoutMs: 60_000 },
    clock,
  },
];

describe.each(kinds)("$name that fails after headers", ({ call }) => {
  test.each(endings)("by $how keeps them", async ({ answer, trailers, options, clock }) => {
    await using raw = await startRawServer(answer, clock);
    const { events, error } = await eventsOf(call, raw.transport, options);
    expect(events).toEqual(["header h", ...(trailers ? ["trailer t"] : []), "error"]);
    expect(error.metadata.get("x-part")).toBe(trailers ? "t, h" : "h");
  });
});

test.each(kinds.filter(({ single }) => single))(
  "$name that fails for want of a message keeps both",
  async ({ call }) => {
    await using raw = await startRawServer(
      afterHeaders((stream) => finish(stream, { "grpc-status": "0", "x-part": "t" })),
    );
    const { events, error } = await eventsOf(call, raw.transport);
    expect(events).toEqual(["header h", "trailer t", "error"]);
    expect(error).toMatchObject({ code: Code.Unimplemented });
    expect(error.metadata.get("x-part")).toBe("t, h");
  },
);

test("the error of a user's own cancel is not changed", async () => {
  await using raw = await startRawServer(afterHeaders(() => {}));
  const controller = new AbortController();
  const reason = new ConnectError("enough", Code.Canceled);
  const stream = raw.client.greetStream({ signal: controller.signal });
  await stream.responseHeader;
  controller.abort(reason);
  expect(await errorOf(stream.receive())).toBe(reason);
  expect([...reason.metadata]).toEqual([]);
});

test("a callback that throws is called once, and its error is the call's", async () => {
  await using raw = await startRawServer((stream) => {
    stream.respond({ ...goodHead, "x-part": "h" }, { waitForTrailers: true });
    stream.write(goodMessage);
    finish(stream, { "grpc-status": "0" });
  });
  let calls = 0;
  const error = await errorOf(
    raw.client.greet(
      {},
      {
        onHeader() {
          calls++;
          throw new ConnectError("not these", Code.Aborted);
        },
      },
    ),
  );
  expect(error.rawMessage).toBe("not these");
  expect(calls).toBe(1);
});

test("a callback of a failed call that throws is logged, and the call's error stays", async () => {
  const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
  await using raw = await startRawServer(endings[0]!.answer);
  const error = await errorOf(
    raw.client.greet(
      {},
      {
        onHeader() {
          throw new Error("clumsy");
        },
      },
    ),
  );
  expect(error.code).toBe(Code.Aborted);
  expect(warn.mock.calls).toEqual([["tristream: onHeader of greet.GreetService/Greet threw: Error: clumsy"]]);
  warn.mockRestore();
});
