// SPDX-License-Identifier: Apache-2.0
// Driven handlers: `receive()` and `send()` have the backpressure, the errors and the endings of a generator.
// Mutant: core/src/server/driven/driven-responses.ts # this.taken?.resolve();
// Mutant: core/src/server/driven/driven-responses.ts # if (this.waiting === 0) this.answer(finished);
// Mutant: core/src/server/driven/driven-responses.ts # while (this.waiting > 0 && !call.over) writer.write(this.take(), false);
// Mutant: core/src/server/driven/driven-responses.ts # nextTurn(this.failAgain);
// Mutant: core/src/server/driven/driven-responses.ts # if (failure !== null) return Promise.reject(failure.error);
// Mutant: core/src/server/driven/driven-responses.ts # promise.catch(nothing);
// Mutant: core/src/server/driven/driven-loops.ts # if (--this.running > 0) return; => this.running--;
// Mutant: core/src/server/driven/driven-loops.ts # this.lateError ??= error;
// Mutant: core/src/server/driven/driven-loops.ts # if (!this.open) throw this.reason;
// Mutant: core/src/server/driven/driven-loops.ts # if (!this.ended && this.context.signal.aborted) this.leave();
// Mutant: core/src/server/driven/driven-requests.ts # received.catch(nothing);
import {
  Code,
  ConnectError,
  createClient,
  type DrivenBidiStream,
  driven,
  type TripleContext,
  type TripleServiceImpl,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock, loopback } from "@tristream/testing";
import { all, errorOf, fired, forEver, happening, turns, until } from "./events.js";
import { everyLink, type LinkKind, type StartOptions } from "./every-link.js";
import { callers, long, Stores } from "./stores.js";

type Greeter = Partial<TripleServiceImpl<typeof GreetService>>;
type Chat = DrivenBidiStream<{ name: string }, { greeting: string }>;
type ChatHandler = (stream: Chat, context: TripleContext) => Promise<void>;

/** Starts a server with one bidi handler, and a client of it. */
async function talking(link: LinkKind, handler: ChatHandler, options: Partial<StartOptions> = {}) {
  const greetStream: NonNullable<Greeter["greetStream"]> = driven(handler);
  return started(link, { greetStream }, options);
}

async function started(link: LinkKind, greeter: Greeter, options: Partial<StartOptions> = {}) {
  const end = await link.start({ routes: (r) => r.service(GreetService, greeter), ...options });
  return {
    end,
    client: createClient(GreetService, end.transport),
    [Symbol.asyncDispose]: () => end[Symbol.asyncDispose](),
  };
}

/** Of an error that a handler may leave unhandled. */
const namesTheMethod: unknown = expect.stringContaining("greet.GreetService/GreetStream");

/** The lines of a server's log. */
function lines() {
  const written: string[] = [];
  const write = (line: string): void => void written.push(line);
  return { written, logger: { error: write, warn: write, info: write, debug() {} } };
}

const echo: ChatHandler = async ({ receive, send }) => {
  for (let m = await receive(); m; m = await receive()) await send({ greeting: `hello ${m.name}` });
};

