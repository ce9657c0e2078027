// SPDX-License-Identifier: Apache-2.0
// Whether one message is compressed: chosen per call and per message, and told per message, in both roles. With these, gRPC's
// interop cases client_compressed_* and server_compressed_* can be written.
// Mutant: core/src/engine/message/message-writer.ts # choiceOf(message) ?? this.compress => this.compress
// Mutant: core/src/engine/message/message-writer.ts # choiceOf(message) ?? this.compress => choiceOf(message)
// Mutant: core/src/engine/message/message-writer.ts # if (!compresses && before === null) => if (!compresses)
// Mutant: core/src/engine/message/message-reader.ts # this.compressed = compressed;
// Mutant: core/src/engine/message/message-reader.ts # this.compressed = unread.compressed;
// Mutant: core/src/engine/message/message-reader.ts # this.compressed = cameCompressed;
// Mutant: core/src/server/routing/request-head.ts # options.compressResponses ? options.compressMinBytes : Number.POSITIVE_INFINITY; => options.compressMinBytes;
// Mutant: core/src/engine/call/server-call.ts # else if (chosen) { => else if (false) {
import { gunzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createRouterTransport } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import {
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type TripleCallOptions,
  type TripleContext,
} from "@tristream/core";
import {
  GreetClientStreamRequestSchema,
  GreetRequestSchema,
  GreetResponseSchema,
  GreetService,
  GreetStreamRequestSchema,
} from "@tristream/gen/greet/greet_pb.js";
import { createTransport, serve } from "@tristream/node";
import { all, errorOf, happening } from "./events.js";
import { everyLink, type LinkKind, quiet, type StartOptions } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope, RawClient } from "./raw-client.js";
import { goodAnswer, startRawServer } from "./raw-server.js";

const large = "the same words again and again. ".repeat(1000);
/** Connect's `Compression`, slower for what is large: what is small would overtake it if it did not wait. */
const slowGzip: typeof compressionGzip = {
  ...compressionGzip,
  async compress(bytes) {
    if (bytes.length > 1000)
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    return compressionGzip.compress(bytes);
  },
};

/** Answers say how each request came, as the handler saw it. */
const telling = {
  greet: ({ name }: { name: string }, context: TripleContext) => ({
    greeting: `${name.length} ${context.requestCompressed}`,
  }),
  async *greetServerStream({ name }: { name: string }, context: TripleContext) {
    yield { greeting: `${name.length} ${context.requestCompressed}` };
  },
  async greetClientStream(requests: AsyncIterable<{ name: string }>, context: TripleContext) {
    const seen = [`${context.requestCompressed}`];
    for await (const { name } of requests) seen.push(`${name.length} ${context.requestCompressed}`);
    return { greeting: seen.join(", ") };
  },
  async *greetStream(requests: AsyncIterable<{ name: string }>, context: TripleContext) {
    for await (const { name } of requests) yield { greeting: `${name.length} ${context.requestCompressed}` };
  },
};

async function start(link: LinkKind, options: Partial<StartOptions> = {}) {
  const end = await link.start({
    acceptCompression: [slowGzip],
    transport: { sendCompression: slowGzip, acceptCompression: [compressionGzip] },
    routes: (r) => r.service(GreetService, telling),
    ...options,
  });
  return { end, client: createClient(GreetService, end.transport) };
}

const texts = async (messages: AsyncIterable<{ greeting: string }>): Promise<string[]> =>
  (await all(messages)).map((m) => m.greeting);

