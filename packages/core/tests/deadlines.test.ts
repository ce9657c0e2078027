// SPDX-License-Identifier: Apache-2.0
// Promise 4: deadlines are kept by the engine.
// Mutant: core/src/client/call/call.ts # if (timeoutMs !== undefined) this.method.deadlines.add(this, timeoutMs);
// Mutant: core/src/client/call/call.ts # this.method.deadlines.remove(this);
// Mutant: core/src/client/call/call.ts # onDeadline(): void { => onDeadline(): void { return undefined as never;
// Mutant: core/src/engine/call/deadline.ts # tellAll(due);
// Mutant: core/src/client/call/call.ts # const failed = attempt?.over === true ? attempt.error : null; => const failed = null as ConnectError | null;
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Clock, Code, ConnectError, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { createClock } from "@tristream/testing";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, errorOf, fired, happening, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";

/** Both ends count; the server hears first of its own deadline, or of the client's cancel. */
const ended: readonly Code[] = [Code.DeadlineExceeded, Code.Canceled];

/** Handlers that never answer; `signal` hears how their call ended. */
async function start(link: LinkKind, clock: Clock) {
  const begun = happening();
  const signal = happening<unknown>();
  const left = happening<number | undefined>();
  const end = await link.start({
    clock,
    routes: (r) =>
      r.service(GreetService, {
        async greet(_request, context) {
          left.tell(context.timeoutMs());
          signal.tell(await fired(context.signal));
          return {};
        },
        async greetClientStream(requests, context) {
          begun.tell();
          void fired(context.signal).then(signal.tell);
          for await (const _ of requests);
          return {};
        },
        async *greetServerStream(_request, context) {
          left.tell(context.timeoutMs());
          yield { greeting: "one" };
          signal.tell(await fired(context.signal));
        },
        async *greetStream(requests, context) {
          void fired(context.signal).then(signal.tell);
          yield { greeting: "one" };
          for await (const _ of requests);
        },
      }),
  });
  return { end, client: createClient(GreetService, end.transport), begun, signal, left };
}

describe.each(everyLink)("deadlines over $name", (link) => {
  test("a unary call ends with DeadlineExceeded that says what had happened, and the server's signal fires", async () => {
    const clock = createClock();
    const { end, client, signal, left } = await start(link, clock);
    await using _end = end;
    const failed = errorOf(client.greet({}, { timeoutMs: 200 }));
    expect(await left).toBe(200);
    await clock.advance(204);
    const error = await failed;
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(error.rawMessage).toBe(
      "the deadline of 200 ms that this client set passed in greet.GreetService/Greet: no answer; raise timeoutMs if that is too short",
    );
    expect(ended).toContain(((await signal) as ConnectError).code);
    await until(() => end.server.activeCalls === 0);
  });

  test.each([true, false])(
    "a deadline drops unread messages if the status has not arrived (%s)",
    async (waits) => {
      const clock = createClock();
      await using end = await link.start({
        clock,
        transport: { clock },
        routes: (r) =>
          r.service(GreetService, {
            async *greetServerStream(_request, { signal }) {
              for (const greeting of ["a", "b", "c"]) yield { greeting };
              if (waits) await fired(signal);
            },
          }),
      });
      const stream = createClient(GreetService, end.transport).greetServerStream({}, { timeoutMs: 1000 });
      expect((await stream.receive())?.greeting).toBe("a");
      if (!waits) await stream.responseTrailer;
      // The bytes that came with the first message have arrived.
      await clock.advance(1004);
      const rest = all(stream).then(
        (messages) => messages.map(({ greeting }) => greeting),
        (error: ConnectError) => error.code,
      );
      expect(await rest).toEqual(waits ? Code.DeadlineExceeded : ["b", "c"]);
    },
  );

  test("a stream gives what has arrived, then DeadlineExceeded, as often as asked", async () => {
    const clock = createClock();
    const { end, client, signal } = await start(link, clock);
    await using _end = end;
    const stream = client.greetServerStream({}, { timeoutMs: 1000 });
    expect((await stream.receive())?.greeting).toBe("one");
    await clock.advance(1004);
    const error = await errorOf(stream.receive());
    expect(error).toMatchObject({ code: Code.DeadlineExceeded });
    expect(error.rawMessage).toContain("greet.GreetService/GreetServerStream: 1 message");
    expect(await errorOf(stream.receive())).toBe(error);
    expect(await errorOf(stream.responseTrailer)).toBe(error);
    expect(ended).toContain(((await signal) as ConnectError).code);
  });

  test("uploads and chats end too, and their sends with them", async () => {
    const clock = createClock();
    const { end, client, begun, signal } = await start(link, clock);
    await using _end = end;
    const upload = client.greetClientStream({ timeoutMs: 200 });
    await upload.send({ name: "a" });
    await begun;
    await clock.advance(204);
    expect(ended).toContain(((await signal) as ConnectError).code);
    const error = await errorOf(upload.closeAndReceive());
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(await errorOf(upload.send({ name: "b" }))).toBe(error);
    const chat = client.greetStream({ timeoutMs: 40 });
    expect((await chat.receive())?.greeting).toBe("one");
    await clock.advance(44);
    expect((await errorOf(all(chat))).code).toBe(Code.DeadlineExceeded);
  });

  test("the nearest one counts: the call's, the method's, the client's; 0 is none", async () => {
    const clock = createClock();
    const { end, left } = await start(link, clock);
    await using _end = end;
    const client = createClient(GreetService, end.transport, {
      timeoutMs: 100_000,
      methods: { greet: { timeoutMs: 200 }, greetServerStream: { timeoutMs: 0 } },
    });
    const ofMethod = errorOf(client.greet({}));
    expect(await left).toBe(200);
    await clock.advance(204);
    expect((await ofMethod).rawMessage).toContain("deadline of 200 ms");
    const ofCall = errorOf(client.greet({}, { timeoutMs: 30 }));
    const ofChat = errorOf(client.greetStream({ timeoutMs: 30 }).responseTrailer);
    await clock.advance(34);
    expect((await ofCall).rawMessage).toContain("deadline of 30 ms");
    expect((await ofChat).code).toBe(Code.DeadlineExceeded);
    const seen: (number | undefined)[] = [];
    await using other = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greet(_request, context) {
            seen.push(context.timeoutMs());
            return {};
          },
          async *greetServerStream(_request, context) {
            seen.push(context.timeoutMs());
            yield {};
          },
        }),
    });
    const again = createClient(GreetService, other.transport, {
      timeoutMs: 100_000,
      methods: { greetServerStream: { timeoutMs: 0 } },
    });
    await again.greet({});
    await again.greet({}, { timeoutMs: 0 });
    await all(again.greetServerStream({}));
    expect(seen[0]).toBeGreaterThan(90_000);
    expect(seen[1]).toBeUndefined();
    expect(seen[2]).toBeUndefined();
  });

  test("calls in time leave no deadline behind", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport, { timeoutMs: 60_000 });
    await client.greet({});
    await all(client.greetServerStream({}));
    await client.greetClientStream([{ name: "a" }]);
    await all(client.greetStream([{ name: "a" }]));
    await until(() => end.server.activeCalls === 0);
    expect(deadlines.size).toBe(0);
  });

  test("a deadline longer than the server allows is refused by its limit's name", async () => {
    await using end = await link.start({
      clock: createClock(),
      maxTimeoutMs: 1000,
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    const error = await errorOf(client.greet({}, { timeoutMs: 5000 }));
    expect(error).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage:
        "the deadline of 5000 ms that the client sent (the rest of its timeoutMs) is longer than the 1000 ms that this server allows: lower timeoutMs, or raise maxTimeoutMs of the server",
    });
    expect((await client.greet({ name: "in time" }, { timeoutMs: 1000 })).greeting).toBe("in time");
  });
});

