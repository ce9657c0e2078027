// SPDX-License-Identifier: Apache-2.0
// Who cancels must not take a part for the whole: what has arrived and was not read is dropped, and reads reject, also when the
// call is over by then.
// Mutant: core/src/client/call/stream-call.ts # if (unread) this.refusal = this.error ?? error;
// Mutant: core/src/client/call/stream-call.ts # if (!this.over) return this.read(holder); => return this.read(holder);
// Mutant: core/src/client/call/foreign-messages.ts # this.ended = true;
// Mutant: core/src/client/call/stream-call.ts # if (this.refusal === null) return; => return;
// Mutant: core/src/client/call/stream-call.ts # return this.reader.waiting > 0; => return true;
// Mutant: core/src/client/call/stream-call.ts # this.refusal = this.error ?? error; => this.refusal = error;
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, ConnectError, createClient, type Interceptor, type ServerStream } from "@tristream/core";
import { type GreetServerStreamResponse, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, happening } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";

type Stream = ServerStream<GreetServerStreamResponse>;

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

/** Three messages, and then the end, or an error. */
async function start(
  link: LinkKind,
  { interceptors = [] as Interceptor[], fails = false, compress = false } = {},
) {
  const end = await link.start({
    acceptCompression: [compressionGzip],
    compressResponses: compress,
    compressMinBytes: 0,
    transport: { interceptors, acceptCompression: [compressionGzip] },
    routes: (r) =>
      r.service(GreetService, {
        async *greetServerStream() {
          for (const greeting of ["a", "b", "c"]) yield { greeting };
          if (fails) throw new ConnectError("no more", Code.Aborted);
        },
      }),
  });
  const controller = new AbortController();
  const over = happening();
  const stream = createClient(GreetService, end.transport).greetServerStream(
    {},
    { signal: controller.signal, onTrailer: () => over.tell() },
  );
  return { end, stream, controller, over };
}

const variants = [
  { what: "messages", options: {} },
  { what: "compressed messages", options: { compress: true } },
  { what: "messages that an interceptor wraps", options: { interceptors: [wrapping] } },
];

const leavings: readonly [string, (stream: Stream, controller: AbortController) => unknown][] = [
  ["cancel()", (stream) => stream.cancel()],
  ["an aborted signal", (_stream, controller) => controller.abort()],
  ["closeResponse()", (stream) => stream.closeResponse()],
  ["return()", (stream) => stream.return()],
];

describe.each(everyLink)("over $name", (link) => {
  describe.each(variants)("unread $what of a call that is over", ({ options }) => {
    test.each(leavings)("are dropped by %s, and reads reject with Canceled", async (_how, leave) => {
      const { end, stream, controller, over } = await start(link, options);
      await using _end = end;
      expect((await stream.receive())?.greeting).toBe("a");
      await over;
      await leave(stream, controller);
      for (let i = 0; i < 2; i++) expect((await errorOf(stream.receive())).code).toBe(Code.Canceled);
    });

    test("are dropped in a loop that aborts its signal and goes on", async () => {
      const { end, stream, controller, over } = await start(link, options);
      await using _end = end;
      const read: string[] = [];
      const error = await errorOf(
        (async () => {
          for await (const { greeting } of stream) {
            read.push(greeting);
            await over;
            controller.abort(new ConnectError("enough", Code.Aborted));
          }
        })(),
      );
      expect(read).toEqual(["a"]);
      expect(error).toMatchObject({ code: Code.Aborted, rawMessage: "enough" });
    });

    test("are dropped when the call has failed, and reads reject with its error", async () => {
      const { end, stream, over } = await start(link, { ...options, fails: true });
      await using _end = end;
      await stream.receive();
      await over;
      stream.cancel();
      expect(await errorOf(stream.receive())).toMatchObject({ code: Code.Aborted, rawMessage: "no more" });
    });

    test("once all are read, the end stays the end", async () => {
      const { end, stream, controller, over } = await start(link, options);
      await using _end = end;
      for await (const _ of stream);
      await over;
      stream.cancel();
      controller.abort();
      expect(await stream.receive()).toBeUndefined();
    });
  });

  test("a call that is over before its interceptors are done is cancelled for its user", async () => {
    const arrived = happening();
    const go = happening();
    const waiting: Interceptor = (next) => async (req) => {
      const res = await next(req);
      arrived.tell();
      await go;
      return res;
    };
    const { end, stream } = await start(link, { interceptors: [waiting] });
    await using _end = end;
    await arrived;
    const read = errorOf(stream.receive());
    stream.cancel();
    expect((await read).code).toBe(Code.Canceled);
    go.tell();
    expect((await errorOf(stream.receive())).code).toBe(Code.Canceled);
  });
});
