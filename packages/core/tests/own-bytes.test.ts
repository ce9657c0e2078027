// SPDX-License-Identifier: Apache-2.0
// A message owns its bytes, over every path: transferring them takes nothing from another call, keeping them keeps nothing else.
// Mutant: core/src/engine/message/envelope-reader.ts # at + length, length + prefixLength, false); => at + length, length + prefixLength, true);
// Mutant: core/src/engine/message/message-reader.ts # bytes.length, owed, false, true); => bytes.length, owed, true, true);
// Mutant: core/src/engine/message/unread-messages.ts # const own = owned ? b : => const own = true ? b :
// Mutant: core/src/engine/message/message-reader.ts # this.handOutOne(b, start, end, owed, owned, compressed); => this.handOutOne(b, start, end, owed, false, compressed);
// Mutant: core/src/connect-private.ts # error.details = error.details.map(withOwnValue);
// Mutant: core/src/mount/guard-interceptor.ts # copyViews(req.message);
// Mutant: core/src/mount/guard-interceptor.ts # copyViews(message);
// Mutant: core/src/client/call/foreign-method.ts # copyViews(res.message);
// Mutant: core/src/client/call/foreign-error.ts # if (result.done !== true) copyViews(result.value);

import { type BytesValue, BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { createClient as createConnectClient, encodeBinaryHeader } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, ConnectError, createClient, readAttachments, type TripleRouter } from "@tristream/core";
import { Blobs } from "./blobs.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";
import { over, stockTransport } from "./mounts.js";

const KiB = 1024;
const none = new Uint8Array(0);
const bytes = (length: number, first: number): Uint8Array =>
  new Uint8Array(length).map((_, i) => first + (i % 7));

/** Detaches the bytes from all other references: `postMessage(bytes, [bytes.buffer])` does. */
function transfer(bytes: Uint8Array): void {
  structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
}

function expectOwn(bytes: Uint8Array): void {
  expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * Math.max(bytes.length, 32));
}

/** Gives each message back, and keeps what came until `release`: the handlers' messages are looked at beside the client's. */
function keeping() {
  const kept: Uint8Array[] = [];
  const keep = ({ value }: BytesValue): { value: Uint8Array } => {
    kept.push(value);
    return { value };
  };
  const routes = (r: TripleRouter): unknown =>
    r.service(Blobs, {
      unary: keep,
      async *bidi(requests) {
        for await (const request of requests) yield keep(request);
      },
    });
  return { kept, routes };
}

const ways: readonly { what: string; options: Partial<Parameters<LinkKind["start"]>[0]> }[] = [
  { what: "binary messages", options: {} },
  { what: "JSON", options: { transport: { useJson: true } } },
  {
    what: "compressed messages",
    options: {
      compressResponses: true,
      compressMinBytes: 0,
      acceptCompression: [compressionGzip],
      transport: {
        acceptCompression: [compressionGzip],
        sendCompression: compressionGzip,
        compressMinBytes: 0,
      },
    },
  },
  { what: "protobuf-es (binaryOptions)", options: { binaryOptions: {}, transport: { binaryOptions: {} } } },
];

