// SPDX-License-Identifier: Apache-2.0
// Promise 12: a dead peer is noticed. The path goes dark: no byte passes any more, and no end comes. The clock is the test's.
// Mutant: http2/src/connection/connection.ts # if (settings.received) this.keepAlive(now);
// Mutant: core/src/client/call/call.ts # attempt.deadlinePassed();
// Mutant: core/src/engine/call/client-call.ts # this.stream.deadlinePassed?.()
import { Code, createClient, type ServerOptions } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import type { Http2Options } from "@tristream/http2";
import { createClock, loopback } from "@tristream/testing";
import { errorOf, forEver, happening, until } from "./events.js";
import { quiet } from "./every-link.js";

const routes: ServerOptions["routes"] = (router) =>
  router.service(GreetService, {
    greet: ({ name }) => (name === "" ? forEver() : { greeting: name }),
    async *greetServerStream({ name }) {
      yield { greeting: name };
      await forEver();
    },
    async greetClientStream(requests) {
      for await (const _ of requests);
      return forEver();
    },
    async *greetStream(requests) {
      for await (const { name } of requests) yield { greeting: name };
    },
  });

function start(http2: Http2Options = {}) {
  const clock = createClock();
  let dark = false;
  const link = loopback({ routes, clock, logger: quiet, http2, hook: (bytes) => (dark ? null : bytes) });
  return {
    clock,
    link,
    client: createClient(GreetService, link.transport),
    goDark() {
      dark = true;
    },
  };
}

/** Calls of all kinds, in their middle, and how each one fails. */
async function openCalls(client: ReturnType<typeof start>["client"]) {
  const upload = client.greetClientStream();
  await upload.send({ name: "a" });
  const chat = client.greetStream();
  await chat.send({ name: "a" });
  await chat.receive();
  const stream = client.greetServerStream({ name: "a" });
  await stream.receive();
  const unary = client.greet({});
  return [
    errorOf(unary),
    errorOf(upload.closeAndReceive()),
    errorOf(chat.receive()),
    errorOf(stream.receive()),
  ];
}

test("calls of all kinds end with Unavailable, which says that the peer stopped answering, at both ends", async () => {
  const { clock, link, client, goDark } = start({ keepaliveMs: 60_000 });
  await using _link = link;
  const errors = await openCalls(client);
  await until(() => link.server.activeCalls === 4);
  await clock.advance(1000);
  goDark();
  await clock.advance(73_000);
  expect(link.server.activeCalls).toBe(0);
  for (const error of await Promise.all(errors)) {
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(
      /^connection to memory:server lost after (no answer|1 message): the peer stopped answering: nothing was received within 10000 ms of a PING/,
    );
  }
});

test("a deadline that passes in silence makes the client ask: the other calls don't wait for minutes", async () => {
  const { clock, link, client, goDark } = start();
  await using _link = link;
  const errors = await openCalls(client);
  await clock.advance(1000);
  goDark();
  const late = errorOf(client.greet({}, { timeoutMs: 500 }));
  await clock.advance(13_000);
  expect((await late).code).toBe(Code.DeadlineExceeded);
  for (const error of await Promise.all(errors)) expect(error.code).toBe(Code.Unavailable);
});

test("a peer that answers keeps its calls, however long they are silent", async () => {
  const { clock, link, client } = start();
  await using _link = link;
  const chat = client.greetStream();
  await chat.send({ name: "a" });
  await chat.receive();
  await clock.advance(3_600_000);
  const said = happening<string | undefined>();
  void chat.receive().then((message) => said.tell(message?.greeting));
  await chat.send({ name: "still here" });
  expect(await said).toBe("still here");
  await chat.closeResponse();
});