describe.each(everyLink)("a driven handler over $name", (link) => {
  test("of a bidi stream receives and sends until the client has sent all", async () => {
    await using it = await talking(link, echo);
    const greetings = await all(it.client.greetStream([{ name: "a" }, { name: "b" }]));
    expect(greetings.map(({ greeting }) => greeting)).toEqual(["hello a", "hello b"]);
    await using chat = it.client.greetStream();
    await chat.send({ name: "c" });
    expect((await chat.receive())?.greeting).toBe("hello c");
    await chat.closeRequest();
    expect(await chat.receive()).toBeUndefined();
  });

  test("of a client stream returns the response, and reads the end as often as it asks", async () => {
    await using it = await started(link, {
      greetClientStream: driven(async (stream) => {
        const first = await stream.receive();
        const names = [first?.name];
        for await (const { name } of stream) {
          names.push(name);
          break; // leaves the rest for the other reader
        }
        for (let m = await stream.receive(); m; m = await stream.receive()) names.push(m.name);
        expect(await stream.receive()).toBeUndefined();
        return { greeting: names.join() };
      }),
    });
    const names = ["a", "b", "c", "d"].map((name) => ({ name }));
    expect((await it.client.greetClientStream(names)).greeting).toBe("a,b,c,d");
  });

  test("of a server stream has its request, and sends", async () => {
    await using it = await started(link, {
      greetServerStream: driven(async ({ request, send }, { responseTrailer }) => {
        for (let i = 0; i < 3; i++) await send({ greeting: `${request.name} ${i}` });
        responseTrailer.set("x-rows", "3");
      }),
    });
    const stream = it.client.greetServerStream({ name: "a" });
    expect((await all(stream)).map(({ greeting }) => greeting)).toEqual(["a 0", "a 1", "a 2"]);
    expect((await stream.responseTrailer).get("x-rows")).toBe("3");
  });

  test("waits in send() while the client does not read", async () => {
    let sent = 0;
    const total = 2000;
    await using it = await talking(link, async ({ send }) => {
      for (; sent < total; sent++) await send({ greeting: "x".repeat(10_000) });
    });
    const chat = it.client.greetStream();
    await chat.receive();
    for (let last = -1; last !== sent; ) {
      last = sent;
      await turns(200);
    }
    expect(sent).toBeLessThan(total / 2);
    let read = 1;
    for await (const _ of chat) read++;
    expect(read).toBe(total);
  });

  test("that awaits no send() has its messages sent in order, and all of them before the end", async () => {
    await using it = await talking(link, async ({ send }) => {
      for (let i = 0; i < 500; i++) void send({ greeting: `${i} ${"x".repeat(1000)}` });
    });
    const greetings = await all(it.client.greetStream([]));
    expect(greetings.map(({ greeting }) => Number.parseInt(greeting, 10))).toEqual([...Array(500).keys()]);
  });

  test("that throws behind sends that it did not await has them sent before its error", async () => {
    await using it = await talking(link, async ({ send }) => {
      for (let i = 0; i < 50; i++) void send({ greeting: `${i} ${long}` });
      throw new ConnectError("mine", Code.Aborted);
    });
    const chat = it.client.greetStream();
    for (let i = 0; i < 50; i++) expect((await chat.receive())?.greeting).toBe(`${i} ${long}`);
    expect(await errorOf(chat.receive())).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
  });

  test("that throws behind a message that takes all room does not wait for more", async () => {
    // Four of these are more than a stream's first window and the queue behind it.
    const greeting = "x".repeat(40_000);
    const ended = happening();
    await using it = await talking(link, async ({ send }, { signal }) => {
      void fired(signal).then(() => ended.tell());
      for (let i = 0; i < 4; i++) void send({ greeting });
      throw new ConnectError("mine", Code.Aborted);
    });
    const chat = it.client.greetStream();
    await ended;
    for (let i = 0; i < 4; i++) expect((await chat.receive())?.greeting).toBe(greeting);
    expect(await errorOf(chat.receive())).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
  });

  test("that throws is logged once, and its client sees no more than an id", async () => {
    const { written, logger } = lines();
    const throwing: ChatHandler = async ({ send }) => {
      await send({ greeting: "a" });
      throw new TypeError("secret");
    };
    await using it = await talking(link, throwing, { logger });
    const chat = it.client.greetStream();
    expect((await chat.receive())?.greeting).toBe("a");
    expect(await errorOf(chat.receive())).toMatchObject({
      code: Code.Internal,
      rawMessage: expect.stringMatching(/^internal error \(id \w+\)$/),
    });
    expect(written).toEqual([expect.stringContaining("in greet.GreetService/GreetStream")]);
    expect(written[0]).toContain("TypeError: secret");
  });

  test("that sends something that is no message fails its call", async () => {
    const { written, logger } = lines();
    const outcome = happening<unknown>();
    const wrong: ChatHandler = async ({ send }) => {
      await send(5 as never).catch(outcome.tell);
    };
    await using it = await talking(link, wrong, { logger });
    const error = await errorOf(it.client.greetStream().receive());
    expect(error.code).toBe(Code.Internal);
    expect(await outcome).toMatchObject({ rawMessage: error.rawMessage });
    expect(written).toHaveLength(1);
  });
});