describe.each(everyLink)("over $name", (link) => {
  describe.each(ways)("with $what", ({ options }) => {
    test.each([16, 100, 5 * KiB, 64 * KiB])(
      "messages with %d bytes own them, in requests and responses",
      async (size) => {
        const { kept, routes } = keeping();
        await using end = await link.start({ ...options, routes });
        const client = createClient(Blobs, end.transport);
        const sent = [1, 2, 3, 4].map((first) => bytes(size, first));
        const messages = sent.map((value) => ({ value }));
        // Four calls in one chunk, and a stream of four messages in one.
        const unary = await Promise.all(messages.map((message) => client.unary(message)));
        const streamed = await all(client.bidi(messages));
        const received = [...unary, ...streamed].map(({ value }) => value);
        for (const group of [kept, received]) {
          expect(group).toHaveLength(8);
          for (const bytes of group) expectOwn(bytes);
          expect(new Set(group.map((bytes) => bytes.buffer)).size).toBe(8);
          for (let i = 0; i < 8; i += 2) transfer(group[i]!);
          // Compressed ones come in any order; their first byte says which each is.
          for (let i = 1; i < 8; i += 2)
            expect(Buffer.from(group[i]!).equals(sent[group[i]![0]! - 1] ?? none)).toBe(true);
        }
        // The connection reads on.
        expect(Buffer.from((await client.unary(messages[0]!)).value).equals(sent[0]!)).toBe(true);
      },
    );
  });

  test("bytes that come alone in a chunk are not left in it", async () => {
    const { kept, routes } = keeping();
    await using end = await link.start({ routes });
    const { value } = await createClient(Blobs, end.transport).unary({ value: bytes(12 * KiB, 1) });
    // They may lie in the copy of their message, with the three bytes before them.
    for (const bytes of [value, ...kept]) expect(bytes.buffer.byteLength).toBeLessThan(bytes.length + 5);
  });

  test("large bytes stay in the buffer in which their message was put together", async () => {
    const { kept, routes } = keeping();
    await using end = await link.start({ routes });
    const { value } = await createClient(Blobs, end.transport).unary({ value: bytes(100_000, 1) });
    for (const bytes of [value, ...kept]) {
      expect(bytes.byteOffset).toBeGreaterThan(0);
      expect(bytes.buffer.byteLength).toBeLessThan(100_100);
    }
  });

  test("details of an error, and -bin metadata, own their bytes", async () => {
    const details = [1, 2, 3].map((first) => ({
      desc: BytesValueSchema,
      value: { value: bytes(1000, first) },
    }));
    const bin = encodeBinaryHeader(bytes(30, 5));
    await using end = await link.start({
      routes: (r) =>
        r.service(Blobs, {
          unary: () => {
            throw new ConnectError("no", Code.Aborted, { "a-bin": bin, "b-bin": bin }, details);
          },
        }),
    });
    const error = await errorOf(createClient(Blobs, end.transport).unary({}));
    const values = error.details.map((detail) => (detail as { readonly value: Uint8Array }).value);
    // A detail that can't be read is left out.
    expect(values).toHaveLength(3);
    for (const value of values) expectOwn(value);
    transfer(values[0]!);
    expect(error.findDetails(BytesValueSchema).map(({ value }) => value[0])).toEqual([2, 3]);
    const attachments = readAttachments(error.metadata);
    for (const name of ["a", "b"]) expectOwn(attachments[name] as Uint8Array);
    transfer(attachments["a"] as Uint8Array);
    expect(attachments["b"]).toEqual(bytes(30, 5));
  });
});

test("a compression that gives its bytes to everybody keeps them", async () => {
  const decompressed = new Uint8Array([0x0a, ...[0x80, 0x80, 0x04], ...bytes(64 * KiB, 1)]);
  const shared = {
    name: "shared",
    compress: async (bytes: Uint8Array) => new Uint8Array(bytes),
    decompress: async () => decompressed,
  };
  const { kept, routes } = keeping();
  await using end = await everyLink[0]!.start({
    routes,
    acceptCompression: [shared],
    transport: { acceptCompression: [], sendCompression: shared, compressMinBytes: 0 },
  });
  await createClient(Blobs, end.transport).unary({ value: bytes(100, 1) });
  transfer(kept[0]!);
  expect(decompressed.length).toBe(64 * KiB + 4);
});

describe.each(over("2"))("requests of $title, and responses of Connect's transport,", (mount) => {
  test.each(["gRPC", "gRPC-Web", "Connect"] as const)("own their bytes over %s", async (protocol) => {
    const { kept, routes } = keeping();
    await using server = await mount.start({ acceptCompression: [compressionGzip], routes });
    using end = stockTransport(server.port, protocol, "2");
    const stock = createConnectClient(Blobs, end.transport);
    const ours = createClient(Blobs, end.transport);
    const sent = [1, 2, 3].map((first) => ({ value: bytes(40, first) }));
    for (const message of sent) await stock.unary(message);
    const unary = await ours.unary(sent[0]!);
    const stream = await all(ours.bidi(sent));
    for (const bytes of [...kept, unary.value, ...stream.map(({ value }) => value)]) {
      expect(bytes.buffer.byteLength).toBe(40);
    }
    expect(kept).toHaveLength(7);
  });
});
