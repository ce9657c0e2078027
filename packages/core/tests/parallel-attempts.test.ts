// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. An interceptor that does not wait for one attempt before it makes the next: messages that can
// be sent once are sent by the first; a cancel reaches all attempts.
// Mutant: core/src/client/call/claim.ts # if (this.consumed || (this.holder !== null && this.holder !== attempt)) throw this.refusal(call);
// Mutant: core/src/client/call/attempt.ts # this.claim?.release(this, error);
// Mutant: core/src/client/call/call.ts # if (this.earlier !== null) for (const attempt of this.earlier) attempt.cancel(error);
import type { StreamRequest, StreamResponse, UnaryResponse } from "@connectrpc/connect";
import { Code, ConnectError, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, fired, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";
import { startWatched } from "./watched-link.js";

type Answer = UnaryResponse | StreamResponse;
type Attempt = () => Promise<Answer>;

/** A request with its messages read by a wrapper, as by an interceptor that logs them. */
function wrapped(req: StreamRequest): StreamRequest {
  const message = async function* () {
    yield* req.message;
  };
  return { ...req, message: message() } as StreamRequest;
}

/** An interceptor that makes its attempts as a test says, each with the request itself or with its messages wrapped. */
function attempts(
  run: (attempts: readonly Attempt[]) => Promise<Answer>,
  ways: readonly ("itself" | "wrapped")[] = ["itself", "itself"],
): Interceptor {
  return ((next: (req: unknown) => Promise<Answer>) => (req: StreamRequest) =>
    run(
      ways.map((way) => () => next(way === "wrapped" && req.stream ? wrapped(req) : req)),
    )) as unknown as Interceptor;
}

const both = attempts(async (made) => (await Promise.all(made.map((attempt) => attempt())))[0]!);
const anyOf = (...ways: ("itself" | "wrapped")[]): Interceptor =>
  attempts((made) => Promise.any(made.map((attempt) => attempt())), ways);
const afterFailure = (...ways: ("itself" | "wrapped")[]): Interceptor =>
  attempts(async ([first, second]) => {
    await errorOf(first!());
    return second!();
  }, ways);

const text =
  /^an interceptor of greet\.GreetService\/\w+ called next\(\) again while the attempt before still runs: the messages of a stream can be sent once; only one message, an array, a Set, a Map, or replayable\(\(\) => messages\) can be sent by two attempts at a time$/;

/** A server that counts its calls, and a client of it. `refuse`: so many calls fail at once. */
async function start(link: LinkKind, interceptor: Interceptor, refuse = 0) {
  const seen = { calls: 0, refuse };
  const plain = greeter();
  const count: Interceptor = (next) => async (req) => {
    seen.calls++;
    if (seen.refuse-- > 0) throw new ConnectError("busy", Code.Unavailable);
    return next(req);
  };
  const end = await startWatched(link, {
    routes: (r) =>
      r
        .service(
          GreetService,
          {
            ...plain,
            async greet({ name }, context) {
              if (name === "wait") await fired(context.signal);
              return { greeting: name };
            },
            async *greetServerStream(request, context) {
              if (request.name === "wait") await fired(context.signal);
              yield* plain.greetServerStream(request, context);
            },
          },
          { interceptors: [count] },
        )
        .service(GreetService, plain, { group: "well" }),
  });
  const client = createClient(GreetService, end.transport, { interceptors: [interceptor] });
  const well = createClient(GreetService, end.transport, { group: "well" });
  return {
    end,
    client,
    seen,
    async goesOn() {
      await end.leftClean();
      expect((await well.greet({ name: "on" })).greeting).toBe("on");
    },
  };
}

type Client = Awaited<ReturnType<typeof start>>["client"];

async function* names(...given: string[]) {
  for (const name of given) yield { name };
}

type Ready = () => Promise<unknown>;
const atOnce: Ready = async () => {};

async function upload(client: Client, ready = atOnce): Promise<string> {
  const stream = client.greetClientStream();
  await ready();
  await stream.send({ name: "a" });
  await stream.send({ name: "b" });
  return (await stream.closeAndReceive()).greeting;
}

async function chat(client: Client, ready = atOnce): Promise<string> {
  await using stream = client.greetStream();
  await ready();
  const got: (string | undefined)[] = [];
  for (const name of ["a", "b"]) {
    await stream.send({ name });
    got.push((await stream.receive())?.greeting);
  }
  await stream.closeRequest();
  expect(await stream.receive()).toBeUndefined();
  return got.join(",");
}

const handles: readonly [what: string, call: (client: Client, ready?: Ready) => Promise<string>][] = [
  ["an upload by hand", upload],
  ["a chat by hand", chat],
];

const once: typeof handles = [
  ...handles,
  ["an upload of a generator", async (client) => (await client.greetClientStream(names("a", "b"))).greeting],
  [
    "a chat of a generator",
    async (client) => (await all(client.greetStream(names("a", "b")))).map((m) => m.greeting).join(","),
  ],
];

describe.each(everyLink)("two attempts at a time over $name, of", (link) => {
  test.each(once)("%s: the second is refused, and the call with it", async (_what, call) => {
    const { end, client, goesOn } = await start(link, both);
    await using _end = end;
    // The first time there is no connection yet.
    for (let i = 0; i < 2; i++) {
      const error = await errorOf(call(client));
      expect(error.rawMessage).toMatch(text);
      expect(error.code).toBe(Code.FailedPrecondition);
      await goesOn();
    }
  });

  test("a handle: each of its promises settles", async () => {
    const { end, client, goesOn } = await start(link, both);
    await using _end = end;
    for (let i = 0; i < 2; i++) {
      const uploading = client.greetClientStream();
      const chatting = client.greetStream();
      // With a connection, the first attempt still takes it.
      const sends = Promise.allSettled([uploading.send({ name: "a" }), chatting.send({ name: "a" })]);
      const errors = [
        uploading.closeAndReceive(),
        uploading.responseHeader,
        uploading.responseTrailer,
        chatting.receive(),
        chatting.responseHeader,
        chatting.responseTrailer,
      ].map((promise) => errorOf(promise));
      for (const error of await Promise.all(errors)) expect(error.rawMessage).toMatch(text);
      await sends;
      for (const handle of [uploading, chatting])
        expect((await errorOf(handle.send({ name: "b" }))).rawMessage).toMatch(text);
      await chatting.closeRequest();
      await goesOn();
    }
  });

  test.each(once)("%s: the first goes on if the interceptor lets it", async (_what, call) => {
    const { end, client, seen, goesOn } = await start(link, anyOf("itself", "itself"));
    await using _end = end;
    for (let i = 1; i <= 2; i++) {
      expect(await call(client)).toBe("a,b");
      expect(seen.calls).toBe(i);
      await goesOn();
    }
  });

  test.each(handles)("%s, wrapped by one or both: one has all messages", async (_what, call) => {
    for (const ways of [
      ["itself", "wrapped"],
      ["wrapped", "itself"],
      ["wrapped", "wrapped"],
    ] as const) {
      const { end, client, goesOn } = await start(link, anyOf(...ways));
      await using _end = end;
      for (let i = 0; i < 2; i++) {
        expect(await call(client)).toBe("a,b");
        await goesOn();
      }
    }
  });

  test("one message, or an array: both run, and a cancel ends both", async () => {
    const { end, client, seen, goesOn } = await start(link, both);
    await using _end = end;
    expect((await client.greet({ name: "a" })).greeting).toBe("a");
    expect((await client.greetClientStream([{ name: "a" }, { name: "b" }])).greeting).toBe("a,b");
    expect(await all(client.greetStream([{ name: "a" }, { name: "b" }]))).toHaveLength(2);
    expect(await all(client.greetServerStream({ name: "x" }))).toHaveLength(3);
    expect(seen.calls).toBe(8);
    await goesOn();
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const waiting = [
      errorOf(client.greet({ name: "wait" }, options)),
      errorOf(all(client.greetServerStream({ name: "wait" }, options))),
    ];
    await until(() => end.server.activeCalls === 4);
    abort.abort();
    for (const error of await Promise.all(waiting)) expect(error.code).toBe(Code.Canceled);
    await goesOn();
  });
});

describe.each(everyLink)("an attempt over $name after one that has ended, of", (link) => {
  test.each(handles)("%s: it has the messages, wrapped or not", async (_what, call) => {
    for (const ways of [
      ["itself", "itself"],
      ["itself", "wrapped"],
    ] as const) {
      const { end, client, seen, goesOn } = await start(link, afterFailure(...ways), 1);
      await using _end = end;
      // The messages sent before are lost with the first attempt.
      expect(await call(client, () => until(() => seen.calls === 2))).toBe("a,b");
      expect(seen.calls).toBe(2);
      await goesOn();
    }
  });

  test("a handle that was closed meanwhile: it has the end", async () => {
    for (const ways of [
      ["itself", "itself"],
      ["itself", "wrapped"],
    ] as const) {
      const { end, client, seen, goesOn } = await start(link, afterFailure(...ways), 1);
      await using _end = end;
      expect((await client.greetClientStream().closeAndReceive()).greeting).toBe("");
      expect(seen.calls).toBe(2);
      await goesOn();
    }
  });
});