describe.each(everyLink)("loops that a driven handler has joined over $name", (link) => {
  test("run beside the handler, and the call ends when all have ended", async () => {
    const [go, handlerEnded] = [happening(), happening()];
    await using it = await talking(link, async (stream) => {
      stream.run(async () => {
        for await (const { name } of stream) await stream.send({ greeting: `heard ${name}` });
      });
      stream.run(async () => {
        await go;
        await stream.send({ greeting: "last" });
      });
      await stream.send({ greeting: "first" });
      handlerEnded.tell();
    });
    const chat = it.client.greetStream();
    expect((await chat.receive())?.greeting).toBe("first");
    await handlerEnded;
    await chat.send({ name: "a" });
    expect((await chat.receive())?.greeting).toBe("heard a");
    await chat.closeRequest();
    go.tell();
    expect((await all(chat)).map(({ greeting }) => greeting)).toEqual(["last"]);
  });

  test("of a client stream hold up its response", async () => {
    const go = happening();
    await using it = await started(link, {
      greetClientStream: driven(async (stream) => {
        let n = 0;
        stream.run(async () => {
          for await (const _ of stream) n++;
          await go;
          n *= 10;
        });
        return {
          get greeting() {
            return `${n}`;
          },
        };
      }),
    });
    const answer = it.client.greetClientStream([{}, {}]);
    await turns(20);
    go.tell();
    expect((await answer).greeting).toBe("20");
  });

  test.each([
    ["that throws at once", async () => Promise.reject(new ConnectError("mine", Code.Aborted))],
    [
      "that throws before its first await",
      () => {
        throw new ConnectError("mine", Code.Aborted);
      },
    ],
    [
      "that throws later",
      async () => {
        await turns(3);
        throw new ConnectError("mine", Code.Aborted);
      },
    ],
  ])("%s end the call with their error, and the handler's receive()", async (_, loop) => {
    const outcome = happening<unknown>();
    await using it = await talking(link, async (stream) => {
      stream.run(loop);
      await stream.receive().catch((error) => {
        outcome.tell(error);
        throw error;
      });
    });
    const chat = it.client.greetStream();
    expect(await errorOf(chat.receive())).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
    expect(await outcome).toMatchObject({ code: Code.Aborted });
  });

  test("that throw end the call though another loop waits for room", async () => {
    const [blocked, failed] = [happening(), happening<unknown>()];
    await using it = await talking(link, async (stream) => {
      stream.run(async () => {
        await blocked;
        throw new ConnectError("mine", Code.Aborted);
      });
      try {
        for (;;) await stream.send({ greeting: long });
      } catch (error) {
        failed.tell(error);
      }
    });
    const chat = it.client.greetStream();
    await chat.receive();
    await turns(500);
    blocked.tell();
    expect(await failed).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
    await until(() => it.end.server.activeCalls === 0);
    expect(await errorOf(all(chat))).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
  });

  test("of a client stream that throw end the call", async () => {
    const outcome = happening<unknown>();
    await using it = await started(link, {
      greetClientStream: driven(async (stream) => {
        stream.run(async () => {
          throw new ConnectError("mine", Code.Aborted);
        });
        await stream.receive().catch(outcome.tell);
        return {};
      }),
    });
    const upload = it.client.greetClientStream();
    expect(await errorOf(upload.closeAndReceive())).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
    expect(await outcome).toMatchObject({ code: Code.Aborted });
  });

  test("that throw behind another one are in the log", async () => {
    const { written, logger } = lines();
    const throwing: ChatHandler = async (stream) => {
      stream.run(async () => {
        await stream.receive().catch(() => {
          throw new TypeError("in the clean-up");
        });
      });
      throw new ConnectError("mine", Code.Aborted);
    };
    await using it = await talking(link, throwing, { logger });
    expect((await errorOf(it.client.greetStream().receive())).code).toBe(Code.Aborted);
    await until(() => written.length > 0);
    expect(written).toEqual([
      expect.stringMatching(/GreetStream.*after its call had ended.*in the clean-up/s),
    ]);
  });

  test("see the store of their call, at each step", async () => {
    const stores = new Stores();
    await using it = await talking(
      link,
      async (stream, { requestHeader }) => {
        const own = requestHeader.get("x-call")!;
        stores.visit("handler", own);
        stream.run(async () => {
          stores.visit("second", own);
          for await (const _ of stream) {
            stores.visit("second", own);
            await stream.send({ greeting: long });
            stores.visit("second", own);
          }
        });
        for (let i = 0; i < 10; i++) {
          await stream.send({ greeting: long });
          stores.visit("handler", own);
        }
        await stores.storage.run("other", async () => {
          await stream.send({ greeting: long });
          stores.visit("inside", "other");
        });
        stores.visit("handler", own);
      },
      { interceptors: [(next) => (req) => stores.storage.run(req.header.get("x-call")!, () => next(req))] },
    );
    await Promise.all(
      callers.map(async (name) => {
        const chat = it.client.greetStream(Array(10).fill({ name: long }), { headers: { "x-call": name } });
        let n = 0;
        for await (const _ of chat) {
          n++;
          await turns(1);
        }
        expect(n).toBe(21);
      }),
    );
    stores.expectOwn("handler", "second", "inside");
  });
});

