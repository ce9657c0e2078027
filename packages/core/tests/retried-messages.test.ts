// SPDX-License-Identifier: Apache-2.0
// Promise 11: nothing is lost or reordered. An interceptor that calls `next()` again gets all messages sent again from the first
// one, or an error that names the cause: never a part of them as if it were the whole.
// Mutant: core/src/client/call/attempt.ts # claim.consumed = true;
// Mutant: core/src/client/call/request-source.ts # claim.consumed = true;
// Mutant: core/src/client/call/request-source.ts # if (claim.consumed || claim.holder !== null) return null;
// Mutant: core/src/client/call/request-queue.ts # if (claim.consumed || claim.holder !== null) return refusing(claim.refusal(call));
// Mutant: core/src/client/call/foreign-attempt.ts # claim.consumed = true;
// Mutant: core/src/client/call/foreign-attempt.ts # if (claim?.consumed === true) throw claim.refusal(call);
// Mutant: core/src/client/call/call.ts # if (known !== undefined) return known.claim;
// Mutant: core/src/engine/message/replayable.ts # if (this.made.has(messages)) throw madeTwice();
// Mutant: core/src/engine/message/replayable.ts # iterate === Array.prototype[Symbol.iterator]; => true;
// Mutant: core/src/engine/message/replayable.ts # this.source ??= this.open(); => this.source = this.open();
// Mutant: core/src/engine/message/replayable.ts # iterate === Set.prototype[Symbol.iterator]; => false;
import { Readable } from "node:stream";
import { createRouterTransport, type StreamRequest, type StreamResponse } from "@connectrpc/connect";
import {
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Messages,
  replayable,
  type Transport,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, turns } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

interface Name {
  readonly name: string;
}
type Next = (req: StreamRequest) => Promise<StreamResponse>;
type Client = ReturnType<typeof createClient<typeof GreetService>>;

const names: readonly Name[] = "abcdef".split("").map((name) => ({ name }));
const whole = "a,b,c,d,e,f";

async function* generated(): AsyncGenerator<Name> {
  for (const each of names) {
    yield each;
    await turns(1);
  }
}

/** A queue: each of its iterators takes what the one before has left. */
function shared(): AsyncIterable<Name> {
  const left = [...names];
  return {
    [Symbol.asyncIterator]: () => ({
      async next(): Promise<IteratorResult<Name>> {
        const value = left.shift();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
    }),
  };
}

function bareIterator(): AsyncIterable<Name> {
  const iterator = generated();
  const bare = { next: () => iterator.next(), [Symbol.asyncIterator]: () => bare };
  return bare;
}

/** An array that gives its messages away. */
class Emptied extends Array<Name> {
  override *[Symbol.iterator](): ArrayIterator<Name> {
    while (this.length > 0) yield this.shift()!;
  }
}

const once: readonly [what: string, make: () => Messages<Name>][] = [
  ["a generator", generated],
  ["a Readable", () => Readable.from(names)],
  ["an iterator without return()", bareIterator],
  ["a queue that gives a new iterator each time", shared],
  ["an array with an iterator of its own", () => Emptied.from(names)],
  ["an array's iterator", () => names.values()],
  [
    "a replayable that returns one generator twice",
    () => {
      const made = generated();
      return replayable(() => made);
    },
  ],
];

const again: readonly [what: string, make: () => Messages<Name>][] = [
  ["an array", () => [...names]],
  ["a Set", () => new Set(names)],
  ["a replayable generator", () => replayable(generated)],
  ["a replayable array", () => replayable(() => names)],
];

/** A response once its first message is here: some transports have no error before that. */
async function begun(response: Promise<StreamResponse>): Promise<StreamResponse> {
  const res = await response;
  const iterator = res.message[Symbol.asyncIterator]();
  const first = await iterator.next();
  const message = async function* () {
    for (let each = first; each.done !== true; each = await iterator.next()) yield each.value;
  };
  return { ...res, message: message() } as StreamResponse;
}

/** Tries a second time after `Unavailable`; the request itself, one wrapper of its messages, or a new one each time. */
function retry(way: "itself" | "one wrapper" | "a wrapper each"): Interceptor {
  const wrapped = (req: StreamRequest): StreamRequest =>
    ({
      ...req,
      message: (async function* () {
        yield* req.message;
      })(),
    }) as StreamRequest;
  return ((next: Next) => async (given: StreamRequest) => {
    const req = way === "one wrapper" ? wrapped(given) : given;
    const attempt = () => begun(next(way === "a wrapper each" ? wrapped(req) : req));
    try {
      return await attempt();
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unavailable) throw error;
      return attempt();
    }
  }) as unknown as Interceptor;
}

