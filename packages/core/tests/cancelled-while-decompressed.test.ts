// SPDX-License-Identifier: Apache-2.0
// Promise 1: leaving cancels, also a read that waits for a decompression or for an interceptor: it rejects at once, on both sides.
// Mutant: core/src/client/call/stream-call.ts # if (this.refusal === null) userSignal.add(this);
// Mutant: core/src/client/call/stream-call.ts # this.foreign?.reading ?? => (this.foreign === null ? null : false) ??
// Mutant: core/src/client/call/stream-call.ts # this.header?.reject(this.refusal);
// Mutant: core/src/client/call/stream-call.ts # this.trailer?.reject(this.refusal);
// Mutant: core/src/engine/message/message-reader.ts # unread.watcher?.readsSettled();
// Mutant: core/src/engine/message/message-reader.ts # if (discard) this.discard();
// Mutant: core/src/client/call/foreign-messages.ts # if (this.waiting.size === 0) this.call.readsSettled();
import { getEventListeners } from "node:events";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, happening, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";

/** Gzip whose decompression waits until the test lets it go on. */
function gated() {
  const begun = happening();
  const go = happening();
  const gzip: typeof compressionGzip = {
    ...compressionGzip,
    async decompress(bytes, maxBytes) {
      begun.tell();
      await go;
      return compressionGzip.decompress(bytes, maxBytes);
    },
  };
  return { begun, go, gzip };
}

/** Wraps the messages of a response in a generator. */
const wrapping: Interceptor = (next) => async (req) => {
  const res = await next(req);
  if (!res.stream) return res;
  const { message } = res;
  return {
    ...res,
    message: (async function* () {
      for await (const each of message) yield each;
    })(),
  };
};

/** A stream of two compressed messages that ends when the test says so. */
async function start(link: LinkKind, interceptors: Interceptor[] = []) {
  const gate = gated();
  const end = happening();
  const running = await link.start({
    acceptCompression: [compressionGzip],
    compressResponses: true,
    compressMinBytes: 0,
    transport: { acceptCompression: [gate.gzip] },
    routes: (r) =>
      r.service(GreetService, {
        async *greetServerStream() {
          yield { greeting: "a" };
          yield { greeting: "b" };
          await end;
        },
      }),
  });
  const controller = new AbortController();
  const over = happening();
  const stream = createClient(GreetService, running.transport, { interceptors }).greetServerStream(
    {},
    { signal: controller.signal, onTrailer: () => over.tell() },
  );
  return {
    ...gate,
    end,
    stream,
    over,
    /** The stream has ended, and the client has taken that. */
    async ended() {
      await until(() => running.server.activeCalls === 0);
      expect((await errorOf(createClient(GreetService, running.transport).greet({}))).code).toBe(
        Code.Unimplemented,
      );
    },
    controller,
    listeners: () => getEventListeners(controller.signal, "abort").length,
    [Symbol.asyncDispose]() {
      // A decompression that never settles would keep its place.
      gate.go.tell();
      return running[Symbol.asyncDispose]();
    },
  };
}

describe.each(everyLink)("over $name", (link) => {
  describe.each([
    { what: "of a response", interceptors: [] },
    { what: "behind a wrapping interceptor", interceptors: [wrapping] },
  ])("a read $what that waits for a decompression", ({ interceptors }) => {
    test("begun before the call's end rejects when the signal fires behind that end", async () => {
      await using call = await start(link, interceptors);
      const reads = [errorOf(call.stream.receive()), errorOf(call.stream.receive())];
      await call.begun;
      call.end.tell();
      await call.over;
      call.controller.abort(new Error("enough"));
      for (const read of reads) {
        expect(await read).toMatchObject({ code: Code.Canceled, rawMessage: "enough" });
      }
      expect(call.listeners()).toBe(0);
    });

    test("begun behind the call's end rejects when the signal fires", async () => {
      await using call = await start(link, interceptors);
      call.end.tell();
      await call.over;
      const read = errorOf(call.stream.receive());
      await call.begun;
      call.controller.abort();
      expect((await read).code).toBe(Code.Canceled);
      expect((await errorOf(call.stream.receive())).code).toBe(Code.Canceled);
      expect(call.listeners()).toBe(0);
    });

    test("rejects when the handle is cancelled", async () => {
      await using call = await start(link, interceptors);
      call.end.tell();
      await call.over;
      const read = errorOf(call.stream.receive());
      await call.begun;
      call.stream.cancel();
      expect((await read).code).toBe(Code.Canceled);
      expect(call.listeners()).toBe(0);
    });

    test("leaves no listener when it has its message, and the call's end stays the end", async () => {
      await using call = await start(link, interceptors);
      call.end.tell();
      await call.over;
      const read = call.stream.receive();
      await call.begun;
      call.go.tell();
      expect((await read)?.greeting).toBe("a");
      expect(call.listeners()).toBe(0);
      expect((await all(call.stream)).map((m) => m.greeting)).toEqual(["b"]);
      call.controller.abort();
      expect(await call.stream.receive()).toBeUndefined();
      expect(call.listeners()).toBe(0);
    });
  });

  test("whoever waits for an interceptor behind the call's end hears when the signal fires", async () => {
    const arrived = happening();
    const go = happening();
    const waiting: Interceptor = (next) => async (req) => {
      const res = await next(req);
      arrived.tell();
      await go;
      return res;
    };
    await using call = await start(link, [waiting]);
    call.end.tell();
    await arrived;
    const { stream } = call;
    const waits = [stream.receive(), stream.responseHeader, stream.responseTrailer].map(errorOf);
    await call.ended();
    call.controller.abort();
    for (const each of waits) expect((await each).code).toBe(Code.Canceled);
    expect(call.listeners()).toBe(0);
    for (const each of [stream.receive(), stream.responseHeader, stream.responseTrailer]) {
      expect((await errorOf(each)).code).toBe(Code.Canceled);
    }
    go.tell();
  });

  test.each([false, true])(
    "a handler's read that waits for a decompression rejects when the client cancels; whole request: %s",
    async (whole) => {
      const { begun, go, gzip } = gated();
      const outcome = happening<unknown>();
      await using running = await link.start({
        acceptCompression: [gzip],
        transport: { sendCompression: compressionGzip, compressMinBytes: 0 },
        routes: (r) =>
          r.service(GreetService, {
            async greetClientStream(requests) {
              await all(requests).then(outcome.tell, outcome.tell);
              return {};
            },
          }),
      });
      const upload = createClient(GreetService, running.transport).greetClientStream();
      const answer = whole
        ? upload.send({ name: "a" }).then(() => upload.closeAndReceive())
        : upload.send({ name: "a" }).then(() => upload.responseHeader);
      const failed = errorOf(answer);
      await begun;
      upload.cancel();
      expect((await failed).code).toBe(Code.Canceled);
      expect(await outcome).toMatchObject({ code: Code.Canceled });
      go.tell();
    },
  );
});
