// SPDX-License-Identifier: Apache-2.0
// Promise 7: no leak. The iterator of a call's requests is opened once, and returned once when no more is wanted.
// Mutant: core/src/engine/message/message-writer.ts # private leave(source: AsyncIterator<T> | Iterator<T>): void { => private leave(source: AsyncIterator<T> | Iterator<T>): void { return undefined as never;
// Mutant: core/src/engine/call/client-call.ts # this.writer.stop();
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock, type TestClock } from "@tristream/testing";
import { all, errorOf, fired, happening, turns, until } from "./events.js";
import { everyLink, type Running } from "./every-link.js";
import { greeter } from "./greeter.js";

/** Not a short one: an endless request fills its windows, and each message costs time. */
const name = "x".repeat(10_000);

/** An iterable that gives a new iterator each time, as a class of a user may; it counts what is asked of it. */
class Requests implements AsyncIterable<{ name: string }> {
  iterators = 0;
  asked = 0;
  readonly returned = happening<number>();
  readonly asking = happening();
  private returns = 0;
  private readonly upTo: number;

  /** Gives so many messages, then waits for ever. */
  constructor(upTo = Number.POSITIVE_INFINITY) {
    this.upTo = upTo;
  }

  get timesReturned(): number {
    return this.returns;
  }

  [Symbol.asyncIterator](): AsyncIterator<{ name: string }> {
    const number = ++this.iterators;
    let given = 0;
    return {
      next: async () => {
        this.asked++;
        this.asking.tell();
        if (given++ < this.upTo) return { done: false, value: { name } };
        return new Promise(() => {});
      },
      return: async () => {
        this.returns++;
        this.returned.tell(number);
        return { done: true, value: undefined };
      },
    };
  }
}

type Client = ReturnType<typeof createClient<typeof GreetService>>;

interface Ending {
  readonly how: string;
  /** Makes a call with the requests and brings it to its end. `asked`: the first one was asked for. */
  run(
    client: Client,
    requests: AsyncIterable<{ name: string }>,
    end: Running,
    asked: PromiseLike<void>,
    clock: TestClock,
  ): Promise<unknown>;
}

const endings: readonly Ending[] = [
  {
    how: "an answer of the server before it",
    run: (client, requests) => client.greetClientStream(requests, { headers: { "x-do": "answer" } }),
  },
  {
    how: "an error of the server",
    run: (client, requests) => errorOf(client.greetClientStream(requests, { headers: { "x-do": "fail" } })),
  },
  {
    how: "an error of the server before it has read any",
    run: (client, requests) => errorOf(client.greetClientStream(requests, { headers: { "x-do": "refuse" } })),
  },
  {
    how: "break",
    async run(client, requests) {
      for await (const _ of client.greetStream(requests)) break;
    },
  },
  {
    how: "a signal",
    async run(client, requests, _end, asked) {
      const abort = new AbortController();
      const call = errorOf(client.greetClientStream(requests, { signal: abort.signal }));
      await asked;
      abort.abort();
      return call;
    },
  },
  {
    how: "a deadline",
    async run(client, requests, _end, asked, clock) {
      const call = errorOf(client.greetClientStream(requests, { timeoutMs: 100 }));
      await asked;
      await clock.advance(104);
      return call;
    },
  },
  {
    how: "a lost connection",
    async run(client, requests, end) {
      const stream = client.greetStream(requests);
      await stream.receive();
      end.cut();
      // Earlier messages are still read.
      await errorOf(all(stream));
    },
  },
  {
    how: "a message that can't be sent",
    async run(client, requests) {
      const odd: AsyncIterable<{ name: string }> = {
        [Symbol.asyncIterator]: () => {
          const iterator = requests[Symbol.asyncIterator]();
          return {
            next: async () => {
              await iterator.next();
              return { done: false, value: { name: Symbol() as unknown as string } };
            },
            return: () => iterator.return!(),
          };
        },
      };
      await errorOf(client.greetClientStream(odd));
    },
  },
];

function start(link: (typeof everyLink)[number], clock = createClock()) {
  return link.start({
    clock,
    cuttable: true,
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        async greetClientStream(requests, context) {
          const what = context.requestHeader.get("x-do");
          if (what === "refuse") throw new ConnectError("no", Code.Aborted);
          for await (const _ of requests) {
            if (what === "answer") return {};
            if (what === "fail") throw new ConnectError("no", Code.Aborted);
          }
          await fired(context.signal);
          return {};
        },
      }),
  });
}

const messages = [
  { what: "endless requests", upTo: Number.POSITIVE_INFINITY },
  { what: "requests that wait", upTo: 1 },
];

const cases = endings.flatMap((ending) => messages.map((each) => ({ ...ending, ...each })));

describe.each(everyLink)("the requests of a call over $name", (link) => {
  test.each(cases)(
    "$what, ended by $how: asked for once, returned once, asked no more",
    async ({ run, upTo }) => {
      const clock = createClock();
      await using end = await start(link, clock);
      const client = createClient(GreetService, end.transport);
      const requests = new Requests(upTo);
      await run(client, requests, end, requests.asking, clock);
      expect(await requests.returned).toBe(1);
      const { asked } = requests;
      await turns(20);
      expect(requests.asked).toBe(asked);
      expect(requests.iterators).toBe(1);
      expect(requests.timesReturned).toBe(1);
    },
  );

  test("need neither return() nor throw()", async () => {
    await using end = await start(link);
    const client = createClient(GreetService, end.transport);
    const bare = (n: number): AsyncIterable<{ name: string }> => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => (n-- > 0 ? { done: false, value: { name } } : { done: true, value: undefined }),
      }),
    });
    expect(await all(client.greetStream(bare(3)))).toHaveLength(3);
    for await (const _ of client.greetStream(bare(1_000_000))) break;
    await errorOf(client.greetClientStream(bare(1_000_000), { headers: { "x-do": "fail" } }));
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });

  test("a generator's finally runs when it waits at a yield, in every ending", async () => {
    for (const { run } of endings) {
      const clock = createClock();
      await using end = await start(link, clock);
      const client = createClient(GreetService, end.transport);
      const asked = happening();
      const finalised = happening();
      const generator = async function* () {
        try {
          for (;;) {
            asked.tell();
            yield { name };
          }
        } finally {
          finalised.tell();
        }
      };
      await run(client, generator(), end, asked, clock);
      await finalised;
    }
  });
});

/** An iterator whose `return` can't be called, nor even read. */
const unreturnable = (asked: () => void) => ({
  [Symbol.asyncIterator]: () => ({
    next: () => {
      asked();
      return new Promise<never>(() => {});
    },
    get return(): never {
      throw new Error("no return");
    },
  }),
});

describe.each(everyLink)("an iterator whose `return` can't be read, over $name,", (link) => {
  test.each(["request", "response"])("costs a %s stream that is cancelled, and nobody else", async (side) => {
    const asked = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          greetServerStream: () => unreturnable(asked.tell) as AsyncIterable<{ greeting: string }>,
        }),
    });
    const client = createClient(GreetService, end.transport);
    const other = client.greetStream();
    await other.send({ name: "a" });
    await other.receive();
    const controller = new AbortController();
    const { signal } = controller;
    const call =
      side === "request"
        ? client.greetClientStream(unreturnable(asked.tell), { signal })
        : all(client.greetServerStream({}, { signal }));
    await asked;
    controller.abort();
    expect((await errorOf(call)).code).toBe(Code.Canceled);
    await other.send({ name: "b" });
    expect((await other.receive())?.greeting).toContain("b");
    await other.closeRequest();
    await until(() => end.server.activeCalls === 0);
  });
});
