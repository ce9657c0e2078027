// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. A message that is within the limits arrives, in whatever DATA frames and with whatever padding.
// Mutant: http2/src/streams/receive-window.ts # if (this.message !== null) this.askAgain();
// Mutant: http2/src/streams/receive-window.ts # const paddingAtMost = 256; => const paddingAtMost = 1;
// Mutant: core/src/engine/message/message-reader.ts # if (this.single && size > waitsForItsEnd) { => if (size < 0) {
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { compressionGzip } from "@connectrpc/connect-node";
import { createClient, createServer, createTransport, type TripleServiceImpl } from "@tristream/core";
import { GreetRequestSchema, GreetResponseSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection, type Http2Options } from "@tristream/http2";
import { memoryPair } from "@tristream/testing";
import { join } from "../../http2/tests/frames.js";
import { Random, seeds } from "../../http2/tests/random.js";
import { turns, until } from "./events.js";
import { quiet } from "./every-link.js";
import { FramingPeer, type PlannedFrame } from "./framing-peer.js";
import { envelope } from "./raw-client.js";

/** The smallest windows that can be set. */
const small: Http2Options = { maxStreamWindow: 65_535, connectionWindow: 65_535, maxBufferedBytes: 65_535 };
const readMaxBytes = 4_194_304;
/** The bytes of a message beside its text: the tag, and the length of the text. */
const around = (text: number): number => 1 + (text < 128 ? 1 : text < 16_384 ? 2 : text < 2_097_152 ? 3 : 4);

/** Lengths of texts that make messages whose size, with the prefix, is near what has a meaning. */
const lengths = [
  ...[16_384, 65_535, 131_070].flatMap((size) =>
    [-300, -257, -256, -255, -10, -9, -6, -5, -4, -1, 0, 1, 2, 256].map((more) => size + more - 5 - 4),
  ),
  ...[0, 100, 32_760, 49_140, 300_000, 1_000_000, readMaxBytes - 5],
];

const texts = new Map<number, string>();
/** A text that gzip makes no smaller than half. */
function text(length: number): string {
  let made = texts.get(length);
  if (made === undefined) {
    const random = new Random(length);
    const piece = Array.from({ length: 4096 }, () => random.int(32, 126));
    made = String.fromCharCode(...piece)
      .repeat(Math.ceil(length / piece.length))
      .slice(0, length);
    texts.set(length, made);
  }
  return made;
}

/** A message in its envelope; `stored`: compressed by a gzip that makes it no smaller. */
function message(role: "request" | "response", length: number, stored: boolean): Uint8Array {
  const bytes =
    role === "request"
      ? toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: text(length) }))
      : toBinary(GreetResponseSchema, create(GreetResponseSchema, { greeting: text(length) }));
  if (!stored) return envelope(bytes);
  const gzipped = envelope(gzipSync(bytes, { level: 0 }));
  gzipped[0] = 1;
  return gzipped;
}

type Pace = "at once" | "slowly" | "late";

/** Reads all messages, and says how long their texts are. */
async function lengthsOf(
  messages: AsyncIterable<{ name?: string; greeting?: string }>,
  pace: Pace,
): Promise<number[]> {
  if (pace === "late") await turns(100);
  const read: number[] = [];
  for await (const { name, greeting } of messages) {
    read.push((name ?? greeting)!.length);
    if (pace === "slowly") await turns(3);
  }
  return read;
}

interface Case {
  readonly random: Random;
  readonly http2: Http2Options;
  /** The texts of each stream's messages. */
  readonly streams: readonly (readonly number[])[];
  readonly stored: boolean;
  readonly pace: Pace;
  /** The first frames of each body. */
  readonly planned?: readonly PlannedFrame[];
}

function body(role: "request" | "response", { stored }: Case, texts: readonly number[]): Uint8Array {
  return join(...texts.map((length) => message(role, length, stored)));
}