describe.each(everyLink)("the end of a driven call over $name", (link) => {
  /** A handler of two loops, one that waits for a message and one that waits for room, and how each of them ends. */
  function blocked() {
    const outcomes = { receive: happening<unknown>(), send: happening<unknown>() };
    const signal = happening<unknown>();
    const sending = happening();
    const handler: ChatHandler = async (stream, context) => {
      void fired(context.signal).then(signal.tell);
      stream.run(async () => {
        try {
          for (;;) {
            await stream.send({ greeting: long });
            sending.tell();
          }
        } catch (error) {
          outcomes.send.tell(error);
          throw error;
        }
      });
      try {
        outcomes.receive.tell(await stream.receive());
      } catch (error) {
        outcomes.receive.tell(error);
        throw error;
      }
    };
    return { handler, outcomes, signal, sending };
  }

  test("by a cancel rejects receive() and send() in both loops", async () => {
    const { handler, outcomes, signal, sending } = blocked();
    await using it = await talking(link, handler);
    const chat = it.client.greetStream();
    await sending;
    await turns(200);
    chat.cancel();
    for (const outcome of [outcomes.receive, outcomes.send]) {
      expect(await outcome).toMatchObject({ code: Code.Canceled, rawMessage: namesTheMethod });
      expect(await outcome).toBe(await signal);
    }
  });

  test("by a deadline rejects receive() and send() in both loops", async () => {
    const { handler, outcomes, sending } = blocked();
    const clock = createClock();
    await using it = await talking(link, handler, { clock });
    const failed = errorOf(it.client.greetStream({ timeoutMs: 50 }).responseTrailer);
    await sending;
    await clock.advance(54);
    expect((await failed).code).toBe(Code.DeadlineExceeded);
    for (const outcome of [outcomes.receive, outcomes.send])
      expect([Code.DeadlineExceeded, Code.Canceled]).toContain(((await outcome) as ConnectError).code);
  });

  test("by a lost connection rejects receive() and send() in both loops", async () => {
    const { handler, outcomes, sending } = blocked();
    await using it = await talking(link, handler, { cuttable: true });
    const chat = it.client.greetStream();
    await sending;
    it.end.cut();
    for (const outcome of [outcomes.receive, outcomes.send])
      expect(await outcome).toMatchObject({ code: Code.Unavailable, rawMessage: namesTheMethod });
    expect((await errorOf(chat.responseTrailer)).code).toBe(Code.Unavailable);
  });

  test("rejects later receive(), send() and run(), and no promise that the handler drops is unhandled", async () => {
    const seen = happening<unknown[]>();
    await using it = await talking(link, async (stream, { signal }) => {
      void stream.receive();
      void stream.send({ greeting: "a" });
      await fired(signal);
      void stream.send({ greeting: "b" });
      void stream.receive();
      const thrown = (act: () => unknown) => {
        try {
          return act();
        } catch (error) {
          return error;
        }
      };
      const late = [stream.receive(), stream.send({ greeting: "c" }), thrown(() => stream.run(forEver))];
      seen.tell(await Promise.all(late.map((each) => Promise.resolve(each).catch((error) => error))));
    });
    const chat = it.client.greetStream();
    await chat.receive();
    chat.cancel();
    const canceled = { code: Code.Canceled };
    expect(await seen).toMatchObject([canceled, canceled, canceled]);
    await turns(5);
  });

  test("comes when the handler has ended: a loop that it did not join is told so", async () => {
    const [go, seen] = [happening(), happening<unknown[]>()];
    await using it = await talking(link, async (stream) => {
      void (async () => {
        await go;
        const late = [stream.send({ greeting: "a" }), stream.receive()];
        seen.tell(await Promise.all(late.map((each) => each.catch((error) => error))));
      })();
    });
    expect(await all(it.client.greetStream())).toEqual([]);
    go.tell();
    const failed = { code: Code.FailedPrecondition, rawMessage: expect.stringContaining("stream.run()") };
    // The engine may have left the stream meanwhile.
    for (const error of await seen) expect(error).toMatchObject(failed);
  });

  test("is the end of the handler's life: a loop that heeds no signal is reported as stuck", async () => {
    const { written, logger } = lines();
    const clock = createClock();
    const [go, running] = [happening(), happening()];
    const stuck: ChatHandler = async (stream) => {
      stream.run(async () => {
        running.tell();
        await go;
      });
      await stream.receive();
    };
    await using it = await talking(link, stuck, { logger, clock, stuckHandlerMs: 1000 });
    const chat = it.client.greetStream();
    await running;
    chat.cancel();
    await until(() => it.end.server.activeCalls === 0);
    await clock.advance(1100);
    expect(written).toEqual([expect.stringMatching(/GreetStream.*still runs/)]);
    go.tell();
    await until(() => written.length === 2);
  });
});