describe.each(everyLink)("the choice of a client over $name", (link) => {
  test.each([
    [undefined, "1 false", `${large.length} true`],
    [true, "1 true", `${large.length} true`],
    [false, "1 false", `${large.length} false`],
  ])(
    "compress: %p of a call holds for each of its messages, in all four kinds",
    async (compress, small, big) => {
      const { end, client } = await start(link);
      await using _end = end;
      const options = { compress };
      const requests = [{ name: large }, { name: "a" }, { name: large }, { name: "a" }];
      const seen = [big, small, big, small];
      expect((await client.greet({ name: "a" }, options)).greeting).toBe(small);
      expect((await client.greet({ name: large }, options)).greeting).toBe(big);
      expect(await texts(client.greetServerStream({ name: "a" }, options))).toEqual([small]);
      expect((await client.greetClientStream(requests, options)).greeting).toBe(
        ["undefined", ...seen].join(", "),
      );
      expect(await texts(client.greetStream(requests, options))).toEqual(seen);
      await using chat = client.greetStream(options);
      for (const request of requests) await chat.send(request);
      await chat.closeRequest();
      expect(await texts(chat)).toEqual(seen);
    },
  );

  test.each([
    ["without interceptors", []],
    [
      "behind an interceptor that reads the request",
      [
        ((next) => async (req) => {
          if (!req.stream) return next(req);
          const messages = req.message;
          return next({
            ...req,
            message: (async function* () {
              yield* messages;
            })(),
          });
        }) satisfies Interceptor,
      ],
    ],
  ])("a message's own choice comes before the call's, in order, %s", async (_how, interceptors) => {
    const { end } = await start(link);
    await using _end = end;
    const client = createClient(GreetService, end.transport, { interceptors });
    // One message that is sent again and again, with another choice each time.
    const ofUpload = create(GreetClientStreamRequestSchema, { name: large });
    const ofChat = create(GreetStreamRequestSchema, { name: large });
    for (const options of [{}, { compress: true }, { compress: false }] as TripleCallOptions[]) {
      const upload = client.greetClientStream(options);
      const chat = client.greetStream(options);
      const choices = [undefined, false, true, false, undefined, true, false];
      const sends = choices.flatMap((compress) => [
        upload.send(ofUpload, { compress }),
        chat.send(ofChat, { compress }),
      ]);
      sends.push(
        upload.send({ name: "a" }, { compress: true }),
        chat.send({ name: "a" }, { compress: true }),
      );
      await Promise.all(sends);
      const otherwise = options.compress ?? true;
      const seen = [...choices.map((c) => `${large.length} ${c ?? otherwise}`), "1 true"];
      expect((await upload.closeAndReceive()).greeting).toBe(["undefined", ...seen].join(", "));
      await chat.closeRequest();
      expect(await texts(chat)).toEqual(seen);
    }
    expect(ofUpload).toEqual(create(GreetClientStreamRequestSchema, { name: large }));
  });

  test("true fails where the transport has no compression, and says which option has one", async () => {
    const { end, client } = await start(link, { transport: {} });
    await using _end = end;
    const options = { compress: true };
    const refused = {
      code: Code.FailedPrecondition,
      rawMessage:
        "compress: true of greet.GreetService/Greet needs a compression: set sendCompression of the transport",
    };
    expect(await errorOf(client.greet({ name: large }, options))).toMatchObject(refused);
    expect((await errorOf(client.greetStream(options).receive())).code).toBe(Code.FailedPrecondition);
    // One message that can't be sent so is its own send's error: the call goes on.
    await using chat = client.greetStream();
    expect((await errorOf(chat.send({ name: "a" }, options))).code).toBe(Code.FailedPrecondition);
    await chat.send({ name: "a" }, { compress: false });
    await chat.closeRequest();
    expect(await texts(chat)).toEqual(["1 false"]);
    expect((await client.greet({ name: large }, { compress: false })).greeting).toBe(`${large.length} false`);
  });

  test("what is neither true nor false is refused", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const odd = { compress: "yes" as never };
    expect(await errorOf(client.greet({}, odd))).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: expect.stringMatching(
        /^option compress of greet\.GreetService\/\w+ is a string: pass true or false, or leave it out$/,
      ),
    });
    await using chat = client.greetStream();
    expect((await errorOf(chat.send({}, odd))).code).toBe(Code.InvalidArgument);
  });

  test("a message of a handle that can't be sent is still its send's error", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    await using chat = client.greetStream();
    expect((await errorOf(chat.send(7 as never, { compress: true }))).code).toBe(Code.Internal);
    chat.cancel();
    expect((await errorOf(chat.send({}, { compress: true }))).code).toBe(Code.Canceled);
  });
});

/** A handler's choices for its messages, one after another. */
const choosing = {
  greet({ name }: { name: string }, context: TripleContext) {
    context.compress = name.startsWith("true") ? true : name.startsWith("false") ? false : undefined;
    return { greeting: name };
  },
  async greetClientStream(requests: AsyncIterable<{ name: string }>, context: TripleContext) {
    let greeting = "";
    for await (const { name } of requests) greeting = name;
    context.compress = greeting.startsWith("true");
    return { greeting };
  },
  async *greetStream(requests: AsyncIterable<{ name: string }>, context: TripleContext) {
    for await (const { name } of requests) {
      context.compress = name.startsWith("true") ? true : name.startsWith("false") ? false : undefined;
      yield { greeting: name };
    }
  },
};
const asked = ["true", `false ${large}`, `true ${large}`, "false", "by size", `by size ${large}`, "true"];

