// SPDX-License-Identifier: Apache-2.0
import type { StreamRequest, StreamResponse } from "@connectrpc/connect";
import { Code, ConnectError, createClient, createContextKey, type Interceptor } from "@tristream/core";
import { type GreetRequest, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, fired, forEver, happening } from "./events.js";
import { everyLink, type LinkKind, type StartOptions } from "./every-link.js";
import { greeter } from "./greeter.js";

/** A server that says in its answer what header `x-test` and the name were. */
function start(link: LinkKind, transport: StartOptions["transport"] = {}) {
  return link.start({
    transport,
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        greet: ({ name }, context) => ({ greeting: `${name} ${context.requestHeader.get("x-test")}` }),
        async *greetStream(requests, context) {
          for await (const { name } of requests)
            yield { greeting: `${name} ${context.requestHeader.get("x-test")}` };
        },
      }),
  });
}

const rename: Interceptor = (next) => async (req) => {
  if (!req.stream) {
    const message = { ...req.message, name: `${(req.message as GreetRequest).name}!` };
    return next({ ...req, message: message as typeof req.message });
  }
  return next(req);
};

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

describe.each(everyLink)("a client's interceptors over $name", (link) => {
  test("change headers, by set() and by a copy", async () => {
    await using end = await start(link);
    const set: Interceptor = (next) => (req) => {
      req.header.set("x-test", "set");
      return next(req);
    };
    const copy: Interceptor = (next) => (req) =>
      next({ ...req, header: new Headers({ ...Object.fromEntries(req.header), "x-test": "copied" }) });
    for (const [interceptor, seen] of [
      [set, "set"],
      [copy, "copied"],
    ] as const) {
      const client = createClient(GreetService, end.transport, { interceptors: [interceptor], group: "" });
      expect((await client.greet({ name: "a" })).greeting).toBe(`a ${seen}`);
      expect((await all(client.greetStream([{ name: "b" }]))).map((m) => m.greeting)).toEqual([`b ${seen}`]);
    }
  });

  test("a copy of a request keeps all of its fields", async () => {
    await using end = await start(link);
    const seen: Record<string, unknown>[] = [];
    const look: Interceptor = (next) => (req) => {
      seen.push({ ...req });
      return next({ ...req });
    };
    const key = createContextKey("none");
    const client = createClient(GreetService, end.transport, { interceptors: [look] });
    expect((await client.greet({ name: "a" })).greeting).toBe("a null");
    await all(client.greetStream([{ name: "b" }]));
    expect(seen[0]).toMatchObject({
      stream: false,
      requestMethod: "POST",
      method: GreetService.method.greet,
      service: GreetService,
      message: { name: "a" },
    });
    expect(seen[0]?.["header"]).toBeInstanceOf(Headers);
    expect(seen[0]?.["signal"]).toBeInstanceOf(AbortSignal);
    expect(String(seen[0]?.["url"])).toMatch(/^http:\/\/[^/]+\/greet\.GreetService\/Greet$/);
    expect((seen[0]!["contextValues"] as { get(k: typeof key): string }).get(key)).toBe("none");
    expect(seen[1]?.["stream"]).toBe(true);
  });

  test("the first is outermost, and those of the transport are inside", async () => {
    const order: string[] = [];
    const note =
      (name: string): Interceptor =>
      (next) =>
      async (req) => {
        order.push(`${name} in`);
        const res = await next(req);
        order.push(`${name} out`);
        return res;
      };
    await using end = await start(link, { interceptors: [note("transport 1"), note("transport 2")] });
    const client = createClient(GreetService, end.transport, {
      interceptors: [note("client 1"), note("client 2")],
    });
    await client.greet({});
    const inwards = ["client 1", "client 2", "transport 1", "transport 2"];
    expect(order).toEqual([...inwards.map((n) => `${n} in`), ...inwards.reverse().map((n) => `${n} out`)]);
  });

  test("change messages of both directions", async () => {
    await using end = await start(link);
    const client = createClient(GreetService, end.transport, { interceptors: [wrap, rename] });
    expect((await client.greet({ name: "a" })).greeting).toBe("a! null");
    const init = [{ name: "a" }, { name: "b" }];
    expect((await all(client.greetStream(init))).map((m) => m.greeting)).toEqual(["<a! null>", "<b! null>"]);
    expect((await client.greetClientStream(init)).greeting).toBe("<a!,b!>");
    expect((await all(client.greetServerStream({ name: "x" }))).map((m) => m.greeting)).toEqual([
      "<x!0>",
      "<x!1>",
      "<x!2>",
    ]);
    await using chat = client.greetStream();
    await chat.send({ name: "c" });
    expect((await chat.receive())?.greeting).toBe("<c! null>");
    await chat.closeRequest();
    expect(await chat.receive()).toBeUndefined();
    const upload = client.greetClientStream();
    for (let i = 0; i < 40; i++) await upload.send({ name: `${i}` });
    expect((await upload.closeAndReceive()).greeting).toContain("38!,39!");
  });

  test("an interceptor that gives up while the call runs ends it, and the server knows", async () => {
    const left: Promise<unknown>[] = [];
    const both = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greet(_request, context) {
            left.push(fired(context.signal));
            return forEver();
          },
          async *greetServerStream(_request, context) {
            left.push(fired(context.signal));
            both.tell();
            await forEver();
            yield {};
          },
        }),
    });
    const impatient: Interceptor = (next) => (req) =>
      Promise.race([
        next(req),
        both.promise.then(() => {
          throw new ConnectError("too slow", Code.Aborted);
        }),
      ]);
    const client = createClient(GreetService, end.transport, { interceptors: [impatient] });
    const unary = errorOf(client.greet({}));
    const stream = client.greetServerStream({});
    expect((await unary).code).toBe(Code.Aborted);
    expect((await errorOf(stream.receive())).code).toBe(Code.Aborted);
    for (const reason of await Promise.all(left)) expect(reason).toMatchObject({ code: Code.Canceled });
  });

  test("send again, by calling next() twice", async () => {
    let attempts = 0;
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet: ({ name }) => {
            if (++attempts < 3) throw new ConnectError("busy", Code.Unavailable);
            return { greeting: `${name} at attempt ${attempts}` };
          },
          async *greetServerStream({ name }) {
            if (++attempts < 3) throw new ConnectError("busy", Code.Unavailable);
            yield { greeting: `${name} at attempt ${attempts}` };
          },
        }),
    });
    const retry: Interceptor = (next) => async (req) => {
      for (;;) {
        try {
          return await next(req);
        } catch (error) {
          if (ConnectError.from(error).code !== Code.Unavailable) throw error;
        }
      }
    };
    const client = createClient(GreetService, end.transport, { interceptors: [retry] });
    expect((await client.greet({ name: "a" })).greeting).toBe("a at attempt 3");
    attempts = 0;
    expect((await all(client.greetServerStream({ name: "b" }))).map((m) => m.greeting)).toEqual([
      "b at attempt 3",
    ]);
  });

  test("throw, before and after next(), and the call ends with their error", async () => {
    await using end = await start(link);
    const before: Interceptor = () => () => {
      throw new ConnectError("not you", Code.PermissionDenied);
    };
    const after: Interceptor = (next) => async (req) => {
      await next(req);
      throw new RangeError("odd answer");
    };
    const denied = createClient(GreetService, end.transport, { interceptors: [before] });
    expect((await errorOf(denied.greet({}))).code).toBe(Code.PermissionDenied);
    expect((await errorOf(denied.greetStream().receive())).code).toBe(Code.PermissionDenied);
    expect((await errorOf(denied.greetClientStream().closeAndReceive())).code).toBe(Code.PermissionDenied);
    expect((await errorOf(denied.greetStream().send({}))).code).toBe(Code.PermissionDenied);
    const odd = createClient(GreetService, end.transport, { interceptors: [after] });
    expect((await errorOf(odd.greet({}))).rawMessage).toBe("odd answer");
    expect((await errorOf(all(odd.greetServerStream({})))).rawMessage).toBe("odd answer");
    expect(end.server.activeCalls).toBe(0);
  });

  test("answer without the server", async () => {
    await using end = await start(link);
    const cached: Interceptor = () => async (req) =>
      ({
        stream: false,
        service: req.service,
        method: req.method,
        header: new Headers(),
        trailer: new Headers(),
        message: { $typeName: "greet.GreetResponse", greeting: "cached" },
      }) as never;
    const client = createClient(GreetService, end.transport, { interceptors: [cached] });
    expect((await client.greet({})).greeting).toBe("cached");
  });

  test("answer without the server and without reading the requests: handles that are driven settle too", async () => {
    await using end = await start(link);
    const cached: Interceptor = () => async (req) => {
      const message = (async function* () {
        yield { $typeName: "greet.GreetResponse", greeting: "cached" };
      })();
      return { ...req, header: new Headers(), trailer: new Headers({ "x-from": "cache" }), message } as never;
    };
    const client = createClient(GreetService, end.transport, { interceptors: [cached] });
    const upload = client.greetClientStream();
    await upload.send({ name: "a" });
    expect((await upload.closeAndReceive()).greeting).toBe("cached");
    expect((await upload.responseTrailer).get("x-from")).toBe("cache");
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.closeRequest();
    expect((await chat.receive())?.greeting).toBe("cached");
    expect(await chat.receive()).toBeUndefined();
    expect(end.server.activeCalls).toBe(0);
  });
});

