// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. Four messages of a process are decompressed at a time, and connections take turns.
// Mutant: core/src/engine/message/compression-queue.ts # decompressions = new CompressionQueue(atOnce) => decompressions = new CompressionQueue(4000)
// Mutant: core/src/engine/message/message-writer.ts # await compressions.run(this.owner.peer, compress); => await compress();
// Mutant: core/src/engine/message/message-writer.ts # (this.stopped ? bytes : => (false ? bytes :
// Mutant: core/src/engine/message/message-reader.ts # if (unread.decompressing && decompressions.leave(this.owner.peer, this)) unread.decompressing = false;
// Mutant: core/src/mount/connect-options.ts # decompressions.run(log, => ((_: unknown, work: () => Promise<Uint8Array<ArrayBuffer>>) => work())(log,
import { createClient as createConnectClient } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, happening, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";
import { over, stockTransport } from "./mounts.js";

const name = "the same words again and again. ".repeat(200);

/** Gzip that waits until it may go on, and says how many messages it has at once. */
function gatedGzip() {
  const seen = { begun: 0, running: 0, most: 0 };
  const go = happening();
  const compression: typeof compressionGzip = {
    ...compressionGzip,
    async decompress(bytes, maxBytes) {
      seen.begun++;
      seen.most = Math.max(seen.most, ++seen.running);
      await go;
      try {
        return await compressionGzip.decompress(bytes, maxBytes);
      } finally {
        seen.running--;
      }
    },
  };
  return { seen, go, compression };
}

describe.each(everyLink)("compressed messages over $name", (link) => {
  test("are decompressed four at a time", async () => {
    const { seen, go, compression } = gatedGzip();
    await using end = await link.start({
      acceptCompression: [compression],
      transport: { sendCompression: compressionGzip },
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    const answers = Promise.all(Array.from({ length: 40 }, () => client.greet({ name })));
    await until(() => end.server.activeCalls === 40 && seen.begun === 4);
    go.tell();
    for (const { greeting } of await answers) expect(greeting).toBe(name);
    expect(seen).toEqual({ begun: 40, running: 0, most: 4 });
  });

  test("leave the queue with their calls, whose reads reject at once", async () => {
    const { seen, go, compression } = gatedGzip();
    await using end = await link.start({
      acceptCompression: [compression],
      transport: { sendCompression: compressionGzip },
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    const first = Array.from({ length: 4 }, () => client.greet({ name }));
    await until(() => seen.begun === 4);
    const chats = Array.from({ length: 8 }, () => client.greetStream());
    for (const chat of chats) await chat.send({ name });
    await until(() => end.server.activeCalls === 12);
    for (const chat of chats) chat.cancel();
    for (const chat of chats) expect((await errorOf(chat.receive())).code).toBe(Code.Canceled);
    await until(() => end.server.activeCalls === 4);
    go.tell();
    await Promise.all(first);
    expect((await client.greet({ name })).greeting).toBe(name);
    expect(seen.begun).toBe(5);
  });
});

test.each(["client", "server"] as const)(
  "a %s compresses four messages at a time, none of calls that are over",
  async (side) => {
    const [link] = everyLink;
    const seen = { begun: 0, running: 0, most: 0 };
    const go = happening();
    const slow: typeof compressionGzip = {
      ...compressionGzip,
      async compress(bytes) {
        seen.begun++;
        seen.most = Math.max(seen.most, ++seen.running);
        await go;
        seen.running--;
        return compressionGzip.compress(bytes);
      },
    };
    const atServer = side === "server";
    await using end = await link!.start({
      acceptCompression: [atServer ? slow : compressionGzip],
      compressResponses: atServer,
      transport: atServer ? { acceptCompression: [compressionGzip] } : { sendCompression: slow },
      routes: (r) => r.service(GreetService, greeter()),
    });
    const client = createClient(GreetService, end.transport);
    const controller = new AbortController();
    const answers = Promise.all(Array.from({ length: 6 }, () => client.greet({ name })));
    await until(() => seen.begun === 4);
    const canceled = Array.from({ length: 6 }, () =>
      errorOf(client.greet({ name }, { signal: controller.signal })),
    );
    if (atServer) await until(() => end.server.activeCalls === 12);
    controller.abort();
    for (const error of await Promise.all(canceled)) expect(error.code).toBe(Code.Canceled);
    if (atServer) await until(() => end.server.activeCalls === 6);
    go.tell();
    for (const { greeting } of await answers) expect(greeting).toBe(name);
    expect(seen).toEqual({ begun: 6, running: 0, most: 4 });
  },
);

test.each(over("2"))("a mount decompresses four messages at a time: $title", async (mount) => {
  const { seen, go, compression } = gatedGzip();
  await using server = await mount.start({
    acceptCompression: [compression],
    routes: (r) => r.service(GreetService, greeter()),
  });
  using end = stockTransport(server.port, "gRPC", "2", { sendCompression: compressionGzip });
  const client = createConnectClient(GreetService, end.transport);
  const answers = Promise.all(Array.from({ length: 12 }, () => client.greet({ name })));
  await until(() => seen.begun === 4);
  go.tell();
  await answers;
  expect(seen).toEqual({ begun: 12, running: 0, most: 4 });
});
