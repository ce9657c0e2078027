// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. Compressed messages wait as they came: each is decompressed for a read that waits for it.
// Mutant: core/src/engine/message/message-reader.ts # while (unread.look() && (this.waiter !== null || => while (unread.look() && (true ||
// Mutant: core/src/engine/message/unread-messages.ts # this.head = head.next; => this.head = this.tail === head ? null : this.tail;
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, createClient } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { errorOf, forEver, happening, until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope, RawClient } from "./raw-client.js";
import { finish, goodHead, startRawServer } from "./raw-server.js";

const perStream = 15;
/** A thousandth of this goes over the wire. */
const names = Array.from({ length: perStream }, (_, i) => String.fromCharCode(97 + i).repeat(1 << 20));

/** Gzip that counts the messages it was given to decompress, and waits with them as long as the test says. */
function watchedGzip(gate: PromiseLike<void> = Promise.resolve()) {
  const seen = { begun: 0, asked: 0, mostAhead: 0 };
  const compression: typeof compressionGzip = {
    ...compressionGzip,
    async decompress(bytes, maxBytes) {
      seen.begun++;
      seen.mostAhead = Math.max(seen.mostAhead, seen.begun - seen.asked);
      await gate;
      return compressionGzip.decompress(bytes, maxBytes);
    },
  };
  return { seen, compression };
}

/** Reads to the end, and says before each read that it asks. */
async function readAll<T>(messages: AsyncIterable<T>, seen: { asked: number }): Promise<T[]> {
  const iterator = messages[Symbol.asyncIterator]();
  const out: T[] = [];
  for (;;) {
    seen.asked++;
    const result = await iterator.next();
    if (result.done === true) return out;
    out.push(result.value);
  }
}

describe.each(everyLink)("compressed messages over $name", (link) => {
  test("wait as they came for a handler that does not read, and come in order when it does", async () => {
    const { seen, compression } = watchedGzip();
    const go = happening();
    const got: string[][] = [];
    await using end = await link.start({
      acceptCompression: [compression],
      transport: { sendCompression: compressionGzip },
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async *greetStream(requests) {
            await go;
            got.push((await readAll(requests, seen)).map((m) => m.name));
          },
          async greetClientStream(requests) {
            await go;
            got.push((await readAll(requests, seen)).map((m) => m.name));
            return {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chats = [client.greetStream(), client.greetStream()];
    const upload = client.greetClientStream();
    for (const name of names) for (const stream of [...chats, upload]) await stream.send({ name });
    for (const chat of chats) await chat.closeRequest();
    const answer = upload.closeAndReceive();
    // Too short to be compressed, and behind all the others on the one connection.
    expect((await client.greet({ name: "b" })).greeting).toBe("b");
    expect(seen.begun).toBe(0);
    go.tell();
    await answer;
    for (const chat of chats) expect(await chat.receive()).toBeUndefined();
    expect(got).toEqual([names, names, names]);
    expect(seen).toMatchObject({ begun: 3 * perStream, mostAhead: 0 });
  });

  test("wait as they came for a client that does not read, though the call is over", async () => {
    const { seen, compression } = watchedGzip();
    await using end = await link.start({
      acceptCompression: [compressionGzip],
      compressResponses: true,
      transport: { acceptCompression: [compression] },
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            for (const greeting of names) yield { greeting };
          },
        }),
    });
    const stream = createClient(GreetService, end.transport).greetServerStream({});
    await stream.responseTrailer;
    expect(seen.begun).toBe(0);
    expect((await readAll(stream, seen)).map((m) => m.greeting)).toEqual(names);
    expect(seen).toMatchObject({ begun: perStream, mostAhead: 0 });
  });

  test("are dropped by a cancel while one of them is decompressed, on both sides", async () => {
    const opened = happening();
    const [atServer, atClient] = [watchedGzip(opened), watchedGzip(opened)];
    const read = happening<PromiseLike<unknown>>();
    await using end = await link.start({
      acceptCompression: [atServer.compression],
      compressResponses: true,
      transport: { acceptCompression: [atClient.compression], sendCompression: compressionGzip },
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(requests) {
            for (const greeting of names) yield { greeting };
            const iterator = requests[Symbol.asyncIterator]();
            read.tell(errorOf(iterator.next()));
            await forEver();
          },
        }),
    });
    const chat = createClient(GreetService, end.transport).greetStream();
    for (const name of names) await chat.send({ name });
    const receiving = [errorOf(chat.receive()), errorOf(chat.receive())];
    await until(() => atServer.seen.begun === 1 && atClient.seen.begun === 1);
    chat.cancel();
    for (const error of await Promise.all(receiving)) expect(error.code).toBe(Code.Canceled);
    expect(await read.promise).toMatchObject({ code: Code.Canceled });
    opened.tell();
    expect((await errorOf(chat.receive())).code).toBe(Code.Canceled);
    expect([atServer.seen.begun, atClient.seen.begun]).toEqual([1, 1]);
  });
});

