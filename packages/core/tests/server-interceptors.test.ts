// SPDX-License-Identifier: Apache-2.0
import type { StreamRequest, StreamResponse, UnaryResponse } from "@connectrpc/connect";
import { Code, ConnectError, createClient, createContextKey, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, fired, happening } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";

const user = createContextKey("nobody");

/** A server whose answers say the user that an interceptor found, and a header that it added. */
function start(link: LinkKind, interceptors: Interceptor[]) {
  return link.start({
    interceptors,
    routes: (r) =>
      r.service(GreetService, {
        greet: ({ name }, context) => ({
          greeting: `${name} ${context.values.get(user)} ${context.requestHeader.get("x-added")}`,
        }),
        async greetClientStream(requests, context) {
          const names = (await all(requests)).map((m) => m.name);
          return { greeting: `${names} ${context.values.get(user)} ${context.requestHeader.get("x-added")}` };
        },
        async *greetServerStream({ name }, context) {
          yield { greeting: `${name} ${context.values.get(user)} ${context.requestHeader.get("x-added")}` };
        },
        async *greetStream(requests, context) {
          for await (const { name } of requests)
            yield { greeting: `${name} ${context.values.get(user)} ${context.requestHeader.get("x-added")}` };
        },
      }),
  });
}

async function fourAnswers(client: ReturnType<typeof createClient<typeof GreetService>>) {
  const name = "n";
  return [
    (await client.greet({ name })).greeting,
    (await client.greetClientStream([{ name }])).greeting,
    ...(await all(client.greetServerStream({ name }))).map((m) => m.greeting),
    ...(await all(client.greetStream([{ name }]))).map((m) => m.greeting),
  ];
}

describe.each(everyLink)("server interceptors over $name", (link) => {
  test("see a request of each kind and hand context values to its handler", async () => {
    const seen: string[] = [];
    const look: Interceptor = (next) => (req) => {
      seen.push(`${req.stream ? "stream" : "unary"} ${req.method.name} ${new URL(req.url).pathname}`);
      req.contextValues.set(user, "ada");
      return next(req);
    };
    await using end = await start(link, [look]);
    const client = createClient(GreetService, end.transport);
    expect(await fourAnswers(client)).toEqual(Array(4).fill("n ada null"));
    expect(seen).toEqual([
      "unary Greet /greet.GreetService/Greet",
      "stream GreetClientStream /greet.GreetService/GreetClientStream",
      "stream GreetServerStream /greet.GreetService/GreetServerStream",
      "stream GreetStream /greet.GreetService/GreetStream",
    ]);
  });

  test("put other headers in the request's place, by a copy", async () => {
    const copy: Interceptor = (next) => (req) => {
      const header = new Headers(req.header);
      header.set("x-added", "added");
      return next({ ...req, header });
    };
    await using end = await start(link, [copy]);
    expect(await fourAnswers(createClient(GreetService, end.transport))).toEqual(
      Array(4).fill("n nobody added"),
    );
  });

  test("change response headers and trailers, by set() and by a copy", async () => {
    const set: Interceptor = (next) => async (req) => {
      const res = await next(req);
      res.header.set("x-h", "set");
      res.trailer.set("x-t", "set");
      return res;
    };
    const copy: Interceptor = (next) => async (req) => {
      const res = await next(req);
      return {
        ...res,
        header: new Headers({ "x-h": "copied" }),
        trailer: new Headers({ "x-t": "copied" }),
      } as UnaryResponse | StreamResponse;
    };
    for (const [interceptor, value] of [
      [set, "set"],
      [copy, "copied"],
    ] as const) {
      await using end = await start(link, [interceptor]);
      const client = createClient(GreetService, end.transport);
      const told: (string | null)[] = [];
      const options = {
        onHeader: (h: Headers) => void told.push(h.get("x-h")),
        onTrailer: (t: Headers) => void told.push(t.get("x-t")),
      };
      await client.greet({}, options);
      await client.greetClientStream([], options);
      await all(client.greetServerStream({}, options));
      await all(client.greetStream([{}], options));
      expect(told).toEqual(Array(8).fill(value));
    }
  });

  test("change the messages of both directions", async () => {
    const wrap: Interceptor = (next) => async (req) => {
      if (!req.stream) {
        const res = await next({
          ...req,
          message: { ...req.message, name: "changed" } as typeof req.message,
        });
        const message = res.message as unknown as { greeting: string };
        return {
          ...res,
          message: { ...message, greeting: `<${message.greeting}>` },
        } as unknown as UnaryResponse;
      }
      const renamed = async function* () {
        for await (const m of req.message) yield { ...m, name: "changed" };
      };
      const res = (await next({ ...req, message: renamed() } as StreamRequest)) as StreamResponse;
      const answered = async function* () {
        for await (const m of res.message)
          yield { ...m, greeting: `<${(m as unknown as { greeting: string }).greeting}>` };
      };
      return { ...res, message: answered() } as StreamResponse;
    };
    await using end = await start(link, [wrap]);
    expect(await fourAnswers(createClient(GreetService, end.transport))).toEqual(
      Array(4).fill("<changed nobody null>"),
    );
  });

  test("refuse a call: their error is its outcome, and its handler never runs", async () => {
    let ran = 0;
    const refuse: Interceptor = () => () => {
      throw new ConnectError("who are you?", Code.Unauthenticated);
    };
    await using end = await link.start({
      interceptors: [refuse],
      routes: (r) =>
        r.service(GreetService, {
          greet: () => {
            ran++;
            return {};
          },
          async *greetStream() {
            ran++;
            yield {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    expect((await errorOf(client.greet({}))).code).toBe(Code.Unauthenticated);
    expect((await errorOf(all(client.greetStream([{}])))).code).toBe(Code.Unauthenticated);
    expect(ran).toBe(0);
  });

  test("turn an error of the handler into another one", async () => {
    const translate: Interceptor = (next) => async (req) => {
      try {
        return await next(req);
      } catch (error) {
        throw error instanceof RangeError ? new ConnectError("not found", Code.NotFound) : error;
      }
    };
    await using end = await link.start({
      interceptors: [translate],
      routes: (r) =>
        r.service(GreetService, {
          greet: () => {
            throw new RangeError("secret");
          },
          async greetClientStream() {
            throw new RangeError("secret");
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    expect(await errorOf(client.greet({}))).toMatchObject({ code: Code.NotFound, rawMessage: "not found" });
    expect((await errorOf(client.greetClientStream([]))).code).toBe(Code.NotFound);
  });

  test("a client that leaves is known inside them: the signal fires, wrapped generators end", async () => {
    const signal = happening<unknown>();
    const ended = happening();
    const watch: Interceptor = (next) => async (req) => {
      void fired(req.signal).then(signal.tell);
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
    await using end = await link.start({
      interceptors: [watch],
      routes: (r) => r.service(GreetService, greeter()),
    });
    const chat = createClient(GreetService, end.transport).greetStream();
    await chat.send({ name: "a" });
    await chat.receive();
    chat.cancel();
    expect(await signal).toMatchObject({ code: Code.Canceled });
    await ended;
  });
});