describe.each(everyLink)("a driven handler behind interceptors over $name", (link) => {
  test("has its responses wrapped", async () => {
    await using it = await talking(link, echo, {
      interceptors: [
        (next) => async (req) => {
          const res = await next(req);
          if (!res.stream) return res;
          const loud = async function* (messages: AsyncIterable<unknown>) {
            for await (const message of messages)
              yield { greeting: `${(message as { greeting: string }).greeting}!` };
          };
          return { ...res, message: loud(res.message) as never };
        },
      ],
    });
    const greetings = await all(it.client.greetStream([{ name: "a" }]));
    expect(greetings.map(({ greeting }) => greeting)).toEqual(["hello a!"]);
  });

  test("that throws has what it sent before wrapped, and then its error", async () => {
    const throwing: ChatHandler = async ({ send }) => {
      for (let i = 0; i < 50; i++) void send({ greeting: long });
      throw new ConnectError("mine", Code.Aborted);
    };
    const wrapped = async function* (messages: AsyncIterable<unknown>) {
      for await (const message of messages) yield message;
    };
    await using it = await talking(link, throwing, {
      interceptors: [
        (next) => async (req) => {
          const res = await next(req);
          return res.stream ? { ...res, message: wrapped(res.message) as never } : res;
        },
      ],
    });
    const chat = it.client.greetStream();
    for (let i = 0; i < 50; i++) expect((await chat.receive())?.greeting).toBe(long);
    expect(await errorOf(chat.receive())).toMatchObject({ code: Code.Aborted, rawMessage: "mine" });
  });

  test("whose response an interceptor leaves early does not take the request for complete", async () => {
    const outcomes = { receive: happening<unknown>(), send: happening<unknown>() };
    const handler: ChatHandler = async (stream) => {
      stream.run(async () => {
        await stream.receive();
        await stream.receive().then(outcomes.receive.tell, outcomes.receive.tell);
      });
      await stream.send({ greeting: "a" }).catch((error) => {
        outcomes.send.tell(error);
        throw error;
      });
    };
    await using it = await talking(link, handler, {
      interceptors: [
        (next) => async (req) => {
          const res = await next(req);
          if (!res.stream) return res;
          const one = async function* (messages: AsyncIterable<unknown>) {
            for await (const message of messages) {
              yield message;
              return;
            }
          };
          return { ...res, message: one(res.message) as never };
        },
      ],
    });
    const chat = it.client.greetStream();
    await chat.send({ name: "x" });
    expect((await chat.receive())?.greeting).toBe("a");
    await chat.closeRequest();
    for (const outcome of [outcomes.receive, outcomes.send])
      expect(await outcome).toMatchObject({ code: Code.Canceled });
    expect(await chat.receive()).toBeUndefined();
  });

  test("that run it again get its requests once", async () => {
    await using it = await talking(link, echo, {
      interceptors: [
        (next) => async (req) => {
          const first = await next(req);
          if (first.stream) for await (const _ of first.message as AsyncIterable<unknown>);
          return next(req);
        },
      ],
    });
    const error = await errorOf(all(it.client.greetStream([{ name: "a" }])));
    expect(error.code).toBe(Code.FailedPrecondition);
  });
});

