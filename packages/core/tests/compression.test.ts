// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. What comes out of a compression is limited too.
// Mutant: core/src/engine/call/client-call.ts # this.reader.setCompression(compression);
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind, type StartOptions } from "./every-link.js";
import { greeter } from "./greeter.js";

const text = "the same words again and again. ".repeat(1000);

/** Compression both ways; the bytes of both directions are counted. */
async function start(link: LinkKind, options: Partial<StartOptions> = {}) {
  const bytes = { "client-to-server": 0, "server-to-client": 0 };
  const end = await link.start({
    acceptCompression: [compressionGzip],
    compressResponses: true,
    tap: (chunk, direction) => {
      bytes[direction] += chunk.length;
    },
    transport: { acceptCompression: [compressionGzip], sendCompression: compressionGzip },
    routes: (r) => r.service(GreetService, greeter()),
    ...options,
  });
  return { end, bytes, client: createClient(GreetService, end.transport) };
}

describe.each(everyLink)("gzip over $name", (link) => {
  test("makes large messages small, in all four kinds and in order", async () => {
    const { end, client, bytes } = await start(link);
    await using _end = end;
    expect((await client.greet({ name: text })).greeting).toBe(text);
    const names = [text, "small", text, "", text].map((name) => ({ name }));
    expect((await all(client.greetStream(names))).map((m) => m.greeting)).toEqual(names.map((n) => n.name));
    expect((await client.greetClientStream(names)).greeting).toBe(names.map((n) => n.name).join(","));
    expect(await all(client.greetServerStream({ name: text }))).toHaveLength(3);
    await using chat = client.greetStream();
    for (const { name } of names) await chat.send({ name });
    await chat.closeRequest();
    expect((await all(chat)).map((m) => m.greeting)).toEqual(names.map((n) => n.name));
    expect(bytes["client-to-server"]).toBeLessThan(text.length);
    expect(bytes["server-to-client"]).toBeLessThan(text.length);
  });

  test("the limit holds for what comes out of it", async () => {
    const { end, client } = await start(link, { readMaxBytes: 10_000 });
    await using _end = end;
    const error = await errorOf(client.greet({ name: text }));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.rawMessage).toMatch(
      /^message of \d+ compressed bytes is larger than the limit of 10000 when decompressed: raise readMaxBytes where it is received$/,
    );
    expect((await errorOf(client.greetClientStream([{ name: text }]))).code).toBe(Code.ResourceExhausted);
    expect((await client.greet({ name: "after" })).greeting).toBe("after");
  });

  test("a server that does not accept it says what it accepts", async () => {
    const { end, client } = await start(link, { acceptCompression: [] });
    await using _end = end;
    expect(await errorOf(client.greet({ name: text }))).toMatchObject({
      code: Code.Unimplemented,
      rawMessage: 'grpc-encoding is "gzip": accepted is identity (option acceptCompression)',
    });
  });

  test("a call that is left while it compresses is over", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const chat = client.greetStream();
    const sent = chat.send({ name: text.repeat(50) });
    chat.cancel();
    await sent.catch((error: unknown) => expect(error).toMatchObject({ code: Code.Canceled }));
    expect((await errorOf(chat.receive())).code).toBe(Code.Canceled);
  });
});
