// SPDX-License-Identifier: Apache-2.0
// What interceptors learn of a call: its messages and its end by `observe`, its peer by `peerOf`.
// Mutant: core/src/engine/call/server-call.ts # this.observations?.end(outcome, this.reader.received, this.writer.sent);
// Mutant: core/src/engine/call/server-call.ts # this.endCall(outcome); => this.endCall(error);
// Mutant: core/src/engine/call/server-call.ts # observations.add(hooks, this.input); => observations.add(hooks, undefined);
// Mutant: core/src/client/call/call.ts # if (this.observations !== null) this.tellEnd(this.observations);
// Mutant: core/src/client/call/attempt.ts # if (call.observations?.messages === true) this.tap(call.observations);
// Mutant: core/src/engine/call/observations.ts # if (this.ended !== null) return;
// Mutant: core/src/engine/call/observations.ts # if (this.ended !== null) this.tell(observation, "end", this.ended);
// Mutant: core/src/engine/call/observations.ts # context.runInAsyncScope(call, hooks, ...args) => call(...args)
// Mutant: core/src/engine/message/message-writer.ts # const bytes = this.serialize(message); => const bytes = serializeMessage(this.codec, message, this.maxBytes);
// Mutant: core/src/mount/guard-interceptor.ts # observed.end(failed);
import { createClient as createConnectClient } from "@connectrpc/connect";
import {
  type CallEnd,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  observe,
  peerOf,
  type Transport,
} from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock, loopback } from "@tristream/testing";
import { all, errorOf, forEver, turns, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";
import { mounts, stockTransport } from "./mounts.js";
import { Stores } from "./stores.js";

/** An interceptor that notes what it learns of each call. */
function observer() {
  const ends: (Omit<CallEnd, "error"> & { method: string })[] = [];
  const errors: (ConnectError | undefined)[] = [];
  const messages: string[] = [];
  const interceptor: Interceptor = (next) => (req) => {
    observe(req, {
      message: (message, direction) => {
        const { name, greeting } = message as { name?: string; greeting?: string };
        messages.push(`${direction} ${name ?? greeting}`);
      },
      end: ({ error, ...end }) => {
        ends.push({ method: req.method.name, ...end });
        errors.push(error);
      },
    });
    return next(req);
  };
  return { ends, errors, messages, interceptor };
}

const ok = { code: undefined };
const names = ["a", "b"].map((name) => ({ name }));

/** The ends and messages of {@link callAll}. */
const endsOfAll = [
  { method: "Greet", ...ok, requests: 1, responses: 1 },
  { method: "GreetServerStream", ...ok, requests: 1, responses: 3 },
  { method: "GreetClientStream", ...ok, requests: 2, responses: 1 },
  { method: "GreetStream", ...ok, requests: 2, responses: 2 },
];
const messagesOfAll = [
  ...["request a", "response a"],
  ...["request b", "response b0", "response b1", "response b2"],
  ...["request a", "request b", "response a,b"],
  ...["request a", "request b", "response a", "response b"],
];

async function callAll(client: ReturnType<typeof createClient<typeof GreetService>>): Promise<void> {
  await client.greet({ name: "a" });
  await all(client.greetServerStream({ name: "b" }));
  await client.greetClientStream(names);
  await all(client.greetStream(names));
}

describe.each(everyLink)("an interceptor that observes calls over $name", (link) => {
  test("learns the messages and the end of each kind, on both sides", async () => {
    const [server, client] = [observer(), observer()];
    await using end = await link.start({
      interceptors: [server.interceptor],
      routes: (r) => r.service(GreetService, greeter()),
    });
    await callAll(createClient(GreetService, end.transport, { interceptors: [client.interceptor] }));
    await until(() => server.ends.length === 4);
    for (const { ends, messages, errors } of [server, client]) {
      expect(ends).toEqual(endsOfAll);
      expect([...messages].sort()).toEqual([...messagesOfAll].sort());
      expect(errors).toEqual([undefined, undefined, undefined, undefined]);
    }
  });

  test("learns the same without messages, and of Connect's clients", async () => {
    const [server, client] = [observer(), observer()];
    const endsOnly =
      ({ ends }: ReturnType<typeof observer>): Interceptor =>
      (next) =>
      (req) => {
        observe(req, { end: ({ error: _, ...end }) => void ends.push({ method: req.method.name, ...end }) });
        return next({ ...req });
      };
    await using end = await link.start({
      interceptors: [endsOnly(server)],
      transport: { interceptors: [endsOnly(client)] },
      routes: (r) => r.service(GreetService, greeter()),
    });
    const stock = createConnectClient(GreetService, end.transport);
    await stock.greet({ name: "a" });
    await all(stock.greetServerStream({ name: "b" }));
    await until(() => server.ends.length === 2);
    expect(server.ends).toEqual(endsOfAll.slice(0, 2));
    expect(client.ends).toEqual(endsOfAll.slice(0, 2));
  });

  test("learns the error of a handler, of a cancel, and of a deadline, once each", async () => {
    const [server, client] = [observer(), observer()];
    const clock = createClock();
    await using end = await link.start({
      clock,
      interceptors: [server.interceptor],
      routes: (r) =>
        r.service(GreetService, {
          greet: () => {
            throw new TypeError("secret");
          },
          greetServerStream: async function* () {
            yield { greeting: "a" };
            await forEver();
          },
          greetStream: async function* () {
            yield { greeting: "a" };
            throw new ConnectError("mine", Code.Aborted);
          },
        }),
    });
    const greet = createClient(GreetService, end.transport, { interceptors: [client.interceptor] });
    await errorOf(greet.greet({}));
    await errorOf(all(greet.greetStream()));
    for await (const _ of greet.greetServerStream({})) break;
    await until(() => server.ends.length === 3);
    const late = greet.greetServerStream({}, { timeoutMs: 50 });
    await late.receive();
    await clock.advance(54);
    expect((await errorOf(late.receive())).code).toBe(Code.DeadlineExceeded);
    await until(() => server.ends.length === 4);
    await turns(5);
    const codes = [Code.Internal, Code.Aborted, Code.Canceled, Code.DeadlineExceeded];
    expect(client.ends.map(({ code }) => code)).toEqual(codes);
    expect(server.ends.slice(0, 3).map(({ code }) => code)).toEqual(codes.slice(0, 3));
    // The deadline or the client's reset, whichever comes first.
    expect([Code.DeadlineExceeded, Code.Canceled]).toContain(server.ends[3]?.code);
    expect(server.ends.map(({ responses }) => responses)).toEqual([0, 1, 1, 1]);
    expect(server.errors[0]?.cause).toBeInstanceOf(TypeError);
  });

  test("learns the loss of the connection", async () => {
    const [server, client] = [observer(), observer()];
    await using end = await link.start({
      cuttable: true,
      interceptors: [server.interceptor],
      routes: (r) => r.service(GreetService, greeter()),
    });
    const chat = createClient(GreetService, end.transport, {
      interceptors: [client.interceptor],
    }).greetStream();
    await chat.send({ name: "a" });
    await chat.receive();
    end.cut();
    await until(() => server.ends.length === 1 && client.ends.length === 1);
    for (const { ends } of [server, client])
      expect(ends).toEqual([{ method: "GreetStream", code: Code.Unavailable, requests: 1, responses: 1 }]);
  });

  test("learns the error of trailers that can't be sent, as the client and the handler's signal do", async () => {
    const server = observer();
    const reasons: unknown[] = [];
    await using end = await link.start({
      interceptors: [server.interceptor],
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async *greetServerStream(_request, { responseTrailer, signal }) {
            responseTrailer.set("x-large", "v".repeat(40_000));
            signal.addEventListener("abort", () => reasons.push(signal.reason));
            yield {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    // What the peer takes is known from here on.
    await client.greet({});
    const error = await errorOf(all(client.greetServerStream({})));
    expect(error.code).toBe(Code.Internal);
    await until(() => server.ends.length === 2);
    expect(server.ends[1]).toMatchObject({ method: "GreetServerStream", code: Code.Internal });
    expect(server.errors[1]?.rawMessage).toBe(error.rawMessage);
    expect(reasons).toEqual([server.errors[1]]);
  });

  test("learns the end at once if the call has ended", async () => {
    const codes: unknown[] = [];
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const late: Interceptor = (next) => async (req) => {
      observe(req, {});
      const res = await next(req);
      queueMicrotask(() => setImmediate(() => observe(req, { end: ({ code }) => codes.push(code) })));
      return res;
    };
    const client = createClient(GreetService, end.transport, { interceptors: [late] });
    await client.greet({});
    await until(() => codes.length === 1);
    expect(codes).toEqual([undefined]);
  });

  test("has its store in its hooks", async () => {
    const stores = new Stores();
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const inStore: Interceptor = (next) => (req) =>
      stores.storage.run(req.header.get("x-call")!, () => {
        const own = req.header.get("x-call")!;
        observe(req, {
          message: () => stores.visit("message", own),
          end: () => stores.visit("end", own),
        });
        return next(req);
      });
    const client = createClient(GreetService, end.transport, { interceptors: [inStore] });
    const calls = ["a", "b"].map((call) => all(client.greetStream(names, { headers: { "x-call": call } })));
    await Promise.all(calls);
    stores.expectOwn("message", "end");
  });

  test("can't fail a call by its hooks", async () => {
    const warn = console.warn;
    const lines: string[] = [];
    console.warn = (line: string) => void lines.push(line);
    try {
      const throwing: Interceptor = (next) => (req) => {
        observe(req, {
          message() {
            throw new Error("in message");
          },
          end: async () => {
            throw new Error("in end");
          },
        });
        return next(req);
      };
      await using end = await link.start({
        interceptors: [throwing],
        routes: (r) => r.service(GreetService, greeter()),
      });
      const client = createClient(GreetService, end.transport, { interceptors: [throwing] });
      expect((await client.greet({ name: "a" })).greeting).toBe("a");
      expect(await all(client.greetStream(names))).toHaveLength(2);
      await until(() => lines.filter((line) => line.includes("in end")).length === 4);
      expect(lines).toContain("tristream: end of an observe() of greet.GreetService/Greet threw: in end");
    } finally {
      console.warn = warn;
    }
  });

  test("reads the peer of a call", async () => {
    const peers: unknown[] = [];
    const ofServer: Interceptor = (next) => (req) => {
      peers.push(peerOf({ ...req }));
      return next(req);
    };
    const ofClient: Interceptor = (next) => async (req) => {
      const before = peerOf(req);
      const res = await next(req);
      peers.push(before, peerOf(req));
      return res;
    };
    let seen: unknown;
    await using end = await link.start({
      interceptors: [ofServer],
      routes: (r) =>
        r.service(GreetService, {
          greet(_, { peer }) {
            seen = peer;
            return {};
          },
        }),
    });
    await createClient(GreetService, end.transport, { interceptors: [ofClient] }).greet({});
    const peer = { address: expect.any(String), transport: link.name };
    expect(peers).toEqual([peer, undefined, peer]);
    expect(peers[0]).toBe(seen);
  });
});

test("observe() of wrong hooks, and of a request without a call, is refused", async () => {
  const [link] = everyLink;
  const seen: unknown[] = [];
  const wrong: Interceptor = (next) => (req) => {
    for (const act of [
      () => observe(req, { ends: () => {} } as never),
      () => observe(req, { end: 5 } as never),
      () => observe({} as never, {}),
    ]) {
      try {
        act();
      } catch (error) {
        seen.push(error);
      }
    }
    return next(req);
  };
  await using end = await link!.start({ routes: (r) => r.service(GreetService, greeter()) });
  await createClient(GreetService, end.transport, { interceptors: [wrong] }).greet({});
  const invalid = (text: string) => ({
    code: Code.InvalidArgument,
    rawMessage: expect.stringContaining(text),
  });
  expect(seen).toMatchObject([invalid("end"), invalid("option end of observe"), invalid("observe()")]);
});

describe.each(mounts.filter(({ http }) => http === "2"))(
  "an interceptor that observes calls to $title",
  (mount) => {
    test("learns the messages and the ends of calls of a client over Connect's own transport", async () => {
      const [server, client] = [observer(), observer()];
      const failing: Interceptor = (next) => (req) => {
        if (req.header.has("x-fail")) throw new ConnectError("mine", Code.Aborted);
        return next(req);
      };
      await using listening = await mount.start({
        interceptors: [server.interceptor, failing],
        routes: (r) => r.service(GreetService, greeter()),
      });
      using stock = stockTransport(listening.port, "gRPC", "2");
      const transport: Transport = stock.transport;
      const greet = createClient(GreetService, transport, { interceptors: [client.interceptor] });
      await callAll(greet);
      await errorOf(greet.greet({}, { headers: { "x-fail": "1" } }));
      await errorOf(all(greet.greetStream(names, { headers: { "x-fail": "1" } })));
      await until(() => server.ends.length === 6);
      for (const { ends, messages } of [server, client]) {
        expect(ends.slice(0, 4)).toEqual(endsOfAll);
        expect(ends.slice(4).map(({ code }) => code)).toEqual([Code.Aborted, Code.Aborted]);
        expect([...messages].sort()).toEqual(expect.arrayContaining([...messagesOfAll].sort()));
      }
    });
  },
);

test("a message that could not be serialised does not count", async () => {
  const { ends, interceptor } = observer();
  await using link = loopback({
    routes: (router) => router.service(GreetService, greeter()),
    transport: { interceptors: [interceptor] },
  });
  const upload = createClient(GreetService, link.transport).greetClientStream();
  await upload.send({ name: "a" });
  await expect(upload.send({ name: Symbol("no text") as never })).rejects.toThrow();
  await upload.closeAndReceive();
  expect(ends).toEqual([{ method: "GreetClientStream", ...ok, requests: 1, responses: 1 }]);
});