test("a deadline that passes between two attempts names the last attempt's error, which is its cause", async () => {
  const clock = createClock();
  const waits = happening();
  await using end = await everyLink[0]!.start({
    clock,
    transport: { clock },
    routes: (r) =>
      r.service(GreetService, {
        greet() {
          throw new ConnectError("busy", Code.Unavailable);
        },
      }),
  });
  const again: Interceptor = (next) => async (req) => {
    await next(req).catch(() => waits.tell());
    await fired(req.signal);
    return next(req);
  };
  const client = createClient(GreetService, end.transport, { interceptors: [again] });
  const failed = errorOf(client.greet({}, { timeoutMs: 200 }));
  await waits;
  await clock.advance(204);
  const error = await failed;
  expect(error.rawMessage).toBe(
    "the deadline of 200 ms that this client set passed in greet.GreetService/Greet: no attempt is under way, the last one ended with [unavailable] busy; raise timeoutMs if that is too short",
  );
  expect(error.cause).toMatchObject({ code: Code.Unavailable, rawMessage: "busy" });
});

test("connecting counts: a server that never answers the handshake", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const transport = createTransport(`tri://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  const client = createClient(GreetService, transport);
  expect((await errorOf(client.greet({}, { timeoutMs: 40 }))).code).toBe(Code.DeadlineExceeded);
  expect((await errorOf(client.greetStream([], { timeoutMs: 40 }).receive())).code).toBe(
    Code.DeadlineExceeded,
  );
  await transport.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

test("connecting counts: a transport that never gets a link", async () => {
  const transport = createTransport({ pick: () => new Promise(() => {}), async close() {} });
  const client = createClient(GreetService, transport);
  const error = await errorOf(client.greet({}, { timeoutMs: 20 }));
  expect(error).toMatchObject({
    code: Code.DeadlineExceeded,
    rawMessage:
      "the deadline of 20 ms that this client set passed in greet.GreetService/Greet: nothing was sent; raise timeoutMs if that is too short",
  });
  expect((await errorOf(client.greetStream({ timeoutMs: 20 }).send({}))).code).toBe(Code.DeadlineExceeded);
  expect(deadlines.size).toBe(0);
});