describe.each(everyLink)("the choice of a handler over $name", (link) => {
  test.each([true, false])(
    "holds for the messages that follow, in order, with compressResponses: %p",
    async (compressResponses) => {
      const { end, client } = await start(link, {
        compressResponses,
        routes: (r) => r.service(GreetService, choosing),
      });
      await using _end = end;
      const expected = asked.map((name) =>
        name.startsWith("by size") ? compressResponses && name.length > 1024 : name.startsWith("true"),
      );
      await using chat = client.greetStream(asked.map((name) => ({ name })));
      expect(chat.responseCompressed).toBeUndefined();
      const seen: unknown[] = [];
      for await (const { greeting } of chat) seen.push([greeting, chat.responseCompressed]);
      expect(seen).toEqual(asked.map((name, i) => [name, expected[i]]));
      const told: boolean[] = [];
      const onCompressed = (compressed: boolean) => void told.push(compressed);
      for (const name of asked) {
        expect((await client.greet({ name }, { onCompressed })).greeting).toBe(name);
      }
      expect(told).toEqual(expected);
    },
  );

  test("is told of the message that was read last, whatever has arrived behind it", async () => {
    const { end, client } = await start(link, { routes: (r) => r.service(GreetService, choosing) });
    await using _end = end;
    await using chat = client.greetStream();
    await chat.send({ name: "true" });
    expect((await chat.receive())?.greeting).toBe("true");
    for (const name of ["false 1", "false 2"]) await chat.send({ name });
    await chat.closeRequest();
    await chat.responseTrailer;
    expect(chat.responseCompressed).toBe(true);
    expect((await chat.receive())?.greeting).toBe("false 1");
    expect(chat.responseCompressed).toBe(false);
  });

  test("is told of an upload's answer, by its handle and by the option", async () => {
    const { end, client } = await start(link, { routes: (r) => r.service(GreetService, choosing) });
    await using _end = end;
    for (const name of ["true", `false ${large}`]) {
      const told: boolean[] = [];
      const options = { onCompressed: (compressed: boolean) => void told.push(compressed) };
      await client.greetClientStream([{ name }], options);
      const upload = client.greetClientStream(options);
      await upload.send({ name });
      expect(upload.responseCompressed).toBeUndefined();
      await upload.closeAndReceive();
      expect([...told, upload.responseCompressed]).toEqual(Array(3).fill(name === "true"));
    }
  });

  test("is told through interceptors that copy the response and wrap its messages", async () => {
    const { end } = await start(link, { routes: (r) => r.service(GreetService, choosing) });
    await using _end = end;
    const wrapping: Interceptor = (next) => async (req) => {
      const res = await next(req);
      if (!res.stream) return { ...res };
      const messages = res.message;
      return {
        ...res,
        message: (async function* () {
          yield* messages;
        })(),
      };
    };
    const client = createClient(GreetService, end.transport, { interceptors: [wrapping] });
    const told: boolean[] = [];
    await client.greet({ name: "true" }, { onCompressed: (compressed) => void told.push(compressed) });
    expect(told).toEqual([true]);
    const chat = client.greetStream(asked.map((name) => ({ name })));
    const seen: unknown[] = [];
    for await (const _ of chat) seen.push(chat.responseCompressed);
    expect(seen).toEqual(asked.map((name) => name.startsWith("true")));
  });

  test("what onCompressed throws is the call's error", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const onCompressed = () => {
      throw new ConnectError("mine", Code.Aborted);
    };
    for (const call of [client.greet({}, { onCompressed }), client.greetClientStream([], { onCompressed })])
      expect((await errorOf(call)).code).toBe(Code.Aborted);
  });

  test("true sends messages as they are to a client that accepts none of the server's compressions", async () => {
    const { end, client } = await start(link, {
      transport: { acceptCompression: [] },
      compressResponses: true,
      routes: (r) => r.service(GreetService, choosing),
    });
    await using _end = end;
    const told: boolean[] = [];
    await client.greet({ name: "true" }, { onCompressed: (compressed) => void told.push(compressed) });
    expect(told).toEqual([false]);
  });

  test("true throws on a server without compression, and behind headers that have said none", async () => {
    const caught: unknown[] = [];
    const handler = async function* (_: unknown, context: TripleContext) {
      yield {};
      for (const compress of [false, undefined, true]) {
        try {
          context.compress = compress;
        } catch (error) {
          caught.push((error as ConnectError).rawMessage);
        }
      }
      yield {};
    };
    for (const acceptCompression of [[], [compressionGzip]]) {
      const { end, client } = await start(link, {
        acceptCompression,
        transport: { acceptCompression: [compressionGzip] },
        routes: (r) => r.service(GreetService, { greetServerStream: handler }),
      });
      await using _end = end;
      await all(client.greetServerStream({}));
    }
    expect(caught).toEqual([
      "a response of greet.GreetService/GreetServerStream can't be compressed: the server has no compression, set acceptCompression",
      "the headers of greet.GreetService/GreetServerStream have left without grpc-encoding: set context.compress before them, or compressResponses of the server",
    ]);
  });

  test("what is being compressed when the call is left is dropped, and the next call is whole", async () => {
    const ended = happening();
    const { end, client } = await start(link, {
      routes: (r) =>
        r.service(GreetService, {
          ...choosing,
          async *greetServerStream({ name }, context) {
            try {
              for (let i = 0; ; i++) {
                context.compress = i % 2 === 0;
                yield { greeting: name };
              }
            } finally {
              ended.tell();
            }
          },
        }),
    });
    await using _end = end;
    let got = 0;
    for await (const { greeting } of client.greetServerStream({ name: large })) {
      expect(greeting).toBe(large);
      if (++got === 3) break;
    }
    await ended;
    expect((await client.greet({ name: `true ${large}` })).greeting).toBe(`true ${large}`);
  });
});

