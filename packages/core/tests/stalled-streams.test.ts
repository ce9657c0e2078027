// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory, and one reader that stalls never starves the others on its connection.
import { createClient, createServer, createTransport } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Connection } from "@tristream/http2";
import { memoryPair } from "@tristream/testing";
import { forEver, until } from "./events.js";
import { everyLink, quiet } from "./every-link.js";

const stalled = 1000;
/** Large, since each message costs time and the windows count bytes. */
const size = 10_000;
const greeting = "x".repeat(size);
/** Messages of a stream that is read. */
const count = 500;

/** A server whose streams never end; only "fast" gets so many messages. Uploads are not read, but for those of "fast". */
const routes = (fast: number, entered: () => void): Parameters<typeof createServer>[0]["routes"] => {
  return (router) =>
    router.service(GreetService, {
      async *greetServerStream({ name }) {
        entered();
        for (let i = 0; name !== "fast" || i < fast; i++) yield { greeting };
      },
      async greetClientStream(requests, context) {
        entered();
        let n = 0;
        if (context.requestHeader.get("x-speed") !== "fast") await forEver();
        for await (const _ of requests) n++;
        return { greeting: String(n) };
      },
    });
};

describe.each(everyLink)("a thousand streams that nobody reads over $name", (link) => {
  test("don't stop one that is read", async () => {
    let entered = 0;
    await using end = await link.start({
      routes: routes(count, () => {
        entered++;
      }),
    });
    const client = createClient(GreetService, end.transport);
    const handles = Array.from({ length: stalled }, () => client.greetServerStream({}));
    await until(() => entered === stalled);
    let n = 0;
    for await (const message of client.greetServerStream({ name: "fast" })) {
      expect(message.greeting).toHaveLength(size);
      n++;
    }
    expect(n).toBe(count);
    for (const handle of handles) handle.cancel();
  });

  test("don't stop an upload that the server reads", async () => {
    let entered = 0;
    await using end = await link.start({
      routes: routes(0, () => {
        entered++;
      }),
    });
    const client = createClient(GreetService, end.transport);
    const endless = function* () {
      for (;;) yield { name: greeting };
    };
    const uploads = Array.from({ length: stalled }, () => {
      const controller = new AbortController();
      client.greetClientStream(endless(), { signal: controller.signal }).catch(() => {});
      return controller;
    });
    await until(() => entered === stalled);
    const names = Array.from({ length: count }, () => ({ name: greeting }));
    const answer = await client.greetClientStream(names, { headers: { "x-speed": "fast" } });
    expect(answer.greeting).toBe(String(count));
    for (const upload of uploads) upload.abort();
  });
});

test("what they hold stays within the bound of the options", async () => {
  const pair = memoryPair();
  const http2 = { maxBufferedBytes: 1_000_000 };
  const server = createServer({ logger: quiet, routes: routes(count, () => {}) });
  server.accept(new Connection("server", pair.server, http2));
  const connection = new Connection("client", pair.client, http2);
  await using transport = createTransport(connection);
  const client = createClient(GreetService, transport);
  const handles = Array.from({ length: stalled }, () => client.greetServerStream({}));
  // A reader that keeps up, so that windows grow, and that stalls then.
  const grown = Array.from({ length: 3 }, () => client.greetServerStream({}));
  await Promise.all(
    grown.map(async (stream) => {
      for (let i = 0; i < 300; i++) await stream.receive();
    }),
  );
  let n = 0;
  let most = 0;
  for await (const _ of client.greetServerStream({ name: "fast" })) {
    n++;
    most = Math.max(most, connection.flow.held);
  }
  const streams = stalled + grown.length + 1;
  expect(n).toBe(count);
  expect(most).toBeGreaterThan(stalled * 50_000);
  expect(most).toBeLessThanOrEqual(streams * 65_535 + 2 * http2.maxBufferedBytes);
  for (const handle of [...handles, ...grown]) handle.cancel();
  await until(() => connection.flow.held === 0);
  await server.shutdown({ graceMs: 0 });
});