/** The messages that a server's handlers read of a peer's requests. */
async function requests(given: Case, unary: boolean): Promise<number[][]> {
  const read: number[][] = given.streams.map(() => []);
  let settled = 0;
  const impl: Partial<TripleServiceImpl<typeof GreetService>> = {
    greet({ name }, context) {
      read[Number(context.requestHeader.get("x-stream"))] = [name.length];
      settled++;
      return {};
    },
    async greetClientStream(messages, context) {
      read[Number(context.requestHeader.get("x-stream"))] = await lengthsOf(messages, given.pace);
      settled++;
      return {};
    },
  };
  const pair = memoryPair();
  const server = createServer({
    logger: quiet,
    acceptCompression: [compressionGzip],
    routes: (r) => r.service(GreetService, impl),
  });
  await server.ready;
  server.accept(new Connection("server", pair.server, given.http2));
  const peer = new FramingPeer(pair.client, "client", given.random);
  const path = `/greet.GreetService/${unary ? "Greet" : "GreetClientStream"}`;
  for (const [i, texts] of given.streams.entries()) {
    const fields = [":method", "POST", ":scheme", "http", ":path", path, ":authority", "test"];
    fields.push("content-type", "application/grpc", "te", "trailers", "x-stream", String(i));
    if (given.stored) fields.push("grpc-encoding", "gzip");
    peer.headers(
      2 * i + 1,
      fields,
      given.random.oneIn(2) ? {} : { pad: given.random.int(0, 255), dependsOn: 0 },
    );
    peer.send(2 * i + 1, body("request", given, texts), null, given.planned);
  }
  await peer.allSent();
  await until(() => settled >= given.streams.length);
  await server.shutdown({ graceMs: 0 });
  return read;
}

/** The messages that a client reads of a peer's responses. */
async function responses(given: Case, unary: boolean): Promise<number[][]> {
  const pair = memoryPair();
  const connection = new Connection("client", pair.client, given.http2);
  const transport = createTransport(connection, { acceptCompression: [compressionGzip] });
  const peer = new FramingPeer(pair.server, "server", given.random);
  peer.onHeaders = (id) => {
    const fields = [":status", "200", "content-type", "application/grpc"];
    if (given.stored) fields.push("grpc-encoding", "gzip");
    peer.headers(id, fields, given.random.oneIn(2) ? {} : { pad: given.random.int(0, 255) });
    const whole = body("response", given, given.streams[(id - 1) / 2]!);
    peer.send(id, whole, ["grpc-status", "0"], given.planned);
  };
  const client = createClient(GreetService, transport);
  const calls = given.streams.map(() =>
    unary
      ? client.greet({}).then(({ greeting }) => [greeting.length])
      : lengthsOf(client.greetServerStream({}), given.pace),
  );
  const all = Promise.all(calls);
  const sent = (async () => {
    await turns(20);
    await peer.allSent();
    return new Promise<never>(() => {});
  })();
  const read = await Promise.race([all, sent]);
  await transport.close();
  return read;
}

const roles = [
  { title: "requests, read by a server", run: requests },
  { title: "responses, read by a client", run: responses },
];

describe.each(roles)("$title", ({ run }) => {
  describe.each([false, true])("compressed: %s", (stored) => {
    test.each([false, true])(
      "one message of each size arrives in padded frames, small windows: %s",
      async (tight) => {
        for (const length of lengths) {
          // gzip adds a header, and five bytes a block.
          if (stored && length > readMaxBytes - 100_000) continue;
          const streams = [[length - around(length) > readMaxBytes ? readMaxBytes : Math.max(0, length)]];
          for (const seed of seeds(length > 300_000 ? 1 : 3)) {
            const random = new Random(seed * 1_000_003 + length);
            const given = { random, http2: tight ? small : {}, streams, stored, pace: "at once" as const };
            expect(await run(given, true)).toEqual(streams);
          }
        }
      },
    );

    test.each([false, true])(
      "a message that fills the window in one frame leaves room for what follows, small windows: %s",
      async (tight) => {
        const streams = [[65_535 - 5 - 4 - (stored ? 28 : 0)]];
        // The end of a request that has one message asks for it; until then it is not taken.
        const planned = [
          { length: 65_535 },
          { length: 0, pad: 255 },
          { length: 0, pad: 0 },
          { length: 0, pad: 255 },
        ];
        const http2 = tight ? small : {};
        const random = new Random(1);
        expect(await run({ random, http2, streams, stored, pace: "at once", planned }, true)).toEqual(
          streams,
        );
      },
    );

    test.each(seeds(25))("many messages of many streams arrive in padded frames, seed %i", async (seed) => {
      const random = new Random(seed);
      const near = lengths.filter((length) => length < 300_000);
      const streams = Array.from({ length: random.int(1, 8) }, () =>
        Array.from({ length: random.int(1, 6) }, () => Math.max(0, random.pick(near))),
      );
      const pace = random.pick(["at once", "slowly", "late"] as const);
      const http2 = random.pick([small, {}, { ...small, maxStreamWindow: 100_000 }]);
      expect(await run({ random, http2, streams, stored, pace }, false)).toEqual(streams);
    });
  });
});