/** The messages of a body: their flags, and what they say. */
function framesOf(body: Buffer): [flag: number, greeting: string][] {
  const frames: [number, string][] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    const bytes = body.subarray(at + 5, end);
    const flag = body[at]!;
    frames.push([flag, fromBinary(GreetResponseSchema, flag === 1 ? gunzipSync(bytes) : bytes).greeting]);
    at = end;
  }
  return frames;
}

describe("on the wire, a choice", () => {
  test("of a handler is the flag of the frame, and the encoding is announced", async () => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) => r.service(GreetService, choosing),
    });
    const client = new RawClient(server.port);
    const call = (names: string[], accepted: string) =>
      client.call(
        "/greet.GreetService/GreetStream",
        { "grpc-accept-encoding": accepted },
        Buffer.concat(
          names.map((name) => envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name })))),
        ),
      );
    const chosen = await call(asked, "br, gzip");
    expect(framesOf(chosen.body)).toEqual(asked.map((name) => [name.startsWith("true") ? 1 : 0, name]));
    expect(chosen.header["grpc-encoding"]).toBe("gzip");
    const plain = await call(["a", "false"], "gzip");
    expect(framesOf(plain.body)).toEqual([
      [0, "a"],
      [0, "false"],
    ]);
    expect(plain.header["grpc-encoding"]).toBeUndefined();
    // Any choice announces it, so that another one may follow.
    const later = await call(["false", "true"], "gzip");
    expect(framesOf(later.body)).toEqual([
      [0, "false"],
      [1, "true"],
    ]);
    const refused = await call(["true"], "identity");
    expect(framesOf(refused.body)).toEqual([[0, "true"]]);
    expect(refused.header["grpc-encoding"]).toBeUndefined();
    await client.close();
  });

  test("of a client is the flag of the frame, and the encoding is announced all the same", async () => {
    const seen: unknown[] = [];
    await using server = await startRawServer((stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        seen.push(headers["grpc-encoding"], ...framesOf(Buffer.concat(chunks)).map(([flag]) => flag));
        goodAnswer(stream, headers);
      });
    });
    await using transport = createTransport(`tri://${server.address}`, { sendCompression: compressionGzip });
    const client = createClient(GreetService, transport);
    await client.greet({ name: large }, { compress: false });
    await client.greet({ name: "a" }, { compress: true });
    await client.greetClientStream([{ name: large }, { name: "a" }]);
    expect(seen).toEqual(["gzip", 0, "gzip", 1, "gzip", 1, 0]);
  });
});

test("over a transport of Connect's, choices are refused, and nothing is told", async () => {
  const client = createClient(
    GreetService,
    createRouterTransport((r) => void r.service(GreetService, greeter() as never)),
  );
  const told: boolean[] = [];
  for (const compress of [true, false]) {
    expect(await errorOf(client.greet({}, { compress }))).toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: `compress: ${compress} of greet.GreetService/Greet needs a transport of createTransport: others decide by their own options`,
    });
    await using chat = client.greetStream();
    expect((await errorOf(chat.send({}, { compress }))).code).toBe(Code.FailedPrecondition);
    await chat.send({ name: "a" }, {});
    expect((await chat.receive())?.greeting).toBe("a");
    expect(chat.responseCompressed).toBeUndefined();
  }
  await client.greet({}, { onCompressed: (compressed) => void told.push(compressed) });
  expect(told).toEqual([]);
});
