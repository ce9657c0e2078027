// SPDX-License-Identifier: Apache-2.0
// Promise 1: leaving cancels.
// Mutant: core/src/client/call/call.ts # this.attempt?.cancel(error);
// Mutant: core/src/client/call/call.ts # this.userSignal.add(this);
// Mutant: core/src/client/api/stream-handles.ts # this.call.cancel(canceled(reason));
// Mutant: core/src/client/api/stream-handles.ts # this.call.cancel(canceled(error));
// Mutant: core/src/client/call/stream-call.ts # super.cancel(error);
// Mutant: core/src/engine/call/server-call.ts # this.cut(errorFromRequestReset(reset, this.host.peer, this.method.name));
// Mutant: core/src/engine/call/client-call.ts # this.endCall(error, true);
// Mutant: core/src/log/thrown.ts # if (error !== reason) error.cause ??= reason;
import { Code, ConnectError, createClient, type ServerStream } from "@tristream/core";
import { GreetService, type GreetStreamResponse } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, fired, happening } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { greeter } from "./greeter.js";

/** A server whose streams answer once and then wait; it reports how the handler ended. */
async function start(link: LinkKind) {
  const signal = happening<unknown>();
  const cleanup = happening();
  const reading = happening<unknown>();
  const end = await link.start({
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        async *greetStream(requests, context) {
          void fired(context.signal).then(signal.tell);
          try {
            yield { greeting: "first" };
            for await (const _ of requests);
            reading.tell("ended cleanly");
          } catch (error) {
            reading.tell(error);
            throw error;
          } finally {
            cleanup.tell();
          }
        },
        async greet(_request, context) {
          signal.tell(await fired(context.signal));
          return {};
        },
      }),
  });
  return { end, client: createClient(GreetService, end.transport), signal, cleanup, reading };
}

type Stream = ServerStream<GreetStreamResponse>;

async function* endless() {
  yield { name: "a" };
  await new Promise(() => {});
}

const ways: [string, (stream: Stream, abort: AbortController) => Promise<unknown>][] = [
  [
    "break",
    async (stream) => {
      for await (const _ of stream) break;
    },
  ],
  [
    "return from the loop's function",
    async (stream) => {
      for await (const message of stream) return message;
      return undefined;
    },
  ],
  [
    "an error thrown in the loop",
    async (stream) => {
      const mine = new Error("mine");
      const loop = async () => {
        for await (const _ of stream) throw mine;
      };
      await expect(loop()).rejects.toBe(mine);
    },
  ],
  ["stream.return()", async (stream) => stream.next().then(() => stream.return())],
  [
    "stream.throw()",
    async (stream) => {
      await stream.next();
      await expect(stream.throw(new Error("mine"))).rejects.toThrow("mine");
    },
  ],
  ["cancel()", async (stream) => stream.next().then(() => stream.cancel("enough"))],
  [
    "an aborted signal",
    async (stream, abort) => {
      await stream.next();
      abort.abort();
    },
  ],
  ["closeResponse()", async (stream) => stream.next().then(() => stream.closeResponse())],
  [
    "dispose",
    async (stream) => {
      await using disposed = stream;
      await disposed.next();
    },
  ],
];

describe.each(everyLink)("leaving a stream cancels the call over $name", (link) => {
  test.each(ways)("%s", async (_name, leave) => {
    const { end, client, signal, cleanup, reading } = await start(link);
    await using _end = end;
    const abort = new AbortController();
    await leave(client.greetStream(endless(), { signal: abort.signal }), abort);
    const reason = (await signal) as ConnectError;
    expect(reason).toBeInstanceOf(ConnectError);
    expect(reason.code).toBe(Code.Canceled);
    expect(await reading).toBe(reason);
    await cleanup;
    expect(end.server.activeCalls).toBe(0);
  });

  test.each(ways)("%s, of a handle", async (_name, leave) => {
    const { end, client, reading, cleanup } = await start(link);
    await using _end = end;
    const abort = new AbortController();
    const handle = client.greetStream({ signal: abort.signal });
    await handle.send({ name: "a" });
    await leave(handle, abort);
    expect(await reading).toMatchObject({ code: Code.Canceled });
    await cleanup;
    expect(await errorOf(handle.send({ name: "b" }))).toMatchObject({ code: Code.Canceled });
    expect(await errorOf(handle.receive())).toMatchObject({ code: Code.Canceled });
  });

  test("the request's iterable is returned when the response is left", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const returned = happening();
    const requests = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<{ name: string }>>(() => {}),
        async return() {
          returned.tell();
          return { done: true as const, value: undefined };
        },
      }),
    };
    for await (const _ of client.greetStream(requests)) break;
    await returned;
  });

  test("an aborted signal rejects a unary call with Canceled, and its handler knows", async () => {
    const { end, client, signal } = await start(link);
    await using _end = end;
    const abort = new AbortController();
    const call = client.greet({ name: "a" }, { signal: abort.signal });
    const error = errorOf(call);
    abort.abort(new Error("no longer needed"));
    expect(await error).toMatchObject({ code: Code.Canceled, rawMessage: "no longer needed" });
    // The call may have been left before it had a stream: then no handler ever ran.
    await client.greetStream([]).return();
    const again = new AbortController();
    const second = errorOf(client.greet({ name: "b" }, { signal: again.signal }));
    const probe = client.greetServerStream({});
    await probe.receive();
    again.abort();
    expect((await second).code).toBe(Code.Canceled);
    expect(await signal).toMatchObject({ code: Code.Canceled });
    await probe.closeResponse();
  });

  test("a signal that has fired already sends nothing", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const signal = AbortSignal.abort();
    expect((await errorOf(client.greet({}, { signal }))).code).toBe(Code.Canceled);
    expect((await errorOf(client.greetStream({ signal }).receive())).code).toBe(Code.Canceled);
    expect((await errorOf(client.greetClientStream([], { signal }))).code).toBe(Code.Canceled);
    const upload = client.greetClientStream({ signal });
    expect((await errorOf(upload.closeAndReceive())).code).toBe(Code.Canceled);
  });

  test.each([
    ["a bare abort()", () => AbortSignal.abort(), "AbortError"],
    ["AbortSignal.timeout()", () => AbortSignal.timeout(1), "TimeoutError"],
    ["an error of the user", () => AbortSignal.abort(new RangeError("enough")), "RangeError"],
  ])("the reason of %s is the cause of Canceled", async (_what, make, name) => {
    const { end, client } = await start(link);
    await using _end = end;
    const signal = make();
    const stream = client.greetStream({ signal });
    await fired(signal);
    for (const error of [await errorOf(stream.receive()), await errorOf(client.greet({}, { signal }))]) {
      expect(error.code).toBe(Code.Canceled);
      expect(error.cause).toBe(signal.reason);
      expect(error.cause).toMatchObject({ name });
      expect(error.message).not.toMatch(/^\[canceled\] canceled/);
    }
  });

  test("the reason of cancel() is in the error", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const handle = client.greetStream();
    await handle.receive();
    const pending = errorOf(handle.receive());
    handle.cancel("the window was closed");
    expect(await pending).toMatchObject({
      code: Code.Canceled,
      rawMessage: "the window was closed",
    });
    handle.cancel("again");
    expect((await errorOf(handle.receive())).rawMessage).toBe("the window was closed");
  });

  test("cancelling after the end changes nothing", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const stream = client.greetServerStream({ name: "x" });
    for await (const _ of stream);
    stream.cancel();
    await stream.closeResponse();
    expect(await stream.receive()).toBeUndefined();
    expect((await stream.responseTrailer).get("grpc-status")).toBe("0");
  });
});
