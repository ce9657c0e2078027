// SPDX-License-Identifier: Apache-2.0
import type { StreamRequest, StreamResponse } from "@connectrpc/connect";
import { Code, ConnectError, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, fired, happening } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

/** Changes each message of both directions. */
const wrap: Interceptor = (next) => async (req) => {
  if (!req.stream) return next(req);
  const renamed = async function* () {
    for await (const m of req.message) yield { ...m, name: `${(m as unknown as { name: string }).name}!` };
  };
  const res = (await next({ ...req, message: renamed() } as StreamRequest)) as StreamResponse;
  const answered = async function* () {
    for await (const m of res.message)
      yield { ...m, greeting: `<${(m as unknown as { greeting: string }).greeting}>` };
  };
  return { ...res, message: answered() } as StreamResponse;
};

describe.each(everyLink)("a response that an interceptor wraps, over $name", (link) => {
  test("runs its finally when the loop is left, also when all had arrived", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const ended = happening();
    const arrived = happening();
    const wrapped: Interceptor = (next) => async (req) => {
      const res = (await next(req)) as StreamResponse;
      const watched = async function* () {
        try {
          yield* res.message;
        } finally {
          ended.tell();
        }
      };
      return { ...res, message: watched() } as StreamResponse;
    };
    const client = createClient(GreetService, end.transport, { interceptors: [wrapped] });
    const stream = client.greetServerStream({ name: "x" }, { onTrailer: () => arrived.tell() });
    await stream.receive();
    await arrived;
    await stream.closeResponse();
    await ended;
  });

  test("gives what had arrived, then the call's error, or the wrapper's own", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            yield { greeting: "a" };
            yield { greeting: "b" };
            throw new ConnectError("late", Code.Aborted);
          },
        }),
    });
    const mapped: Interceptor = (next) => async (req) => {
      const res = (await next(req)) as StreamResponse;
      const mapping = async function* () {
        try {
          yield* res.message;
        } catch (error) {
          throw Object.assign(new ConnectError("mapped", Code.DataLoss), { cause: error });
        }
      };
      return { ...res, message: mapping() } as StreamResponse;
    };
    for (const [interceptor, code, first] of [
      [wrap, Code.Aborted, "<a>"],
      [mapped, Code.DataLoss, "a"],
    ] as const) {
      const client = createClient(GreetService, end.transport, { interceptors: [interceptor] });
      const stream = client.greetServerStream({});
      await errorOf(stream.responseTrailer);
      expect((await stream.receive())?.greeting).toBe(first);
      await stream.receive();
      expect((await errorOf(stream.receive())).code).toBe(code);
      expect((await errorOf(stream.receive())).code).toBe(code);
    }
  });

  test("that throws ends the call, and the server knows", async () => {
    const left = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream(_request, context) {
            yield { greeting: "a" };
            left.tell(await fired(context.signal));
          },
        }),
    });
    const broken: Interceptor = (next) => async (req) => {
      const res = (await next(req)) as StreamResponse;
      const failing = async function* () {
        for await (const message of res.message) {
          if (message.$typeName !== "") throw new RangeError("odd message");
          yield message;
        }
      };
      return { ...res, message: failing() } as unknown as StreamResponse;
    };
    const client = createClient(GreetService, end.transport, { interceptors: [broken] });
    const stream = client.greetServerStream({});
    expect((await errorOf(stream.receive())).rawMessage).toBe("odd message");
    expect((await errorOf(stream.receive())).rawMessage).toBe("odd message");
    expect(await left).toMatchObject({ code: Code.Canceled });
  });

  test("lets a cancel through: the loop is left, and the server knows", async () => {
    const left = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(requests) {
            yield { greeting: "first" };
            try {
              for await (const _ of requests);
            } catch (error) {
              left.tell(error);
              throw error;
            }
          },
        }),
    });
    const client = createClient(GreetService, end.transport, { interceptors: [wrap] });
    for await (const { greeting } of client.greetStream()) {
      expect(greeting).toBe("<first>");
      break;
    }
    expect(await left).toMatchObject({ code: Code.Canceled });
  });
});