describe.each(everyLink)("headers of a client over $name", (link) => {
  test("are constant, or asked for before each call, and a call's own come first", async () => {
    await using end = await start(link);
    const constant = createClient(GreetService, end.transport, { headers: { "x-test": "constant" } });
    expect((await constant.greet({ name: "a" })).greeting).toBe("a constant");
    expect((await constant.greet({ name: "a" }, { headers: { "x-test": "call" } })).greeting).toBe("a call");
    let asked = 0;
    const asking = createClient(GreetService, end.transport, {
      headers: async () => ({ "x-test": `token ${++asked}` }),
    });
    expect((await asking.greet({ name: "a" })).greeting).toBe("a token 1");
    expect((await all(asking.greetStream([{ name: "b" }]))).map((m) => m.greeting)).toEqual(["b token 2"]);
    await using chat = asking.greetStream({ headers: { "x-test": "call" } });
    await chat.send({ name: "c" });
    expect((await chat.receive())?.greeting).toBe("c call");
    expect(asked).toBe(3);
  });

  test("a function for them that fails, fails the call", async () => {
    await using end = await start(link);
    const client = createClient(GreetService, end.transport, {
      headers: () => {
        throw new ConnectError("no token", Code.Unauthenticated);
      },
    });
    expect((await errorOf(client.greet({}))).code).toBe(Code.Unauthenticated);
    expect((await errorOf(client.greetStream().receive())).code).toBe(Code.Unauthenticated);
  });

  test("leaving while they are asked for sends nothing", async () => {
    await using end = await start(link);
    const asked = happening();
    const token = happening();
    const client = createClient(GreetService, end.transport, {
      async headers() {
        asked.tell();
        await token;
        return {};
      },
    });
    const chat = client.greetStream();
    await asked;
    chat.cancel();
    token.tell();
    expect((await errorOf(chat.receive())).code).toBe(Code.Canceled);
    expect(end.server.activeCalls).toBe(0);
  });
});