/** An upload whose first attempt fails when it has read two messages; the second one is answered with all that has come. */
function failingOnce() {
  const seen = { attempts: 0 };
  const routes = {
    ...greeter(),
    async greetClientStream(requests: AsyncIterable<Name>) {
      const first = ++seen.attempts === 1;
      const got: string[] = [];
      for await (const { name } of requests) {
        got.push(name);
        if (first && got.length === 2) throw new ConnectError("try again", Code.Unavailable);
      }
      return { greeting: got.join(",") };
    },
  };
  return { seen, routes };
}

interface Started extends AsyncDisposable {
  readonly transport: Transport;
  readonly seen: { attempts: number };
}

const transports: readonly { readonly name: string; start(): Promise<Started> }[] = [
  ...everyLink.map((link) => ({
    name: link.name,
    async start(): Promise<Started> {
      const { seen, routes } = failingOnce();
      const end = await link.start({ routes: (r) => r.service(GreetService, routes) });
      return { transport: end.transport, seen, [Symbol.asyncDispose]: () => end[Symbol.asyncDispose]() };
    },
  })),
  {
    name: "a transport of Connect's",
    async start() {
      const { seen, routes } = failingOnce();
      const transport = createRouterTransport((r) => void r.service(GreetService, routes as never));
      return { transport, seen, async [Symbol.asyncDispose]() {} };
    },
  },
];

const cause =
  /^the messages of greet\.GreetService\/GreetClientStream can't be sent again from the first one: an attempt or an interceptor has consumed some( \(the attempt before: \[unavailable\] try again\))?; an interceptor may call next\(\) again with one message, an array, a Set, a Map, or replayable\(\(\) => messages\)$/;

const madeTwice =
  "the function that replayable() was given returned the same iterable twice: make a new one on each call";

function clientOf(transport: Transport, interceptor: Interceptor): Client {
  return createClient(GreetService, transport, { interceptors: [interceptor] });
}

async function byHand(client: Client): Promise<string> {
  const upload = client.greetClientStream();
  for (const each of names) {
    // A message that is sent after the call has failed is refused; its end is that of the upload.
    await upload.send(each).catch(() => {});
    await turns(1);
  }
  return (await upload.closeAndReceive()).greeting;
}

describe.each(transports)("a second attempt over $name, with messages that were consumed", ({ start }) => {
  test.each(once)("of %s, fails and says why", async (what, make) => {
    for (const way of ["itself", "one wrapper", "a wrapper each"] as const) {
      await using end = await start();
      const client = clientOf(end.transport, retry(way));
      const error = await errorOf(client.greetClientStream(make()));
      expect(error.code).toBe(Code.FailedPrecondition);
      const twice = what.startsWith("a replayable") && way !== "one wrapper";
      expect(error.rawMessage).toEqual(twice ? madeTwice : expect.stringMatching(cause));
    }
  });

  test.each(["itself", "one wrapper", "a wrapper each"] as const)("of a handle, %s, fails", async (way) => {
    await using end = await start();
    const error = await errorOf(byHand(clientOf(end.transport, retry(way))));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.rawMessage).toMatch(cause);
  });

  test.each(again)("of %s, sends all of them", async (_what, make) => {
    for (const way of ["itself", "a wrapper each"] as const) {
      await using end = await start();
      const client = clientOf(end.transport, retry(way));
      expect((await client.greetClientStream(make())).greeting).toBe(whole);
      expect(end.seen.attempts).toBe(2);
    }
  });

  test("of an array in one wrapper of an interceptor's, fails; its own replayable is sent again", async () => {
    await using end = await start();
    const wrapped = await errorOf(
      clientOf(end.transport, retry("one wrapper")).greetClientStream([...names]),
    );
    expect(wrapped.rawMessage).toMatch(cause);
    end.seen.attempts = 0;
    const marked: Interceptor = (next) => (req) =>
      req.stream ? next({ ...req, message: replayable(() => req.message) } as never) : next(req);
    const client = createClient(GreetService, end.transport, { interceptors: [marked, retry("itself")] });
    expect((await client.greetClientStream([...names])).greeting).toBe(whole);
    end.seen.attempts = 0;
    // The attempt can't have more messages than there are.
    expect((await errorOf(client.greetClientStream(generated()))).rawMessage).toBe(madeTwice);
  });

  test("is refused, too, when an interceptor has read some before the first", async () => {
    await using end = await start();
    const peek = ((next: Next) => async (req: StreamRequest) => {
      for await (const _ of req.message) break;
      return next(req);
    }) as unknown as Interceptor;
    const error = await errorOf(clientOf(end.transport, peek).greetClientStream(generated()));
    expect(error.rawMessage).toMatch(cause);
    expect(end.seen.attempts).toBe(0);
  });
});

test("replayable() takes a function", () => {
  expect(() => replayable([...names] as never)).toThrow(
    "replayable() was given an array: give a function that makes a new iterable for each attempt",
  );
});
