// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory.
// Mutant: core/src/engine/message/message-writer.ts # this.blocked = true;
// Mutant: core/src/engine/message/message-reader.ts # this.stream.credit(credit);
import { createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { happening, turns } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

const size = 10_000;
/** Windows, the sockets' own buffers, and what waits in the sender: far below what would come without limits. */
const limit = 8_000_000 / size;
const total = 2 * limit;

/** Waits until a number does not change any more. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = read();
    if (now === last) return now;
    last = now;
    await turns(200);
  }
}

describe.each(everyLink)("backpressure over $name", (link) => {
  test("a reader that does not read bounds what the server produces, and gets all of it when it reads", async () => {
    let produced = 0;
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            for (; produced < total; produced++) yield { greeting: "x".repeat(size) };
          },
        }),
    });
    const stream = createClient(GreetService, end.transport).greetServerStream({});
    await stream.receive();
    expect(await settled(() => produced)).toBeLessThan(limit);
    let read = 1;
    for await (const _ of stream) read++;
    expect(read).toBe(total);
  });

  test("a handler that does not read bounds what the client gives: an iterable is not asked, a send waits", async () => {
    const go = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async greetClientStream(requests) {
            await go;
            let n = 0;
            for await (const _ of requests) n++;
            return { greeting: `${n}` };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    let given = 0;
    const source = function* () {
      for (; given < total; given++) yield { name: "x".repeat(size) };
    };
    const call = client.greetClientStream(source());
    expect(await settled(() => given)).toBeLessThan(limit);
    const upload = client.greetClientStream();
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent++) await upload.send({ name: "x".repeat(size) });
    })();
    expect(await settled(() => sent)).toBeLessThan(limit);
    go.tell();
    await sending;
    expect((await upload.closeAndReceive()).greeting).toBe(`${total}`);
    expect((await call).greeting).toBe(`${total}`);
  });

  test("one stream that nobody reads does not hold up the others", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          async *greetServerStream() {
            for (;;) yield { greeting: "x".repeat(size) };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const stuck = Array.from({ length: 5 }, () => client.greetServerStream({}));
    for (const stream of stuck) await stream.receive();
    await turns(100);
    const name = "y".repeat(200_000);
    for (let i = 0; i < 20; i++) expect((await client.greet({ name })).greeting).toBe(name);
    for (const stream of stuck) stream.cancel();
  });

  test("a synchronous endless source lets other calls have their turn", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          greetServerStream: () =>
            (function* () {
              for (;;) yield { greeting: "x" };
            })() as unknown as AsyncIterable<{ greeting: string }>,
        }),
    });
    const client = createClient(GreetService, end.transport);
    const endless = (async () => {
      let n = 0;
      for await (const _ of client.greetServerStream({})) if (++n === 20_000) break;
    })();
    for (let i = 0; i < 20; i++) expect((await client.greet({ name: "turn" })).greeting).toBe("turn");
    await endless;
  });
});