// GreetRequest and GreetResponse have the same one field.
const plain = (name: string): Uint8Array =>
  envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name })));
const gzipped = (name: string): Uint8Array =>
  envelope(gzipSync(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name }))), 1);
/** Good ones, one that can't be read, and another good one. */
const withBad = [
  { what: "can't be decompressed", bad: envelope(Buffer.from("no gzip"), 1), code: Code.InvalidArgument },
  { what: "is too large", bad: gzipped("x".repeat(4 << 20)), code: Code.ResourceExhausted },
  { what: "is no message", bad: envelope(gzipSync(Uint8Array.of(255)), 1), code: Code.InvalidArgument },
  { what: "is no message, and plain", bad: envelope(Uint8Array.of(255)), code: Code.InvalidArgument },
].map((row) => ({
  ...row,
  body: Buffer.concat([gzipped("a"), plain("b"), gzipped("c"), row.bad, gzipped("d")]),
}));

describe("a stream of compressed messages", () => {
  test.each(withBad)(
    "of which one $what gives those before it, then the error, to a handler",
    async ({ body, code }) => {
      await using server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (r) => r.service(GreetService, greeter()),
      });
      const client = new RawClient(server.port);
      const answer = await client.call("/greet.GreetService/GreetStream", { "grpc-encoding": "gzip" }, body);
      expect(answer.trailer["grpc-status"]).toBe(String(code));
      expect(answer.body).toEqual(Buffer.concat([plain("a"), plain("b"), plain("c")]));
      await client.close();
    },
  );

  test.each(withBad)(
    "of which one $what gives those before it, then the error, to a client",
    async ({ body, code: codeOfRequest }) => {
      const code = codeOfRequest === Code.InvalidArgument ? Code.Internal : codeOfRequest;
      for (const status of ["0", String(Code.Aborted)]) {
        await using server = await startRawServer((stream) => {
          stream.respond({ ...goodHead, "grpc-encoding": "gzip" }, { waitForTrailers: true });
          stream.write(body);
          finish(stream, { "grpc-status": status });
        });
        const stream = server.client.greetServerStream({});
        await stream.responseTrailer.catch(() => {});
        for (const greeting of ["a", "b", "c"]) expect(await stream.receive()).toMatchObject({ greeting });
        expect((await errorOf(stream.receive())).code).toBe(code);
        expect((await errorOf(stream.receive())).code).toBe(code);
      }
    },
  );
});

test("a second compressed message where one is wanted is refused when it comes, and none is decompressed", async () => {
  const { seen, compression } = watchedGzip();
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    acceptCompression: [compression],
    routes: (r) => r.service(GreetService, greeter()),
  });
  const client = new RawClient(server.port);
  for (const method of ["Greet", "GreetServerStream"]) {
    const body = Buffer.concat([gzipped("a"), gzipped("b")]);
    const path = `/greet.GreetService/${method}`;
    const { header } = await client.call(path, { "grpc-encoding": "gzip" }, body, true);
    expect(header["grpc-status"]).toBe(String(Code.Unimplemented));
  }
  expect(seen.begun).toBe(0);
  await client.close();
});