test("driven() of something that is no function is refused", () => {
  expect(() => driven(5 as never)).toThrow(/the handler of driven/);
});

test.each(everyLink)("a unary method can't be driven over $name", async (link) => {
  const { written, logger } = lines();
  const greeter = { greet: driven((async () => {}) as never) } as Greeter;
  await using it = await started(link, greeter, { logger });
  expect((await errorOf(it.client.greet({}))).code).toBe(Code.Internal);
  expect(written).toEqual([expect.stringContaining("driven() can't implement greet.GreetService/Greet")]);
});

test.each(everyLink)("stream.run() of something that is no function is refused over $name", async (link) => {
  await using it = await talking(link, async (stream) => stream.run(undefined as never));
  expect(await errorOf(it.client.greetStream().receive())).toMatchObject({
    code: Code.InvalidArgument,
    rawMessage: expect.stringContaining("the loop of stream.run() of greet.GreetService/GreetStream"),
  });
});

test("stream.run() of a client stream starts nothing once the call is over, and says why", async () => {
  const outcome = happening<unknown>();
  let started = false;
  await using link = loopback({
    routes: (router) =>
      router.service(GreetService, {
        greetClientStream: driven(async (stream, { signal }) => {
          await fired(signal);
          try {
            stream.run(async () => {
              started = true;
            });
          } catch (error) {
            outcome.tell(error);
          }
          return {};
        }),
      }),
  });
  const upload = createClient(GreetService, link.transport).greetClientStream();
  await upload.send({ name: "a" });
  upload.cancel();
  expect(await outcome).toMatchObject({ code: Code.Canceled });
  expect(started).toBe(false);
});
