// SPDX-License-Identifier: Apache-2.0
// Promises 2 and 3: a cancelled upload never looks complete, no handler is orphaned.
// Mutant: core/src/engine/message/message-writer.ts # private leave(source: AsyncIterator<T> | Iterator<T>): void { => private leave(source: AsyncIterator<T> | Iterator<T>): void { return undefined as never;
// Mutant: core/src/engine/call/server-call.ts # this.reader.fail(outcome ?? callEndedError, true);
// Mutant: core/src/engine/message/message-writer.ts # this.leave(late);
// Mutant: core/src/engine/call/client-call.ts # sourceFailed(error: unknown): void { => sourceFailed(error: unknown): void { return undefined as never;
// Mutant: core/src/engine/call/client-call.ts # this.writer.stop();
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, fired, happening, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

const large = "x".repeat(50_000);

describe.each(everyLink)("no handler is orphaned over $name", (link) => {
  test("a generator that is blocked on flow control at a yield runs its finally", async () => {
    const cleanup = happening<number>();
    let produced = 0;
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            try {
              for (;;) {
                produced++;
                yield { greeting: large };
              }
            } finally {
              cleanup.tell(produced);
            }
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const stream = client.greetServerStream({});
    await stream.receive();
    // No read is pending: the server stops producing after a while.
    let last = -1;
    while (last !== produced) {
      last = produced;
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    stream.cancel();
    expect(await cleanup).toBe(last);
  });

  test("a synchronous generator's finally runs too", async () => {
    const cleanup = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greetServerStream: () => {
            const source = (function* () {
              try {
                for (;;) yield { greeting: large };
              } finally {
                cleanup.tell();
              }
            })();
            return source as unknown as AsyncIterable<{ greeting: string }>;
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    for await (const _ of client.greetServerStream({})) break;
    await cleanup;
  });

  test("answers that come when the call is over are left unread", async () => {
    const running = happening();
    const canceled = happening();
    const answer = happening();
    const settled = happening();
    let asked = 0;
    let returned = 0;
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greetServerStream: (async (_request: unknown, { signal }: { signal: AbortSignal }) => {
            running.tell();
            await fired(signal);
            canceled.tell();
            await answer;
            return {
              [Symbol.asyncIterator]: () => ({
                next: async () => {
                  asked++;
                  return { done: true, value: undefined };
                },
                return: async () => {
                  returned++;
                  settled.tell();
                  return { done: true, value: undefined };
                },
              }),
            };
          }) as never,
        }),
    });
    const stream = createClient(GreetService, end.transport).greetServerStream({});
    await running;
    stream.cancel();
    await canceled;
    answer.tell();
    await settled;
    expect({ asked, returned }).toEqual({ asked: 0, returned: 1 });
    await until(() => end.server.activeCalls === 0);
  });

  test("a handler stuck on an await of its own does not hold the call", async () => {
    const signal = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async *greetServerStream(_request, context) {
            yield {};
            void fired(context.signal).then(signal.tell);
            await new Promise(() => {});
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const stream = client.greetServerStream({});
    await stream.receive();
    stream.cancel();
    expect(await signal).toMatchObject({ code: Code.Canceled });
    expect(end.server.activeCalls).toBe(0);
    expect((await client.greet({ name: "still here" })).greeting).toBe("still here");
  });

  test("the handler knows of a lost connection: Unavailable, not Canceled", async () => {
    const read = happening<unknown>();
    const signal = happening<unknown>();
    await using end = await link.start({
      cuttable: true,
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(requests, context) {
            void fired(context.signal).then(signal.tell);
            yield {};
            try {
              for await (const _ of requests);
              read.tell("ended cleanly");
            } catch (error) {
              read.tell(error);
              throw error;
            }
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.receive();
    end.cut();
    expect(await errorOf(chat.receive())).toMatchObject({ code: Code.Unavailable });
    const error = (await read) as ConnectError;
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: Code.Unavailable });
    expect(await signal).toBe(error);
    await until(() => end.server.activeCalls === 0);
  });
});

describe.each(everyLink)("a cancelled upload never looks complete over $name", (link) => {
  test.each(["client streaming", "bidi streaming"])("%s: the handler's loop throws", async (kind) => {
    const outcome = happening<unknown>();
    const got = happening();
    const names: string[] = [];
    const read = async (requests: AsyncIterable<{ name: string }>): Promise<void> => {
      try {
        for await (const { name } of requests) {
          names.push(name);
          got.tell();
        }
        outcome.tell("complete");
      } catch (error) {
        outcome.tell(error);
        throw error;
      }
    };
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greetClientStream(requests) {
            await read(requests);
            return {};
          },
          async *greetStream(requests) {
            await read(requests);
            yield {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const upload = kind === "client streaming" ? client.greetClientStream() : client.greetStream();
    await upload.send({ name: "a" });
    await got;
    upload.cancel();
    expect(await outcome).toMatchObject({ code: Code.Canceled });
    expect(names).toEqual(["a"]);
  });

  test("requests that fail are an error for the server, and the client's call rejects with theirs", async () => {
    const outcome = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greetClientStream(requests) {
            try {
              for await (const _ of requests);
              outcome.tell("complete");
            } catch (error) {
              outcome.tell(error);
            }
            return {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const broken = async function* () {
      yield { name: "a" };
      throw new ConnectError("the file can't be read", Code.DataLoss);
    };
    expect(await errorOf(client.greetClientStream(broken()))).toMatchObject({
      code: Code.DataLoss,
      rawMessage: "the file can't be read",
    });
    expect(await outcome).toMatchObject({ code: Code.Canceled });
    const plain = {
      [Symbol.iterator](): Iterator<{ name: string }> {
        throw new RangeError("beyond the end");
      },
    };
    const error = await errorOf(client.greetClientStream(plain));
    expect(error).toMatchObject({ code: Code.Internal, rawMessage: "beyond the end" });
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  test("what is no iterable is refused by an error that says so", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const odd = { [Symbol.asyncIterator]: 1 } as unknown as AsyncIterable<{ name: string }>;
    expect((await errorOf(client.greetClientStream(odd))).rawMessage).toContain("is not iterable");
  });
});

describe.each(everyLink)("a server that ends first over $name", (link) => {
  test("an answer before the upload's end is the outcome, and the requests' iterable is returned", async () => {
    const returned = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greetClientStream(requests) {
            for await (const { name } of requests) return { greeting: `enough: ${name}` };
            return {};
          },
          async *greetStream(requests) {
            for await (const { name } of requests) {
              yield { greeting: name };
              throw new ConnectError("no more", Code.ResourceExhausted);
            }
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const endless = async function* () {
      try {
        for (let i = 0; ; i++) yield { name: `${i}` };
      } finally {
        returned.tell();
      }
    };
    expect((await client.greetClientStream(endless())).greeting).toBe("enough: 0");
    await returned;
    const stream = client.greetStream(endless());
    expect((await stream.receive())?.greeting).toBe("0");
    expect(await errorOf(stream.receive())).toMatchObject({ code: Code.ResourceExhausted });
  });
});
