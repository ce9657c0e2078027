// SPDX-License-Identifier: Apache-2.0
import type { ServiceImpl } from "@connectrpc/connect";
import {
  Code,
  ConnectError,
  createClient,
  createServer,
  type Interceptor,
  type TripleRouter,
  type TripleServiceImpl,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";

function tagging(tag: string): Interceptor {
  return (next) => async (req) => {
    const res = await next(req);
    res.header.append("x-tags", tag);
    return res;
  };
}

function registering(routes: (router: TripleRouter) => unknown): unknown {
  try {
    createServer({ routes, logger: quiet });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("registering", () => {
  test("the same service, group and version twice is an error that names all three", () => {
    const error = registering((r) =>
      r
        .service(GreetService, greeter(), { group: "g", version: "1" })
        .service(GreetService, greeter(), { group: "g", version: "1" }),
    );
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({
      code: Code.AlreadyExists,
      rawMessage:
        'greet.GreetService/Greet is registered twice for group "g", version "1": give one of them another group or version',
    });
  });

  test("one method twice is an error too", () => {
    const error = registering((r) =>
      r.service(GreetService, greeter()).rpc(GreetService.method.greet, () => ({})),
    );
    expect(error).toMatchObject({ code: Code.AlreadyExists });
  });

  test("an implementation that is no function is refused by its name", () => {
    const error = registering((r) => r.service(GreetService, { greet: 1 as never }));
    expect(error).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "implementation of greet.GreetService/Greet is a number: give a function",
    });
  });

  test.each([0, 1.5, -1, Number.NaN, 2 ** 32])(
    "a limit of %d is refused with what is allowed",
    (readMaxBytes) => {
      const error = registering((r) => r.service(GreetService, greeter(), { readMaxBytes }));
      expect(error).toMatchObject({ code: Code.InvalidArgument });
      expect((error as ConnectError).rawMessage).toContain(
        `option readMaxBytes of router.service(GreetService) is ${readMaxBytes}: pass an integer from 1 to 4294967295`,
      );
    },
  );

  test("asynchronous routes that fail reject `ready`, and nothing else", async () => {
    const server = createServer({
      logger: quiet,
      async routes() {
        throw new RangeError("no database");
      },
    });
    await expect(server.ready).rejects.toThrow("no database");
  });
});

describe.each(everyLink)("what is registered over $name", (link) => {
  test("handlers see their object as `this`", async () => {
    class Greeter {
      private readonly hello = "hello ";
      private greetings = 0;
      greet({ name }: { name: string }) {
        return { greeting: `${this.hello}${name} ${++this.greetings}` };
      }
      async *greetServerStream() {
        yield { greeting: this.hello };
      }
    }
    await using end = await link.start({ routes: (r) => r.service(GreetService, new Greeter()) });
    const client = createClient(GreetService, end.transport);
    await client.greet({ name: "a" });
    expect((await client.greet({ name: "b" })).greeting).toBe("hello b 2");
    expect((await all(client.greetServerStream({})))[0]?.greeting).toBe("hello ");
  });

  test("an instance of a class has its methods on its prototype, and keeps its private fields", async () => {
    abstract class Base {
      protected abstract readonly greeting: string;
      async greet({ name }: { name: string }) {
        return { greeting: `${this.greeting} ${name}` };
      }
    }
    class Greeter extends Base implements Partial<TripleServiceImpl<typeof GreetService>> {
      #count = 0;
      protected readonly greeting = "hi";
      #next(): string {
        return `${this.greeting} ${++this.#count}`;
      }
      async *greetServerStream() {
        yield { greeting: this.#next() };
        yield { greeting: this.#next() };
      }
      async greetClientStream(requests: AsyncIterable<{ name: string }>) {
        for await (const _ of requests) this.#next();
        return { greeting: this.#next() };
      }
      async *greetStream(requests: AsyncIterable<{ name: string }>) {
        for await (const { name } of requests) yield { greeting: `${this.#next()} ${name}` };
      }
    }
    await using end = await link.start({ routes: (r) => r.service(GreetService, new Greeter()) });
    const client = createClient(GreetService, end.transport);
    const texts = async (messages: AsyncIterable<{ greeting: string }>) =>
      (await all(messages)).map(({ greeting }) => greeting);
    expect((await client.greet({ name: "a" })).greeting).toBe("hi a");
    expect(await texts(client.greetServerStream({}))).toEqual(["hi 1", "hi 2"]);
    expect((await client.greetClientStream([{}, {}])).greeting).toBe("hi 5");
    expect(await texts(client.greetStream([{ name: "b" }]))).toEqual(["hi 6 b"]);
  });

  test("methods that are left out answer Unimplemented with their name", async () => {
    await using end = await link.start({
      routes: (r) => r.service(GreetService, { greet: () => ({ greeting: "here" }) }),
    });
    const client = createClient(GreetService, end.transport);
    expect((await client.greet({})).greeting).toBe("here");
    const calls: [string, () => Promise<unknown>][] = [
      ["GreetStream", () => all(client.greetStream([]))],
      ["GreetClientStream", () => client.greetClientStream([])],
      ["GreetServerStream", () => all(client.greetServerStream({}))],
    ];
    for (const [name, call] of calls) {
      expect(await errorOf(call())).toMatchObject({
        code: Code.Unimplemented,
        rawMessage: `greet.GreetService/${name} is not implemented`,
      });
    }
  });

  test("plain functions, async functions and functions that return any iterable are handlers", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet: ({ name }) => ({ greeting: name }),
          greetClientStream: (requests) => all(requests).then((m) => ({ greeting: `${m.length}` })),
          greetServerStream: () =>
            [{ greeting: "a" }, { greeting: "b" }] as unknown as AsyncIterable<{ greeting: string }>,
          greetStream: (requests) => ({
            [Symbol.asyncIterator]: () => {
              const iterator = requests[Symbol.asyncIterator]();
              return {
                async next() {
                  const { done, value } = await iterator.next();
                  return done === true
                    ? { done, value: undefined }
                    : { done: false, value: { greeting: value.name } };
                },
              };
            },
          }),
        }),
    });
    const client = createClient(GreetService, end.transport);
    expect((await client.greet({ name: "x" })).greeting).toBe("x");
    expect((await client.greetClientStream([{}, {}])).greeting).toBe("2");
    expect((await all(client.greetServerStream({}))).map((m) => m.greeting)).toEqual(["a", "b"]);
    expect((await all(client.greetStream([{ name: "y" }]))).map((m) => m.greeting)).toEqual(["y"]);
  });

  test("a stock ServiceImpl of Connect is served unchanged", async () => {
    const stock: ServiceImpl<typeof GreetService> = {
      async greet(req, context) {
        context.responseHeader.set("x-protocol", context.protocolName);
        return { greeting: req.name };
      },
      async *greetStream() {},
      async greetClientStream() {
        return {};
      },
      async *greetServerStream() {},
    };
    await using end = await link.start({ routes: (r) => r.service(GreetService, stock) });
    let protocol: string | null = null;
    await createClient(GreetService, end.transport).greet(
      {},
      {
        onHeader: (h) => {
          protocol = h.get("x-protocol");
        },
      },
    );
    expect(protocol).toBe("grpc");
  });

  test("interceptors of a registration take the place of the router's", async () => {
    await using end = await link.start({
      interceptors: [tagging("router")],
      routes: (r) =>
        r
          .service(GreetService, greeter())
          .service(GreetService, greeter(), { group: "own", interceptors: [tagging("own")] })
          .service(GreetService, greeter(), { group: "none", interceptors: [] }),
    });
    const tags = async (group: string): Promise<string | null> => {
      let seen: string | null = null;
      await createClient(GreetService, end.transport, { group }).greet(
        {},
        {
          onHeader: (h) => {
            seen = h.get("x-tags");
          },
        },
      );
      return seen;
    };
    expect(await tags("")).toBe("router");
    expect(await tags("own")).toBe("own");
    expect(await tags("none")).toBeNull();
  });
});
