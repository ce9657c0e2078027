// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. One that ends while a message of it is being compressed or decompressed ends as any other does,
// and leaves nothing behind.
// Mutant: core/src/engine/message/message-writer.ts # if (!this.stopped) this.refuse(error); => this.stopped = true;
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, type Happening, happening, until } from "./events.js";
import { everyLink, type LinkKind, type Running } from "./every-link.js";
import { greeter } from "./greeter.js";

const large = "the same words again and again. ".repeat(1000);
const broken = new ConnectError("no memory", Code.Aborted);

/** Gzip that waits at its first message, until the test lets it go on or fail. */
function gated(what: "compress" | "decompress") {
  const begun = happening();
  const go: Happening<"on" | "fail"> = happening();
  let first = true;
  const wait = async (): Promise<void> => {
    if (!first) return;
    first = false;
    begun.tell();
    if ((await go) === "fail") throw broken;
  };
  const compression: typeof compressionGzip = {
    ...compressionGzip,
    async compress(bytes) {
      if (what === "compress") await wait();
      return compressionGzip.compress(bytes);
    },
    async decompress(bytes, maxBytes) {
      if (what === "decompress") await wait();
      return compressionGzip.decompress(bytes, maxBytes);
    },
  };
  return { begun, go, compression };
}

type Place =
  | "a request is compressed"
  | "a request is decompressed"
  | "a response is compressed"
  | "a response is decompressed";

/** A link where one of the four places waits. */
async function start(link: LinkKind, place: Place) {
  const gate = gated(place.endsWith("decompressed") ? "decompress" : "compress");
  const atServer = place === "a request is decompressed" || place === "a response is compressed";
  const [server, client] = atServer
    ? [gate.compression, compressionGzip]
    : [compressionGzip, gate.compression];
  const end = await link.start({
    cuttable: true,
    acceptCompression: [server],
    compressResponses: true,
    transport: { sendCompression: client, acceptCompression: [client] },
    routes: (r) => r.service(GreetService, greeter()),
  });
  return { end, gate, client: createClient(GreetService, end.transport) };
}

type Started = Awaited<ReturnType<typeof start>>;

/** A call of each kind that carries large messages both ways, until it is over. */
const kinds: Record<
  string,
  (client: Started["client"], signal: AbortSignal, timeoutMs?: number) => Promise<unknown>
> = {
  unary: (client, signal, timeoutMs = 0) => client.greet({ name: large }, { signal, timeoutMs }),
  "server stream": (client, signal, timeoutMs = 0) =>
    all(client.greetServerStream({ name: large }, { signal, timeoutMs })),
  "client stream": (client, signal, timeoutMs = 0) =>
    client.greetClientStream([{ name: large }, { name: large }], { signal, timeoutMs }),
  "bidi stream": async (client, signal, timeoutMs = 0) => {
    const chat = client.greetStream({ signal, timeoutMs });
    const sends = [chat.send({ name: large }), chat.send({ name: large })];
    const closed = Promise.allSettled(sends).then(() => chat.closeRequest());
    try {
      return await all(chat);
    } finally {
      await closed;
    }
  },
};

const places: Place[] = [
  "a request is compressed",
  "a request is decompressed",
  "a response is compressed",
  "a response is decompressed",
];
const rows = places.flatMap((place) => Object.keys(kinds).map((kind) => ({ place, kind })));

/** Without the place where the whole response may have arrived: then the call is over, and only its reads wait. */
const beforeTheEnd = rows.filter(({ place }) => place !== "a response is decompressed");

/** No call is left at the server, and the connection, or a new one, is good for the next call. */
async function nothingLeft(end: Running, client: Started["client"]): Promise<void> {
  await until(() => end.server.activeCalls === 0);
  expect((await client.greet({ name: large })).greeting).toBe(large);
}

describe.each(everyLink)("a call over $name", (link) => {
  test.each(beforeTheEnd)("($kind) that is cancelled while $place is over", async ({ place, kind }) => {
    const { end, gate, client } = await start(link, place);
    await using _end = end;
    const controller = new AbortController();
    const outcome = errorOf(kinds[kind]!(client, controller.signal));
    await gate.begun;
    controller.abort();
    expect((await outcome).code).toBe(Code.Canceled);
    gate.go.tell("on");
    await nothingLeft(end, client);
  });

  test.each(beforeTheEnd)("($kind) whose deadline passes while $place is over", async ({ place, kind }) => {
    const { end, gate, client } = await start(link, place);
    await using _end = end;
    const outcome = errorOf(kinds[kind]!(client, new AbortController().signal, 40));
    expect((await outcome).code).toBe(Code.DeadlineExceeded);
    gate.go.tell("on");
    await nothingLeft(end, client);
  });

  test.each(rows)("($kind) whose compression fails while $place ends with that", async ({ place, kind }) => {
    const { end, gate, client } = await start(link, place);
    await using _end = end;
    const outcome = errorOf(kinds[kind]!(client, new AbortController().signal));
    await gate.begun;
    gate.go.tell("fail");
    const codes: Record<Place, Code> = {
      "a request is compressed": Code.Aborted,
      "a request is decompressed": Code.InvalidArgument,
      "a response is compressed": Code.Aborted,
      "a response is decompressed": Code.Internal,
    };
    const error = await outcome;
    expect(error.code).toBe(codes[place]);
    expect(error.rawMessage).toMatch(/no memory$/);
    await nothingLeft(end, client);
  });

  test.each(rows)(
    "($kind) whose compression takes its time while $place is whole",
    async ({ place, kind }) => {
      const { end, gate, client } = await start(link, place);
      await using _end = end;
      const outcome = kinds[kind]!(client, new AbortController().signal);
      await gate.begun;
      gate.go.tell("on");
      const greetings = [await outcome].flat().map((m) => (m as { greeting: string }).greeting);
      const expected: Record<string, string[]> = {
        unary: [large],
        "server stream": [0, 1, 2].map((i) => `${large}${i}`),
        "client stream": [`${large},${large}`],
        "bidi stream": [large, large],
      };
      expect(greetings).toEqual(expected[kind]);
    },
  );

  test.each(beforeTheEnd)(
    "($kind) whose connection is lost while $place is over",
    async ({ place, kind }) => {
      const { end, gate, client } = await start(link, place);
      await using _end = end;
      const outcome = errorOf(kinds[kind]!(client, new AbortController().signal));
      await gate.begun;
      end.cut();
      expect((await outcome).code).toBe(Code.Unavailable);
      gate.go.tell("on");
      await until(() => end.server.activeCalls === 0);
    },
  );
});
