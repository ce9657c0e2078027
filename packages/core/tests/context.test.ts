// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, createClient, type TripleContext } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, fired, happening, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";

/** A server that hands its handlers' contexts out. */
async function start(link: LinkKind) {
  const contexts: TripleContext[] = [];
  const end = await link.start({
    routes: (r) => {
      const impl = {
        greet(_request: unknown, context: TripleContext) {
          contexts.push(context);
          return {};
        },
        async *greetServerStream(_request: unknown, context: TripleContext) {
          contexts.push(context);
          yield {};
        },
      };
      r.service(GreetService, impl);
      r.service(GreetService, impl, { group: "g", version: "1.0.0", interface: "org.example.Greeter" });
    },
  });
  return { end, contexts };
}

describe.each(everyLink)("a handler's context over $name", (link) => {
  test("says who calls, what is called and how", async () => {
    const { end, contexts } = await start(link);
    await using _end = end;
    const client = createClient(GreetService, end.transport, {
      group: "g",
      version: "1.0.0",
      interface: "org.example.Greeter",
    });
    await client.greet({}, { headers: { "x-a": "1" }, timeoutMs: 50_000 });
    const context = contexts[0]!;
    expect(context.group).toBe("g");
    expect(context.version).toBe("1.0.0");
    expect(context.peer.transport).toBe(link.name);
    expect(context.peer.address).toMatch(
      { tcp: /^127\.0\.0\.1:\d+$/, unix: /^unix:\//, memory: /^memory:client$/ }[link.name],
    );
    expect(context.requestHeader.get("x-a")).toBe("1");
    expect(context.requestHeader.get("tri-service-group")).toBe("g");
    expect(context.requestHeader.get("user-agent")).toBe("tristream/0.1.0");
    expect(context.timeoutMs()).toBeGreaterThan(0);
    expect(context.timeoutMs()).toBeLessThanOrEqual(50_000);
    expect(new URL(context.url).pathname).toBe("/org.example.Greeter/Greet");
    expect(context.service.typeName).toBe("org.example.Greeter");
    expect(context.method.name).toBe("Greet");
    expect(context.requestMethod).toBe("POST");
    expect(context.protocolName).toBe("grpc");
    expect(context.shutdownSignal.aborted).toBe(false);
  });

  test("has no deadline, group or version when the client has none", async () => {
    const { end, contexts } = await start(link);
    await using _end = end;
    await createClient(GreetService, end.transport).greet({});
    expect(contexts[0]).toMatchObject({ group: "", version: "" });
    expect(contexts[0]?.timeoutMs()).toBeUndefined();
  });

  test("its signal fires at the normal end too, with one shared reason", async () => {
    const { end, contexts } = await start(link);
    await using _end = end;
    const client = createClient(GreetService, end.transport);
    await client.greet({});
    await all(client.greetServerStream({}));
    const [one, two] = contexts.map((context) => context.signal);
    await until(() => one!.aborted && two!.aborted);
    expect(one!.reason).toBeInstanceOf(ConnectError);
    expect(one!.reason).toBe(two!.reason);
    expect(one!.reason).toMatchObject({ code: Code.Canceled, rawMessage: "the call has ended" });
  });

  test("a signal that was asked for during the call fires with the same reason", async () => {
    const reason = happening<unknown>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet(_request, context) {
            void fired(context.signal).then(reason.tell);
            expect(context.signal).toBe(context.signal);
            return {};
          },
        }),
    });
    await createClient(GreetService, end.transport).greet({});
    expect(await reason).toMatchObject({ rawMessage: "the call has ended" });
  });

  test("shutdownSignal fires when the server begins to shut down, and the call goes on", async () => {
    const started = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greet(_request, context) {
            started.tell();
            const reason = (await fired(context.shutdownSignal)) as ConnectError;
            expect(context.signal.aborted).toBe(false);
            return { greeting: reason.rawMessage };
          },
        }),
    });
    const call = createClient(GreetService, end.transport).greet({});
    await started;
    const report = end.server.shutdown();
    expect((await call).greeting).toBe("the server is shutting down");
    expect(await report).toEqual({ finished: 1, cut: 0 });
  });
});

describe.each(everyLink)("metadata over $name", (link) => {
  test("goes both ways: repeated and binary values, and names in any case", async () => {
    const seen = happening<Headers>();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet(_request, context) {
            seen.tell(new Headers(context.requestHeader));
            context.responseHeader.append("X-Answer", "a");
            context.responseHeader.append("x-answer", "b");
            context.responseTrailer.set("x-bytes-bin", "AAEC");
            return {};
          },
        }),
    });
    const headers = new Headers([
      ["X-Many", "1"],
      ["x-many", "2"],
      ["x-empty", ""],
      ["x-data-bin", "3q0"],
    ]);
    let header = new Headers();
    let trailer = new Headers();
    await createClient(GreetService, end.transport).greet(
      {},
      {
        headers,
        onHeader: (h) => {
          header = h;
        },
        onTrailer: (t) => {
          trailer = t;
        },
      },
    );
    const request = await seen;
    expect(request.get("x-many")).toBe("1, 2");
    expect(request.get("x-empty")).toBe("");
    expect(request.get("x-data-bin")).toBe("3q0");
    expect(header.get("x-answer")).toBe("a, b");
    expect(trailer.get("x-bytes-bin")).toBe("AAEC");
  });

  test.each([
    ["x-text", "ä", "at 0"],
    ["x-text", "ok\u0080", "at 2"],
    ["x-text", "a\u0001b", "at 1"],
  ])("a value of %s with %j is refused by an error that names it", async (name, value, where) => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet(_request, context) {
            if (context.requestHeader.has("x-header")) context.responseHeader.set(name, value);
            else context.responseTrailer.set(name, value);
            return {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const calls = [
      [client.greet({}, { headers: { [name]: value } }), Code.InvalidArgument],
      [client.greet({}, { headers: { "x-header": "" } }), Code.Internal],
      [client.greet({}), Code.Internal],
      [client.greetStream({ headers: { [name]: value } }).receive(), Code.InvalidArgument],
    ] as const;
    const errors = await Promise.all(calls.map(([call]) => errorOf(call)));
    for (const [i, error] of errors.entries()) {
      expect(error.code).toBe(calls[i]![1]);
      expect(error.rawMessage).toContain(`value of header "${name}"`);
      expect(error.rawMessage).toContain(where);
    }
  });

  test("a name that no header may have is refused by an error that names it", async () => {
    const { end } = await start(link);
    await using _end = end;
    const client = createClient(GreetService, end.transport);
    const headers = { "bad name": "x" };
    const error = await errorOf(client.greet({}, { headers }));
    expect(error.rawMessage).toContain("bad name");
    expect((await errorOf(client.greetStream({ headers }).receive())).rawMessage).toContain("bad name");
  });
});
