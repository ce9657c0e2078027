// SPDX-License-Identifier: Apache-2.0
// Connect's own client over a transport of ours: what it leaves is dropped, and what it sends can be sent again.
// Mutant: core/src/client/call/watched-messages.ts # if (reason === null) return; => return;
// Mutant: core/src/client/call/kept-messages.ts # this.results[at] ??= this.read(); => this.results[at] = this.read();
// Mutant: core/src/client/transport/create-transport.ts # method.methodKind === "server_streaming" ? keepMessages(input) : input => input
import { createClient } from "@connectrpc/connect";
import { Code, ConnectError, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf, until } from "./events.js";
import { everyLink, type LinkKind } from "./every-link.js";

/** Wraps the messages of a response in a generator. */
const wrapping: Interceptor = (next) => async (req) => {
  const res = await next(req);
  if (!res.stream) return res;
  const { message } = res;
  return {
    ...res,
    message: (async function* () {
      for await (const each of message) yield each;
    })(),
  };
};

const retrying: Interceptor = (next) => async (req) => {
  try {
    return await next(req);
  } catch {
    return await next(req);
  }
};

async function start(link: LinkKind, interceptors: Interceptor[]) {
  let failures = 0;
  const end = await link.start({
    transport: { interceptors },
    routes: (r) =>
      r.service(GreetService, {
        async *greetServerStream({ name }) {
          if (name === "fails" && failures++ === 0) throw new ConnectError("busy", Code.Unavailable);
          for (const i of [0, 1, 2]) yield { greeting: `${name}${i}` };
        },
      }),
  });
  return { end, client: createClient(GreetService, end.transport) };
}

describe.each(everyLink)("Connect's client over $name", (link) => {
  describe.each([
    { what: "messages", interceptors: [] },
    { what: "messages that an interceptor wraps", interceptors: [wrapping] },
  ])("with unread $what of a call that is over", ({ interceptors }) => {
    test("gets Canceled when its signal has fired", async () => {
      const { end, client } = await start(link, interceptors);
      await using _end = end;
      const controller = new AbortController();
      const stream = client.greetServerStream({ name: "a" }, { signal: controller.signal });
      const messages = stream[Symbol.asyncIterator]();
      expect((await messages.next()).value?.greeting).toBe("a0");
      await until(() => end.server.activeCalls === 0);
      // A later call's answer comes behind all of the first one's.
      for await (const _ of client.greetServerStream({ name: "b" }));
      controller.abort();
      expect((await errorOf(messages.next())).code).toBe(Code.Canceled);
    });

    test("reads all of them while its signal has not fired, and the end stays the end", async () => {
      const { end, client } = await start(link, interceptors);
      await using _end = end;
      const controller = new AbortController();
      const read: string[] = [];
      for await (const { greeting } of client.greetServerStream(
        { name: "a" },
        { signal: controller.signal },
      )) {
        read.push(greeting);
      }
      controller.abort();
      expect(read).toEqual(["a0", "a1", "a2"]);
    });
  });

  test("makes a server-streaming call again, by an interceptor of the transport", async () => {
    const { end, client } = await start(link, [retrying]);
    await using _end = end;
    const read: string[] = [];
    for await (const { greeting } of client.greetServerStream({ name: "fails" })) read.push(greeting);
    expect(read).toEqual(["fails0", "fails1", "fails2"]);
  });
});
