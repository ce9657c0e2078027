// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. A chat whose answers are not read stops its requests too.
// Mutant: core/src/engine/message/message-writer.ts # this.blocked = true;
// Mutant: core/src/engine/message/message-reader.ts # this.stream.credit(credit);

import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { turns } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope } from "./raw-client.js";
import { RawSocket } from "./raw-socket.js";

const size = 10_000;
/** All windows and queues of both directions, far below what would come without limits. */
const limit = 16_000_000 / size;

/** Waits until a number does not change any more. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1; last !== read(); ) {
    last = read();
    await turns(200);
  }
  return read();
}

describe.each(everyLink)("an echo whose answers nobody reads over $name", (link) => {
  test("stops asking for requests, and goes on when somebody reads", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    let given = 0;
    const requests = (async function* () {
      for (; given < 2 * limit; given++) yield { name: "x".repeat(size) };
    })();
    const stream = createClient(GreetService, end.transport).greetStream(requests);
    await stream.receive();
    expect(await settled(() => given)).toBeLessThan(limit);
    let read = 1;
    for await (const _ of stream) read++;
    expect(read).toBe(2 * limit);
  });

  test("holds the sends of a handle", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const chat = createClient(GreetService, end.transport).greetStream();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 2 * limit; sent++) await chat.send({ name: "x".repeat(size) });
      await chat.closeRequest();
    })();
    await chat.receive();
    expect(await settled(() => sent)).toBeLessThan(limit);
    let read = 1;
    for await (const _ of chat) read++;
    await sending;
    expect(read).toBe(2 * limit);
  });
});

test("a client that gives no room at all: the handler stops after the first windows", async () => {
  let produced = 0;
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    logger: quiet,
    routes: (r) =>
      r.service(GreetService, {
        async *greetServerStream() {
          for (;;) {
            produced++;
            yield { greeting: "x".repeat(size) };
          }
        },
      }),
  });
  using client = await RawSocket.open(server.port);
  client.call(1, "/greet.GreetService/GreetServerStream");
  client.data(1, envelope(toBinary(GreetRequestSchema, create(GreetRequestSchema))), true);
  await client.line("DATA 1");
  // 65,535 bytes of window, and 64 KiB that wait in the stream.
  expect(await settled(() => produced)).toBeLessThanOrEqual(16);
});
